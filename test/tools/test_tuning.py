"""Plans from files: what nncc tune writes is taken, what does not fit is refused with the reason, and results
stay what they are."""

import json
import re
import subprocess

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from support import MLP, NNCC, ToolTest, main

RANDOM = np.random.default_rng(3)


def save_model(path):
    """A 3x3 convolution, one of 1x1, and a product of one row: a problem of each algorithm."""

    def constant(name, *shape):
        values = (RANDOM.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)
        return numpy_helper.from_array(values, name)

    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"], name="relu"),
        helper.make_node("Conv", ["b", "v"], ["c"], name="point"),
        helper.make_node("GlobalAveragePool", ["c"], ["d"], name="pool"),
        helper.make_node("Flatten", ["d"], ["e"], name="flatten"),
        helper.make_node("MatMul", ["e", "u"], ["y"], name="product"),
    ]
    constants = [constant("w", 64, 32, 3, 3), constant("v", 48, 64, 1, 1), constant("u", 48, 40)]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 32, 28, 28])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 40])]
    graph = helper.make_graph(nodes, "g", inputs, outputs, constants)
    imports = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=8), str(path))


class Tuning(ToolTest):
    def setUp(self):
        super().setUp()
        save_model(self.folder / "m.onnx")

    def tune(self, *options, budget="2s"):
        return json.loads(self.nncc("tune", "m.onnx", "--budget", budget, "--json", *options))

    def remarks(self, *options, code=0):
        command = [NNCC, "m.onnx", "-o", "m.so", "--remarks=nncc-cpu", *options]
        run = subprocess.run(command, capture_output=True, text=True, cwd=self.folder)
        self.assertEqual(run.returncode, code, run.stderr)
        return run.stderr

    def line(self, kernel, plan, processor=None):
        """A line for a kernel of a report."""
        return f"{processor or self.processor()} | {kernel['problem']} | threads 1 | {plan} | gain 1.100\n"

    def processor(self):
        """The one of this machine, as the pipeline spells it."""
        pipeline = self.nncc("--dump-pass-pipeline")
        return re.search(r"nncc-cpu-apply-tuning\{.*?processor=([^ }]+)\"?", pipeline)[1]

    def write(self, name, *lines):
        (self.folder / name).write_text("# nncc tuning 1\n" + "".join(lines))

    def check_results(self, *options):
        x = RANDOM.standard_normal((1, 32, 28, 28)).astype(np.float32)
        want = onnxruntime.InferenceSession(str(self.folder / "m.onnx")).run(None, {"x": x})[0]
        np.save(self.folder / "x.npy", x)
        self.nncc("m.onnx", "-o", "m.so", *options)
        results = []
        for threads in (1, 2, 3):
            self.nncc("run", "m.so", "--input", "x=@x.npy", "--output", "y.npz", "--threads", threads)
            results.append(np.load(self.folder / "y.npz")["y"])
        np.testing.assert_allclose(results[0], want, rtol=1e-4, atol=1e-5 * np.abs(want).max())
        for other in results[1:]:
            self.assertEqual(results[0].tobytes(), other.tobytes())

    def test_search(self):
        report = self.tune("--threads", 1, "-o", "t.txt", budget="5s")
        self.assertGreater(report["generations"], 0)
        self.assertEqual(len(report["kernels"]), 3)
        lines = (self.folder / "t.txt").read_text().splitlines()
        self.assertEqual(lines[0], "# nncc tuning 1")
        plans = [line for line in lines if not line.startswith("#")]
        self.assertEqual(plans, sorted(plans))
        changed = {k["problem"]: k["after"] for k in report["kernels"] if k["after"] != k["before"]}
        self.assertEqual({line.split(" | ")[1]: line.split(" | ")[3] for line in plans}, changed)
        self.check_results("--tuning", "t.txt")
        remarks = self.remarks("--tuning", "t.txt")
        for plan in changed.values():
            self.assertIn(f"tuning; plan: {plan}", remarks)

    def test_plan_is_taken(self):
        kernels = self.tune("-o", "t.txt", budget="0.1s")["kernels"]  # of no generation
        three = next(k for k in kernels if "array<i64: 1, 1, 1, 1>" in k["problem"])
        one = next(k for k in kernels if "28x28x64" in k["problem"].split("(")[1].split(",")[0])
        direct = "#kern.plan<rows = 5, panels = 2, k_blocks = 3, unit_tiles = 3, unroll = 2, n_slow = true>"
        winograd = "#kern.winograd<tile = 2, unit_tiles = 21, unit_panels = 1, k_block = 16, rows = 7, panels = 1>"
        product = "#kern.plan<rows = 3, panels = 1, k_blocks = 2, unit_tiles = 7, unroll = 1, n_slow = false>"
        for plan in (direct, winograd):
            self.write("t.txt", self.line(three, plan), self.line(one, product))
            remarks = self.remarks("--tuning", "t.txt")
            self.assertIn(f"tuning; plan: {plan}", remarks)
            self.assertIn(f"tuning; plan: {product}", remarks)
            self.check_results("--tuning", "t.txt")
        # the later file wins
        self.write("u.txt", self.line(three, direct))
        self.assertIn(f"tuning; plan: {direct}", self.remarks("--tuning", "t.txt", "--tuning", "u.txt"))
        self.assertIn(f"tuning; plan: {winograd}", self.remarks("--tuning", "u.txt", "--tuning", "t.txt"))
        # what the user says of algorithms stands above what was measured
        remarks = self.remarks("--tuning", "t.txt", "--winograd=off")
        self.assertNotIn(f"tuning; plan: {winograd}; threads", remarks)
        self.assertIn("is not wanted", remarks)
        # a compilation is a function of its inputs
        self.nncc("m.onnx", "-o", "a.so", "--name", "m", "--tuning", "t.txt")
        self.nncc("m.onnx", "-o", "b.so", "--name", "m", "--tuning", "t.txt")
        self.assertEqual((self.folder / "a.so").read_bytes(), (self.folder / "b.so").read_bytes())
        # and the search goes on from there, without losing lines of others
        self.write("t.txt", self.line(three, winograd), self.line(one, product, "other/32x64"))
        report = self.tune("-o", "v.txt", "--tuning", "t.txt", budget="0.1s")
        self.assertIn(winograd, [k["before"] for k in report["kernels"]])
        text = (self.folder / "v.txt").read_text()
        self.assertIn(winograd, text)
        self.assertIn("other/32x64 | ", text)

    def test_plans_that_do_not_fit(self):
        kernels = self.tune("-o", "t.txt", budget="0.1s")["kernels"]
        plans = [
            f"#kern.plan<rows = {rows}, panels = {panels}, k_blocks = {blocks}, unit_tiles = {unit}, "
            f"unroll = {unroll}, n_slow = true>"
            for rows, panels, blocks, unit, unroll in (
                (0, 1, 1, 1, 1), (1 << 62, 4, 1, 1, 1), (4, -3, 1, 1, 1), (31, 31, 1, 1, 1), (4, 1, 7, 1, 1),
                (4, 1, 1 << 62, 1, 1), (4, 1, -1, 1, 1), (4, 1, 1, 0, 1), (4, 1, 1, 1 << 40, 1),
                (4, 1, 1, 1, 0), (4, 1, 1, 1, 1 << 20))]  # fmt: skip
        plans += [
            f"#kern.winograd<tile = {tile}, unit_tiles = {unit}, unit_panels = {panels}, k_block = {block}, "
            f"rows = {rows}, panels = 1>"
            for tile, unit, panels, block, rows in (
                (3, 4, 1, 16, 4), (2, 0, 1, 16, 4), (2, 4, 1 << 62, 16, 4), (2, 4, 1, 1 << 21, 4),
                (4, 4, 1, 16, 1 << 40), (4, 4, 1, -16, 4))]  # fmt: skip
        for plan in plans:
            self.write("t.txt", *(self.line(kernel, plan) for kernel in kernels))
            remarks = self.remarks("--tuning", "t.txt")
            refused = [line for line in remarks.splitlines() if "tuning; " in line and plan in line]
            self.assertEqual(len(refused), len(kernels), plan + remarks)
            self.assertFalse(any("; gain: " in line for line in refused), plan)
        self.check_results("--tuning", "t.txt")

    def test_foreign_lines(self):
        kernel = self.tune("-o", "t.txt", budget="0.1s")["kernels"][0]
        plan = kernel["before"]
        self.write("t.txt", self.line(kernel, plan, "z80/8x1"), self.line({"problem": "kern.contract of old"}, plan))
        remarks = self.remarks("--tuning", "t.txt")
        self.assertIn("of_other_processors: 1; of_unknown_problems: 1", remarks)
        self.assertNotIn("Passed tuning", remarks)

    def test_lines_in_any_order(self):
        kernel = self.tune("-o", "t.txt", budget="0.1s")["kernels"][0]
        self.write("t.txt", self.line(kernel, kernel["before"]))
        text = (self.folder / "t.txt").read_text()
        (self.folder / "t.txt").write_text("".join(sorted(text.splitlines(keepends=True), reverse=True)))
        self.assertIn("Passed tuning", self.remarks("--tuning", "t.txt"))

    def test_broken_files(self):
        plan = "#kern.plan<rows = 1, panels = 1, k_blocks = 1, unit_tiles = 1, unroll = 1, n_slow = true>"
        first, good = "# nncc tuning 1\n", f"cpu/32x64 | kern.contract | threads 1 | {plan} | gain 1\n"
        line = "<processor> | <problem> | threads <n> | <plan> | gain <factor>"
        for text, error in (
            ("", "t.txt:1: expected '# nncc tuning 1', found ''"),
            ("# nncc tuning 2\n" + good, "t.txt:1: expected '# nncc tuning 1', found '# nncc tuning 2'"),
            (good, "t.txt:1: expected '# nncc tuning 1'"),
            ("\0\xff\n", "t.txt:1: expected '# nncc tuning 1'"),
            (f"{first}{good}\nwords\n", f"t.txt:4: expected {line}, found 'words'"),
            (first + good.replace("gain 1", "gain -1"), "t.txt:2: expected gain <factor>, found 'gain -1'"),
            (first + good.replace("gain 1", "gain nan"), "t.txt:2: expected gain <factor>"),
            (first + good.replace("threads 1", "threads 0"), "t.txt:2: expected threads <n>, found 'threads 0'"),
            (first + good.replace("rows = 1", "rows = x"), "t.txt:2: expected #kern.plan<...> or #kern.winograd<...> ("),
            (first + good.replace("rows = 1, ", ""), "t.txt:2: expected #kern.plan<...>"),
            (first + good.replace("#kern.plan<", "#kern.blocks<"), "t.txt:2: expected #kern.plan<...>"),
            (first + good.replace(plan, "[1, 2]"), "t.txt:2: expected #kern.plan<...>"),
        ):  # fmt: skip
            (self.folder / "t.txt").write_text(text)
            self.nncc("m.onnx", "-o", "m.so", "--tuning", "t.txt", code=1, error=error)
        self.nncc("m.onnx", "-o", "m.so", "--tuning", "none.txt", code=1, error="cannot read 'none.txt'")
        self.nncc("m.onnx", "-o", "m.so", "--tuning", ".", code=1, error="cannot read '.'")
        self.nncc("m.onnx", "-o", "t.mlir", "--stop-after=schedule")
        self.write("t.txt")
        self.nncc("t.mlir", "-o", "m.so", "--tuning", "t.txt", code=1, error="--tuning comes too late")

    def test_usage(self):
        self.nncc("tune", "m.onnx", "--budget", "fast", code=1, error="--budget=fast: expected a time")
        self.nncc("tune", "m.onnx", "--budget=-1s", code=1, error="expected a time")
        self.nncc("tune", "m.onnx", "--threads=-1", code=1, error="--threads: expected 0 or more")
        self.nncc("tune", "m.so", code=1, error="expected a model, .onnx")
        self.nncc("tune", "none.onnx", code=1, error="none.onnx")
        self.nncc("tune", "m.onnx", "-o", "no/folder/t.txt", code=1, error="no/folder")
        self.nncc("tune", MLP, code=1, error="batch")  # of an open size
        self.nncc("tune", MLP, "--dim", "batch=4", "--budget", "0.1s", "-o", "t.txt")
        self.nncc("tune", MLP, "--input", "x=3x1x8x8", "--budget", "0.5s", "-o", "t.txt")


if __name__ == "__main__":
    main()
