"""Libraries for other processors: right results where this machine can run them, well-formed files
for other machines."""

import re
import subprocess
import unittest
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from support import MLP, ToolTest, main

RANDOM = np.random.default_rng(0)
CPU = set(re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.M)[1].split())
LEVELS = {"x86-64-v2": "sse4_2", "x86-64-v3": "avx2", "x86-64-v4": "avx512vl"}


class ModelWriter:
    """Collects nodes; a node's result has the node's name."""

    def __init__(self):
        self.nodes, self.constants, self.results = [], [], []

    def constant(self, *shape, values=None):
        name = f"c{len(self.constants)}"
        if values is None:
            values = (0.3 * RANDOM.standard_normal(shape)).astype("float32")
        self.constants.append(numpy_helper.from_array(np.array(values), name))
        return name

    def node(self, operator, result, *operands, output=False, **attributes):
        self.nodes.append(helper.make_node(operator, operands, [result], name=result, **attributes))
        if output:
            self.results.append(result)
        return result

    def save(self, path, **inputs):
        values = [helper.make_tensor_value_info(name, *value) for name, value in inputs.items()]
        outputs = [helper.make_empty_tensor_value_info(name) for name in self.results]
        graph = helper.make_graph(self.nodes, "model", values, outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(onnx.shape_inference.infer_shapes(model, strict_mode=True), path)


def kernels(path):
    """One of each kind of kernel, with sizes that no vector divides."""
    w = ModelWriter()
    w.node("Conv", "conv", "x", w.constant(20, 3, 3, 3), w.constant(20), pads=[1] * 4)
    w.node("Relu", "relu", "conv")
    w.node("Conv", "depthwise", "relu", w.constant(20, 1, 3, 3), group=20, pads=[1] * 4, strides=[2, 2])
    w.node("MaxPool", "maxpool", "depthwise", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4, output=True)
    w.node("AveragePool", "avgpool", "relu", kernel_shape=[2, 2], strides=[2, 2], output=True)
    w.node("Conv", "grouped", "depthwise", w.constant(24, 5, 1, 1), group=4)
    w.node("Mul", "silu", "grouped", w.node("Sigmoid", "sigmoid", "grouped"), output=True)
    w.node("Flatten", "flat", w.node("GlobalAveragePool", "mean", "silu"))
    w.node("Gemm", "gemm", "flat", w.constant(17, 24), w.constant(17), transB=1)
    w.node("Softmax", "softmax", "gemm", output=True)
    w.node("Reshape", "tokens", "relu", w.constant(values=[2, 20, -1]))
    w.node("Transpose", "rows", "tokens", perm=[0, 2, 1])
    w.node("LayerNormalization", "norm", "rows", w.constant(20), w.constant(20))
    w.node("Tanh", "tanh", w.node("MatMul", "product", "norm", "tokens"), output=True)
    w.node("Erf", "erf", "norm", output=True)
    w.node("ReduceSum", "sum", w.node("Exp", "exp", "norm"), w.constant(values=[1]), output=True)
    w.node("Cast", "integers", "norm", to=TensorProto.INT32, output=True)
    w.node("Gather", "gather", "norm", w.constant(values=[3, 1, 0]), axis=1)
    w.node("Concat", "concat", "gather", "gather", axis=2, output=True)
    w.save(path, x=(TensorProto.FLOAT, [2, 3, 19, 23]))


def halves():
    """Every bit pattern of float16 (NaNs as one), and float32 around what rounds."""
    bits = np.arange(1 << 16, dtype="uint16").view("float16")
    exact = np.sort(bits[np.isfinite(bits)].astype("float32"))
    upwards = np.nextafter(exact, np.float32(np.inf))
    between = (exact[1:] + exact[:-1]) / 2
    special = np.float32([np.nan, -np.nan, np.inf, -np.inf, 65519, 65520, 1e30, -1e-30, 1e-45, 3.4e38])
    noise = RANDOM.integers(0, 1 << 32, 1 << 15, dtype="uint32").view("float32")
    return bits, np.concatenate([exact, upwards, between, -between, special, noise])


class Targets(ToolTest):
    def levels(self):
        for level, flag in LEVELS.items():
            if flag in CPU:
                with self.subTest(level):
                    yield level

    def compile(self, model, target, library="m.so"):
        self.nncc(model, "--target", target, "-o", library)
        return self.folder / library

    def run_model(self, **inputs):
        np.savez(self.folder / "in.npz", **inputs)
        self.nncc("run", "m.so", "--inputs", "in.npz", "--outputs", "out.npz")
        with np.load(self.folder / "out.npz") as data:
            return dict(data)

    @unittest.skipUnless("sse4_2" in CPU, "not an x86-64 machine")
    def test_kernels(self):
        model = self.folder / "kernels.onnx"
        kernels(model)
        x = RANDOM.standard_normal((2, 3, 19, 23)).astype("float32")
        session = onnxruntime.InferenceSession(model)
        names = [value.name for value in session.get_outputs()]
        wanted = dict(zip(names, session.run(names, {"x": x})))
        for level in self.levels():
            self.compile(model, level)
            got = self.run_model(x=x)
            for name in names:
                scale = np.abs(wanted[name]).max()
                np.testing.assert_allclose(got[name], wanted[name], 1e-4, 1e-5 * scale, err_msg=name)

    @unittest.skipUnless("sse4_2" in CPU, "not an x86-64 machine")
    def test_float_conversions(self):
        bits, floats = halves()
        with np.errstate(invalid="ignore"):  # signalling NaNs
            doubles = floats.astype("float64")
        # A little more or less, which rounding in two steps would lose.
        doubles = np.concatenate([doubles, doubles * (1 + 2.0**-50), doubles * (1 - 2.0**-50)])
        w = ModelWriter()
        w.node("Cast", "half_to_float", "half", to=TensorProto.FLOAT, output=True)
        w.node("Cast", "float_to_half", "float", to=TensorProto.FLOAT16, output=True)
        w.node("Cast", "double_to_half", "double", to=TensorProto.FLOAT16, output=True)
        w.node("Cast", "b", "float", to=TensorProto.BFLOAT16)
        w.node("Cast", "float_to_bfloat", "b", to=TensorProto.FLOAT, output=True)
        w.node("Cast", "bd", "double", to=TensorProto.BFLOAT16)
        w.node("Cast", "double_to_bfloat", "bd", to=TensorProto.FLOAT, output=True)
        model = self.folder / "casts.onnx"
        w.save(model, half=(TensorProto.FLOAT16, bits.shape), float=(TensorProto.FLOAT, floats.shape),
               double=(TensorProto.DOUBLE, doubles.shape))  # fmt: skip
        with np.errstate(all="ignore"):
            odd = doubles.astype("float32")  # to odd: what rounding once more leaves right
            pattern = odd.view("int32")
            inexact = (odd != doubles) & ~np.isnan(doubles) & (pattern & 1 == 0)
            away = np.where(np.abs(odd.astype("float64")) > np.abs(doubles), -1, 1)
            odd = np.where(inexact, pattern + away, pattern).astype("int32").view("float32")
            wanted = {
                "half_to_float": bits.astype("float32"),
                "float_to_half": floats.astype("float16"),
                "double_to_half": doubles.astype("float16"),
                "float_to_bfloat": floats.astype(ml_dtypes.bfloat16).astype("float32"),
                "double_to_bfloat": odd.astype(ml_dtypes.bfloat16).astype("float32"),
            }
        for level in [*self.levels(), "host"]:
            self.compile(model, level)
            got = self.run_model(half=bits, float=floats, double=doubles)
            for name, want in wanted.items():
                np.testing.assert_array_equal(got[name], want, f"{level}: {name}")

    def test_other_machines(self):
        kernels(self.folder / "kernels.onnx")
        for target, machine in (("aarch64-linux-gnu:cortex-a76", "AArch64"),
                                ("riscv64-linux-gnu:sifive-u74", "RISC-V")):  # fmt: skip
            with self.subTest(target):
                library = self.compile("kernels.onnx", target)
                said = subprocess.run(["llvm-readelf", "-h", "--dyn-syms", library],
                                      capture_output=True, text=True, check=True).stdout  # fmt: skip
                self.assertIn(machine, said)
                self.assertIn("nncc_model_m", said)
                undefined = re.findall(r"UND (\w+)", said)
                self.assertEqual([name for name in undefined if name.startswith("__")], [])

    def test_wrong_targets(self):
        for target, error in (
            ("x86-64-v9", "unknown target"),
            ("sparc-linux-gnu:v9", "not supported"),
            ("x86_64-windows-msvc:x86-64-v3", "not supported"),
            ("x86_64-linux-gnu:z80", "unknown processor 'z80'"),
            ("riscv64-linux-gnu:generic-rv64", "64-bit floats"),
        ):
            self.nncc(MLP, "--dim=batch=2", "--target", target, code=1, error=error)


if __name__ == "__main__":
    main()
