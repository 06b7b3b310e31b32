"""Recurrent layers whose steps and rows nobody fixes: compiled once, run at several sizes against ONNX Runtime. How
many threads run them changes no bit."""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from support import NNCC, ToolTest, main

sys.path.insert(0, str(Path(NNCC).resolve().parent.parent / "lib" / "python"))
import nncc  # noqa: E402

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
INPUTS = 5
SIZES = [(1, 1), (2, 3), (7, 1), (3, 8), (2, 21), (40, 2), (1, 64)]


class OpenLayers(ToolTest):
    def build(self, op, direction="forward", units=24, lengths=False, states=False, **attributes):
        """A layer of open sizes, as a library and in ONNX Runtime."""
        count, gates = 1 + (direction == "bidirectional"), GATES[op]
        rng = np.random.default_rng(1)
        weights = {}
        for name, shape in (("w", (count, gates * units, INPUTS)), ("r", (count, gates * units, units)),
                            ("bias", (count, 2 * gates * units))):  # fmt: skip
            weights[name] = rng.uniform(-1.5, 1.5, shape).astype(np.float32) / np.float32(np.sqrt(units))
        self.states = ["h", "c"][: 1 + (op == "LSTM")] if states else []
        values = [("x", TensorProto.FLOAT, ["steps", "rows", INPUTS])]
        values += [("n", TensorProto.INT32, ["rows"])] if lengths else []
        values += [(s, TensorProto.FLOAT, [count, "rows", units]) for s in self.states]
        outputs = [("y", ["steps", count, "rows", units]), ("last", [count, "rows", units])]
        operands = ["x", "w", "r", "bias", "n" if lengths else "", *self.states]
        node = helper.make_node(op, operands, [name for name, _ in outputs], "layer", direction=direction,
                                hidden_size=units, **attributes)  # fmt: skip
        graph = helper.make_graph(
            [node],
            "g",
            [helper.make_tensor_value_info(*value) for value in values],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs],
            [numpy_helper.from_array(value, name) for name, value in weights.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
        self.builds = getattr(self, "builds", 0) + 1
        onnx.save(model, str(self.folder / "m.onnx"))
        self.nncc("m.onnx", "-o", f"m{self.builds}.so")
        self.models = [nncc.Model(self.folder / f"m{self.builds}.so", threads=n) for n in (1, 2, 3, 4)]
        self.reference = onnxruntime.InferenceSession(
            model.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        self.inputs = {name: shape for name, _, shape in values}

    def feeds(self, steps, rows, lengths=None):
        rng = np.random.default_rng(steps * 100 + rows)
        sizes = {"steps": steps, "rows": rows}
        feeds = {}
        for name, shape in self.inputs.items():
            shape = [sizes.get(size, size) for size in shape]
            if name == "n":
                feeds[name] = rng.integers(0, steps + 1, shape).astype(np.int32)
            else:
                feeds[name] = rng.uniform(-1, 1, shape).astype(np.float32)
        if lengths is not None:
            feeds["n"] = np.array(lengths, np.int32)
        return feeds

    def check(self, steps, rows):
        feeds = self.feeds(steps, rows)
        wanted = self.reference.run(None, feeds)
        results = [[np.array(value) for value in model.run(feeds).values()] for model in self.models]
        for got, want in zip(results[0], wanted):
            self.assertEqual((got.shape, got.dtype), (want.shape, want.dtype))
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)
        for other in results[1:]:
            for got, want in zip(other, results[0]):
                np.testing.assert_array_equal(got, want)

    def check_all(self):
        for steps, rows in SIZES:
            with self.subTest(steps=steps, rows=rows):
                self.check(steps, rows)

    def test_directions(self):
        for op in GATES:
            for direction in ("forward", "reverse", "bidirectional"):
                with self.subTest(op=op, direction=direction):
                    self.build(op, direction)
                    self.check_all()

    def test_lengths_and_states(self):
        for op in GATES:
            for direction in ("reverse", "bidirectional"):
                with self.subTest(op=op, direction=direction):
                    self.build(op, direction, lengths=True, states=True)
                    self.check_all()

    def test_reset_before_the_product(self):
        self.build("GRU", "bidirectional", linear_before_reset=1, units=33)
        self.check_all()

    def test_large_layers(self):
        """Few rows, and weights that are worth sharing: more threads than units compute these together."""
        for op, units in (("RNN", 272), ("GRU", 168), ("LSTM", 150)):
            for direction in ("forward", "bidirectional"):
                with self.subTest(op=op, direction=direction):
                    self.build(op, direction, units, lengths=direction != "forward", states=True)
                    self.check_all()
        self.build("GRU", "reverse", 168, lengths=True, linear_before_reset=1)
        self.check_all()

    def test_nothing(self):
        """ONNX Runtime refuses what is empty."""
        for op in GATES:
            self.build(op, "bidirectional", lengths=True, states=True)
            for model in self.models:
                y, last = model.run(self.feeds(3, 0)).values()
                self.assertEqual((y.shape, last.shape), ((3, 2, 0, 24), (2, 0, 24)))
                y, last = model.run(self.feeds(0, 2)).values()
                self.assertEqual(y.shape, (0, 2, 2, 24))
                np.testing.assert_array_equal(last, 0)
            self.build(op, states=True)
            feeds = self.feeds(0, 2)
            np.testing.assert_array_equal(self.models[0].run(feeds)["last"], feeds["h"])

    def test_lengths_outside_of_the_steps(self):
        """The run ends, and the next one is as it would be."""
        self.build("LSTM", "bidirectional", lengths=True)
        for model in self.models:
            want = model.run(self.feeds(3, 2, [0, 3]))
            for bad in (-5, 4, 1000000):
                with self.assertRaisesRegex(nncc.Error, rf"node 'layer': a length in sequence_lens is {bad}, outside of \[0, 3\]"):
                    model.run(self.feeds(3, 2, [0, bad]))
            got = model.run(self.feeds(3, 2, [0, 3]))
            for name, value in want.items():
                np.testing.assert_array_equal(got[name], value)

    def test_sizes_that_do_not_fit(self):
        self.build("LSTM", lengths=True)
        feeds = self.feeds(3, 2)
        feeds["n"] = np.zeros(5, np.int32)
        with self.assertRaisesRegex(nncc.Error, "'rows' is 5 here, but 2 in input 'x'"):
            self.models[0].run(feeds)


if __name__ == "__main__":
    main()
