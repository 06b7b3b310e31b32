"""Inverted residual blocks and poolings, fused by bands of rows wherever that is possible, against ONNX Runtime:
test_bands.py NNCC."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

NNCC = sys.argv[1]
ALL = "contract+window+contract"


class Model:
    """Nodes, each on the result of the one before."""

    def __init__(self, *shape):
        self.rng = np.random.default_rng(0)
        self.shape, self.last, self.channels = shape, "x", shape[1]
        self.nodes, self.weights = [], []

    def node(self, op, inputs=(), **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, [self.last, *inputs], [name], name=f"{op}_{len(self.nodes)}", **attributes))
        self.last = name
        return self

    def weight(self, *shape):
        name = f"w{len(self.weights)}"
        array = (self.rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]) or 1)).astype(np.float32)
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def conv(self, channels, taps=1, group=1, **attributes):
        operands = self.weight(channels, self.channels // group, taps, taps), self.weight(channels)
        self.channels = channels
        return self.node("Conv", operands, group=group, **attributes)

    def depthwise(self, taps, **attributes):
        return self.conv(self.channels, taps, self.channels, **attributes)

    def save(self, path):
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)
        y = helper.make_tensor_value_info(self.last, TensorProto.FLOAT, [None] * 4)
        graph = helper.make_graph(self.nodes, "g", [x], [y], self.weights)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


class Bands(unittest.TestCase):
    def check_model(self, model, fused):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            model.save(folder / "m.onnx")
            x = np.random.default_rng(1).standard_normal(model.shape).astype(np.float32)
            np.save(folder / "x.npy", x)
            compiled = subprocess.run([NNCC, "m.onnx", "--bands=always", "--remarks=nncc-cpu", "-o", "m.so"],
                                      check=True, cwd=folder, capture_output=True, text=True, timeout=300)
            self.assertIn(f"fused: {fused};", compiled.stdout + compiled.stderr)
            want = onnxruntime.InferenceSession(folder / "m.onnx", providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
            for threads in (1, 2):
                subprocess.run([NNCC, "run", "m.so", "--input=x=@x.npy", "--output=y.npy", f"--threads={threads}"],
                               check=True, cwd=folder, timeout=300)
                y = np.load(folder / "y.npy")
                np.testing.assert_allclose(y, want, rtol=1e-4, atol=1e-5 * np.abs(want).max())

    def test_blocks(self):
        for batch, height, width, taps, attributes in (
            (1, 28, 28, 3, dict(pads=[1, 1, 1, 1])),
            (3, 29, 21, 3, dict(pads=[1, 1, 1, 1], strides=[2, 2])),
            (2, 17, 12, 5, dict(pads=[2, 2, 2, 2], strides=[2, 1])),
            (1, 20, 15, 3, dict(pads=[3, 2, 1, 2], dilations=[2, 2])),
            (1, 9, 13, 3, {}),
        ):
            model = Model(batch, 24, height, width)
            model.conv(70).node("Relu").depthwise(taps, **attributes).node("HardSwish").conv(40)
            with self.subTest(batch=batch, height=height, width=width, taps=taps, **attributes):
                self.check_model(model, ALL)

    def test_residual(self):
        model = Model(2, 24, 14, 14)
        model.conv(72).node("Relu").depthwise(3, pads=[1, 1, 1, 1]).node("Relu").conv(24).node("Add", ["x"])
        self.check_model(model, ALL)

    def test_heavy(self):
        """Functions of many instructions, which go over sums in memory."""
        model = Model(1, 16, 14, 14)
        for convolution in (lambda: model.conv(48), lambda: model.depthwise(3, pads=[1, 1, 1, 1])):
            convolution()
            before = model.last
            model.node("Sigmoid").node("Mul", [before])
        model.conv(16).node("Tanh")
        self.check_model(model, ALL)

    def test_stem(self):
        model = Model(2, 3, 45, 38)
        model.conv(32, 3, pads=[1, 1, 1, 1], strides=[2, 2]).node("Relu")
        model.depthwise(3, pads=[1, 1, 1, 1]).node("Relu").conv(16)
        self.check_model(model, ALL)

    def test_pool(self):
        model = Model(2, 3, 47, 45)
        model.conv(40, 7, pads=[3, 3, 3, 3], strides=[2, 2]).node("Relu")
        model.node("MaxPool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2])
        self.check_model(model, "contract+window")

    def test_other_reader(self):
        """What something else reads stays a tensor of its own."""
        model = Model(1, 16, 14, 14)
        model.conv(16).node("Relu")
        before = model.last
        model.depthwise(3, pads=[1, 1, 1, 1]).node("Relu").conv(16).node("Add", [before])
        self.check_model(model, "window+contract")

    def test_read_twice(self):
        """Nor does a band of what the same operation reads again, whole."""
        model = Model(1, 16, 14, 14)
        model.conv(16).node("Relu")
        before = model.last
        model.depthwise(3, pads=[1, 1, 1, 1]).node("Add", [before]).node("Relu").conv(24)
        self.check_model(model, "window+contract")

        model = Model(1, 16, 14, 14)
        model.conv(16).node("Relu").depthwise(3, pads=[1, 1, 1, 1]).node("Relu")
        before = model.last
        model.conv(16).node("Add", [before])
        self.check_model(model, "contract+window")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
