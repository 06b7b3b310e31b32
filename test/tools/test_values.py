"""Sequences, optionals and strings as inputs and outputs: through files, the tool and Python."""

import json
import subprocess
import sys

import numpy as np
import onnx
from compiled_model import CompiledModel, nncc
from onnx import numpy_helper
from support import NNCC, main

EVERYTHING = """(seq(float[n, 2]) s, optional(float[m]) o, string[k] t, float[n] x)
    => (seq(float[a, 2]) s1, optional(float[m]) o1, string[k] t1, float[n] x1, int64 length) {
    s1 = Identity(s)  o1 = Identity(o)  t1 = StringConcat(t, t)  x1 = Neg(x)  length = SequenceLength(s) }"""
ARRAYS = [np.arange(6, dtype=np.float32).reshape(3, 2), np.zeros((0, 2), np.float32), -np.ones((1, 2), np.float32)]
TEXTS = np.array(["one", "", "drei \N{EURO SIGN}"], dtype=object)


class Values(CompiledModel):
    """What the models compute is checked against ONNX Runtime."""

    def test_sequences_through(self):
        self.build("""(seq(float[n, 2]) s, float[m, 2] x, int64 at)
            => (seq(float[a, 2]) longer, float[b, 2] one, int64 length, float[c, 2] all) {
            longer = SequenceInsert(s, x, at)  one = SequenceAt(s, at)  length = SequenceLength(longer)
            all = ConcatFromSequence<axis = 0>(longer) }""")
        for elements, at in ((ARRAYS, 0), (ARRAYS, 1), (ARRAYS, -1), (ARRAYS[:1], 0), (ARRAYS * 50, 149)):
            self.check(elements, (2, 2), np.array(at))
        self.refuse(ARRAYS, (2, 2), np.array(3), error="node 'SequenceAt")
        self.refuse([], (2, 2), np.array(0), error="node 'SequenceAt")

    def test_made_by_a_loop(self):
        self.build("""(int64 trips, float[n] x) => (seq(float[m]) s) {
            more = Constant<value_int = 1>()  cond = Cast<to = 9>(more)  empty = SequenceEmpty()
            s = Loop(trips, cond, empty) <body = b (int64 i, bool c, seq(float[q]) before) => (bool again, seq(float[r]) after) {
                again = Identity(c)  zero = Constant<value_ints = [0]>()  axes = Constant<value_ints = [0]>()
                one = Constant<value_int = 1>()  next = Add(i, one)  ends = Unsqueeze(next, axes)
                piece = Slice(x, zero, ends, axes)  after = SequenceInsert(before, piece) }> }""")
        for trips in (0, 1, 7):
            self.check(np.array(trips), (5,))

    def test_strings(self):
        self.build("""(string[n] x, string[n] y) => (string[n] z, bool[n] same) {
            z = StringConcat(x, y)  same = Equal(x, y) }""", opset=20)
        self.check(TEXTS, TEXTS[::-1].copy())
        self.check(TEXTS[:0], TEXTS[:0])

    def test_optionals(self):
        self.build("""(optional(float[n]) o) => (bool has) { has = OptionalHasElement(o) }""")
        for value, wanted in ((np.ones(3, np.float32), True), (None, False)):
            self.assertEqual(self.model.run([value])[0], wanted)


    def test_onnx_backend(self):
        self.save("(seq(float[n, 2]) s, optional(float[m]) o) => (seq(float[a, 2]) t, bool has) {"
                  " t = Identity(s)  has = OptionalHasElement(o) }")  # fmt: skip
        prepared = nncc.backend.prepare(onnx.load(self.folder / "m.onnx"))
        outputs = prepared.run([ARRAYS, None])
        self.compare(outputs.t, ARRAYS)
        self.assertEqual(outputs.has, False)
        node = onnx.helper.make_node("SequenceAt", ["s", "i"], ["y"])
        info = (np.float32, (None, None))
        found = nncc.backend.run_node(node, [ARRAYS, np.array(2)], outputs_info=[info])
        np.testing.assert_array_equal(found[0], ARRAYS[2])


class Files(CompiledModel):
    """The tool on ONNX's own files."""

    def setUp(self):
        super().setUp()
        self.save(EVERYTHING, opset=20)
        self.data = self.folder / "data"
        self.data.mkdir()
        self.write(numpy_helper.from_list(ARRAYS), "input_0.pb")
        self.write(numpy_helper.from_optional(np.ones(2, np.float32)), "input_1.pb")
        self.write(numpy_helper.from_array(TEXTS), "input_2.pb")
        self.write(numpy_helper.from_array(np.array([1, 2], np.float32)), "input_3.pb")

    def write(self, proto, name, folder=None):
        ((folder or self.data) / name).write_bytes(proto.SerializeToString())

    def read(self, message, path):
        return message.FromString((self.folder / path).read_bytes())

    def check_outputs(self, folder, names, optional):
        sequence = numpy_helper.to_list(self.read(onnx.SequenceProto, f"{folder}/{names[0]}"))
        self.assertEqual(len(sequence), len(ARRAYS))
        for got, want in zip(sequence, ARRAYS):
            np.testing.assert_array_equal(got, want, strict=True)
        found = numpy_helper.to_optional(self.read(onnx.OptionalProto, f"{folder}/{names[1]}"))
        np.testing.assert_array_equal(found, optional)

    def test_messages(self):
        self.nncc("run", "m.onnx", "--inputs", "data", "--outputs", "out")
        names = [f"output_{i}.pb" for i in range(5)]
        self.assertEqual(sorted(p.name for p in (self.folder / "out").iterdir()), names)
        self.check_outputs("out", names, np.ones(2, np.float32))
        strings = numpy_helper.to_array(self.read(onnx.TensorProto, "out/output_2.pb"))
        self.assertEqual(strings.tolist(), [text + text for text in TEXTS])
        length = numpy_helper.to_array(self.read(onnx.TensorProto, "out/output_4.pb"))
        self.assertEqual(length, 3)

    def test_any_rank(self):
        """The tensors that are given say how many dims those of a sequence have."""
        self.save("(seq(float) s, int64 i, float x) => (float y, float z) { y = SequenceAt(s, i)  z = Neg(x) }")
        model = onnx.load(self.folder / "m.onnx")
        model.graph.input[0].type.sequence_type.elem_type.tensor_type.ClearField("shape")
        for value in (model.graph.input[2], *model.graph.output):
            value.type.tensor_type.ClearField("shape")
        onnx.save(model, self.folder / "m.onnx")
        self.write(numpy_helper.from_array(np.array(2)), "input_1.pb")
        self.write(numpy_helper.from_array(ARRAYS[0]), "input_2.pb")
        self.nncc("run", "m.onnx", "--inputs", "data", "--outputs", "out")
        for name, wanted in (("output_0.pb", ARRAYS[2]), ("output_1.pb", -ARRAYS[0])):
            found = numpy_helper.to_array(self.read(onnx.TensorProto, f"out/{name}"))
            np.testing.assert_array_equal(found, wanted, strict=True)
        self.assertIn("  s: sequence(float32)\n", self.nncc("inspect", "m.onnx"))
        self.nncc("run", "m.onnx", "--input=s=@data/input_0.pb", "--random", code=1, error="any number of dims")

    def test_optional_without_a_value(self):
        self.nncc("m.onnx", "-o", "m.so")
        for write in (lambda: self.write(numpy_helper.from_optional(None), "input_1.pb"),
                      lambda: (self.data / "input_1.pb").unlink()):  # fmt: skip
            write()
            self.nncc("run", "m.so", "--inputs", "data", "--outputs", "out")
            self.check_outputs("out", ["output_0.pb", "output_1.pb"], None)

    def test_named_files_and_summary(self):
        self.nncc("m.onnx", "-o", "m.so")
        np.save(self.folder / "x.npy", np.array([1, 2], np.float32))
        np.save(self.folder / "o.npy", np.ones(2, np.float32))
        inputs = ["--input=s=@data/input_0.pb", "--input=o=@o.npy", "--input=t=@data/input_2.pb", "--input=x=@x.npy"]
        text = self.nncc("run", "m.so", *inputs)
        self.assertIn("s1: sequence(float32) of 3\ns1[0]: float32[3, 2], min 0, max 5, mean 2.5\n", text)
        self.assertIn("o1: optional(float32[2])\n", text)
        self.assertIn(r"t1: string[3]" + "\n  'oneone' '' 'drei \\E2\\82\\ACdrei \\E2\\82\\AC'", text)
        outputs = json.loads(self.nncc("run", "m.so", *inputs, "--json"))["outputs"]
        self.assertEqual(outputs[0]["type"], "sequence(float32)")
        self.assertEqual([e["shape"] for e in outputs[0]["elements"]], [[3, 2], [0, 2], [1, 2]])
        self.assertEqual(outputs[2]["type"], "string")
        text = self.nncc("run", "m.so", *inputs[:1], *inputs[2:])
        self.assertIn("o1: optional(float32) without a value\n", text)

    def test_bench(self):
        for model in ("m.onnx", "m.so"):
            if model == "m.so":
                self.nncc("m.onnx", "-o", model)
            found = json.loads(self.nncc("bench", model, "--inputs", "data", "--iterations=5", "--json"))
            self.assertEqual(found["iterations"], 5)
            self.assertEqual(found["inputs"]["s"], "sequence(float32) of 3")

    def test_inspect(self):
        self.nncc("m.onnx", "-o", "m.so")
        for model in ("m.onnx", "m.so"):
            text = self.nncc("inspect", model)
            self.assertIn("  s: sequence(float32[", text)
            self.assertRegex(text, r"  o: optional\(float32\[[m?]\]\)\n  t: string\[k\]\n  x: float32\[n\]\n")
            inputs = json.loads(self.nncc("inspect", model, "--json"))["inputs"]
            self.assertEqual([i["type"] for i in inputs], ["sequence(float32)", "optional(float32)", "string", "float32"])
            self.assertEqual(inputs[0]["shape"][1], 2)
        self.assertEqual(len(inputs[0]["parts"]), 2)
        self.assertNotIn("parts", inputs[3])

    def test_compare(self):
        self.nncc("run", "m.onnx", "--inputs", "data", "--outputs", "data")
        self.nncc("compare", "m.onnx", "--reference", "data")
        differ = ["compare", "m.onnx", "--inputs", "data", "--reference", "data"]
        self.write(numpy_helper.from_list([ARRAYS[0], ARRAYS[1], ARRAYS[2] + 1]), "output_0.pb")
        text = self.nncc(*differ, code=4, error="1 of 7 outputs differ")
        self.assertIn("s1[2] (Identity", text)
        self.assertIn("-1, expected 0 at [0, 0]", text)
        self.write(numpy_helper.from_list(ARRAYS[:2]), "output_0.pb")
        self.assertIn("s1 (Identity", text := self.nncc(*differ, code=4, error="1 of 5 outputs differ"))
        self.assertIn("is sequence(float32) of 3, the reference is sequence(float32) of 2", text)
        self.write(numpy_helper.from_list(ARRAYS), "output_0.pb")
        self.write(numpy_helper.from_optional(None), "output_1.pb")
        text = self.nncc(*differ, code=4)
        self.assertIn("is optional(float32[2]), the reference is optional(float32) without a value", text)
        self.write(numpy_helper.from_optional(np.ones(2, np.float32)), "output_1.pb")
        self.write(numpy_helper.from_array(np.array(["oneone", "x", "?"], dtype=object)), "output_2.pb")
        self.assertIn("'', expected 'x' at [1]", self.nncc(*differ, code=4))
        rows = json.loads(self.nncc(*differ, "--json", code=4))["outputs"]
        self.assertEqual(rows[0]["worst"], {"index": [1], "result": "''", "expected": "'x'"})

    def test_compare_with_onnx_runtime(self):
        compare = ["compare", "m.onnx", "--inputs=data", "--reference=ort", f"--python={sys.executable}"]
        self.assertIn("s1[2] (Identity", self.nncc(*compare))
        self.write(numpy_helper.from_optional(None), "input_1.pb")
        self.nncc(*compare)

    def test_wrong_inputs(self):
        run = ["run", "m.onnx", "--inputs", "data"]
        self.write(numpy_helper.from_list([ARRAYS[0], np.ones(2, np.float32)]), "input_0.pb")
        self.nncc(*run, code=1, error="data/input_0.pb holds s[1]: float32[2]")
        self.write(numpy_helper.from_list([ARRAYS[0].astype(np.float64)]), "input_0.pb")
        self.nncc(*run, code=1, error="input 's' is sequence(float32[n, 2]) in the model, but")
        self.write(numpy_helper.from_array(TEXTS), "input_3.pb")
        self.write(numpy_helper.from_list(ARRAYS), "input_0.pb")
        self.nncc(*run, code=1, error="input_3.pb is string[3]")
        self.write(numpy_helper.from_array(np.ones(2, np.float32)), "input_3.pb")
        (self.data / "input_0.pb").write_bytes(b"\xff\xff\xff")
        self.nncc(*run, code=1, error="input_0.pb: not a SequenceProto")
        (self.data / "input_0.pb").unlink()
        self.nncc(*run, "--random", code=1, error="input 's' (sequence(float32[n, 2])) is missing; give --input s=@<file.pb>")
        np.save(self.folder / "s.npy", ARRAYS[0])
        self.nncc(*run, "--input=s=@s.npy", code=1, error="but s.npy is float32[3, 2]")
        self.nncc(*run, "--input=s=3x2", code=1, error="but the given shape is float32[3, 2]")
        self.nncc(*run, "--input=t=3", code=1, error="strings are not generated")

    def test_damaged_messages(self):
        """No damage to a file ends in a signal."""
        self.nncc("m.onnx", "-o", "m.so")
        for number, step in ((0, 41), (1, 17), (2, 23)):
            path = self.data / f"input_{number}.pb"
            whole = path.read_bytes()
            for at in range(0, len(whole), step):
                for damaged in (whole[:at], whole[:at] + b"\xff" + whole[at + 1 :], whole[:at] + b"\x01" + whole[at + 1 :]):
                    path.write_bytes(damaged)
                    command = [NNCC, "run", "m.so", "--inputs", "data"]
                    run = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=self.folder)
                    self.assertIn(run.returncode, (0, 1, 3), run.stderr)
                    self.assertEqual(run.returncode == 0, "nncc: error:" not in run.stderr, run.stderr)
            path.write_bytes(whole)

    def test_files_that_cannot_hold_it(self):
        run = ["run", "m.onnx", "--inputs", "data", "--output"]
        self.nncc(*run, "all.npz", code=3, error="all.npz: cannot hold 's1', sequence(float32) of 3")
        self.assertFalse((self.folder / "all.npz").exists())
        self.nncc(*run, "all.pb", code=1, error="holds one value, not 5")
        self.save("(string[k] t) => (string[k] u) { u = Identity(t) }")
        text = ["run", "m.onnx", "--input=t=@data/input_2.pb", "--output"]
        self.nncc(*text, "u.npy", code=3, error="u.npy: strings of any length")
        self.nncc(*text, "u.pb")
        self.assertEqual(numpy_helper.to_array(self.read(onnx.TensorProto, "u.pb")).tolist(), TEXTS.tolist())


if __name__ == "__main__":
    main()
