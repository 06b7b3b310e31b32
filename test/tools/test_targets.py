"""Libraries for other processors: right results where this machine can run them, well-formed files
for other machines."""

import json
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
MULTI = {**LEVELS, "x86-64-v4+avx512vnni": "avx512_vnni"}  # --target=x86-64-multi


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


def transformer(path):
    """A block of attention over 7 tokens of 32 features, 4 heads, then an MLP."""
    w = ModelWriter()

    def linear(name, operand, rows, columns):
        return w.node("Add", name, w.node("MatMul", f"{name}_product", operand, w.constant(rows, columns)),
                      w.constant(columns))  # fmt: skip

    def heads(name, perm):
        split = w.node("Reshape", f"{name}_split", linear(name, "norm", 32, 32), w.constant(values=[0, 0, 4, 8]))
        return w.node("Transpose", f"{name}_heads", split, perm=perm)

    w.node("LayerNormalization", "norm", "x", w.constant(32), w.constant(32))
    scores = w.node("MatMul", "scores", heads("q", [0, 2, 1, 3]), heads("k", [0, 2, 3, 1]))
    weights = w.node("Softmax", "softmax", w.node("Mul", "scaled", scores, w.constant(values=np.float32(8**-0.5))))
    mixed = w.node("MatMul", "mixed", weights, heads("v", [0, 2, 1, 3]))
    joined = w.node("Reshape", "joined", w.node("Transpose", "back", mixed, perm=[0, 2, 1, 3]),
                    w.constant(values=[0, 0, 32]))  # fmt: skip
    w.node("Add", "attention", "x", linear("projection", joined, 32, 32))
    hidden = w.node("Tanh", "activation", linear("up", "attention", 32, 128))
    w.node("Add", "y", "attention", linear("down", hidden, 128, 32), output=True)
    w.save(path, x=(TensorProto.FLOAT, [2, 7, 32]))


def quantized(path):
    """A convolution and a matrix product of bytes, in QDQ form; the step of the results is 1/8."""
    w = ModelWriter()

    def qdq(name, operand, step=0.125):
        scale, zero = w.constant(values=np.float32(step)), w.constant(values=np.uint8(128))
        codes = w.node("QuantizeLinear", f"{name}_codes", operand, scale, zero)
        return w.node("DequantizeLinear", name, codes, scale, zero)

    def weights(name, *shape):
        codes = w.constant(values=RANDOM.integers(-127, 128, shape, dtype="int8"))
        scale, zero = w.constant(values=np.float32(1 / 256)), w.constant(values=np.int8(0))
        return w.node("DequantizeLinear", name, codes, scale, zero)

    w.node("Conv", "conv", qdq("image", "x", 1 / 64), weights("filters", 20, 8, 3, 3), pads=[1] * 4)
    w.node("Relu", "relu", "conv")
    w.node("Flatten", "flat", qdq("features", "relu"))
    w.node("MatMul", "product", "flat", weights("matrix", 20 * 9 * 9, 40))
    qdq("y", "product", 4.0)
    w.results.append("y")
    w.save(path, x=(TensorProto.FLOAT, [2, 8, 9, 9]))


def recurrent(path):
    w = ModelWriter()
    w.nodes.append(helper.make_node(
        "LSTM", ["x", w.constant(2, 96, 12), w.constant(2, 96, 24), w.constant(2, 192)], ["y"], name="lstm",
        hidden_size=24, direction="bidirectional"))  # fmt: skip
    w.results.append("y")
    w.save(path, x=(TensorProto.FLOAT, [9, 3, 12]))


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
            ("aarch64-linux-gnu", "unknown target"),
            ("", "unknown target"),
            ("x86-64-v3+magic", "unknown feature 'magic'"),
            ("x86_64-linux-gnu:i686", "a processor of 64 bits"),
            ("x86-64-v3,x86-64-v9", "unknown target 'x86-64-v9'"),
            ("x86-64-v3,x86-64-v2,haswell", "they need the same instructions"),
            ("x86-64-v3,x86-64-v3", "both are called 'x86-64-v3'"),
            ("x86-64-v3,aarch64-linux-gnu:cortex-a76", "they are of different kinds"),
            ("sparc-linux-gnu:v9", "not supported"),
            ("x86_64-windows-msvc:x86-64-v3", "not supported"),
            ("x86_64-linux-gnu:z80", "unknown processor 'z80'"),
            ("riscv64-linux-gnu:generic-rv64", "64-bit floats"),
        ):
            self.nncc(MLP, "--dim=batch=2", "--target", target, code=1, error=error)


@unittest.skipUnless("sse4_2" in CPU, "not an x86-64 machine")
class Levels(ToolTest):
    """One library with code for several processors."""

    def inspect(self, library="m.so", *options):
        return json.loads(self.nncc("inspect", library, "--json", *options))

    def run_level(self, level=None):
        options = ["--level", level] if level else []
        self.nncc("run", "m.so", "--inputs", "in.npz", "--outputs", "out.npz", "--threads=2", *options)
        with np.load(self.folder / "out.npz") as data:
            return dict(data)

    def test_results(self):
        for make, steps in ((kernels, 0), (transformer, 0), (quantized, 4.0), (recurrent, 0)):
            make(self.folder / "m.onnx")
            session = onnxruntime.InferenceSession(self.folder / "m.onnx")
            names = [value.name for value in session.get_outputs()]
            x = RANDOM.standard_normal(session.get_inputs()[0].shape).astype("float32")
            np.savez(self.folder / "in.npz", x=x)
            wanted = dict(zip(names, session.run(names, {"x": x})))
            self.nncc("m.onnx", "--target=x86-64-multi")
            for level, flag in MULTI.items():
                if flag not in CPU:
                    continue
                got = self.run_level(level)
                for name in names:
                    error = max(steps, 1e-5 * np.abs(wanted[name]).max())
                    np.testing.assert_allclose(got[name], wanted[name], 1e-4, error,
                                               err_msg=f"{make.__name__} {level} {name}")  # fmt: skip

    def test_no_calls_for_multiply_adds(self):
        transformer(self.folder / "m.onnx")
        self.nncc("m.onnx", "--target=x86-64-v2")
        self.assertNotIn("fmaf", self.inspect()["needs"])

    def test_same_as_a_library_for_one(self):
        kernels(self.folder / "m.onnx")
        np.savez(self.folder / "in.npz", x=RANDOM.standard_normal((2, 3, 19, 23)).astype("float32"))
        self.nncc("m.onnx", "--target=x86-64-multi")
        multi = self.run_level("x86-64-v3" if "avx2" in CPU else "x86-64-v2")
        self.nncc("m.onnx", "--target", "x86-64-v3" if "avx2" in CPU else "x86-64-v2")
        for name, value in self.run_level().items():
            np.testing.assert_array_equal(multi[name], value, name)

    def test_the_best_is_taken(self):
        self.nncc(MLP, "--dim=batch=2", "--target=x86-64-v3,x86-64-v2", "-o", "m.so")
        found = self.inspect()
        self.assertEqual([level["name"] for level in found["levels"]], ["x86-64-v3", "x86-64-v2"])
        best = "x86-64-v3" if "avx2" in CPU else "x86-64-v2"
        self.assertEqual([level["name"] for level in found["levels"] if level["taken"]], [best])
        self.assertEqual(found["processor"], best)
        self.assertEqual(self.inspect("m.so", "--level=x86-64-v2")["processor"], "x86-64-v2")
        self.assertIn("; taken", self.nncc("inspect", "m.so"))
        self.assertEqual(self.inspect()["exports"], ["nncc_model_m"])

    def test_levels_that_are_not_there(self):
        self.nncc(MLP, "--dim=batch=2", "--target=x86-64-v3,x86-64-v2", "-o", "m.so")
        self.nncc("run", "m.so", "--random", "--level=x86-64-v4", code=1,
                  error="has code for 'x86-64-v3', 'x86-64-v2', not for 'x86-64-v4'")  # fmt: skip
        self.nncc(MLP, "--dim=batch=2", "--target=x86-64-v2", "-o", "one.so")
        self.nncc("run", "one.so", "--random", "--level=x86-64-v3", code=1,
                  error="has code for 'x86-64-v2', not for 'x86-64-v3'")  # fmt: skip

    @unittest.skipIf({"avx_ne_convert", "avx_ifma"} & CPU, "a machine that has them")
    def test_instructions_that_are_missing(self):
        self.nncc(MLP, "--dim=batch=2", "--target=x86-64-v2,x86-64-v3+avxifma", "-o", "m.so")
        self.nncc("run", "m.so", "--random")
        self.nncc("run", "m.so", "--random", "--level=x86-64-v3+avxifma", code=3, error="'avxifma'")
        self.assertIn("; not on this machine", self.nncc("inspect", "m.so"))
        self.nncc(MLP, "--dim=batch=2", "--target=x86-64-v3+avxneconvert,x86-64-v3+avxifma,x86-64-v3+avxifma+gfni",
                  "-o", "m.so")  # fmt: skip
        self.nncc("run", "m.so", "--random", code=3, error="does not have 'avx")

    def test_instructions_of_few_machines_are_declared(self):
        for target, feature in (("x86-64-v3+egpr", "egpr"), ("bdver1", "fma4"), ("bdver1", "xop")):
            self.nncc(MLP, "--dim=batch=2", "--target", target, "-o", "m.so")
            self.assertIn(feature, self.inspect()["instructions"])

    def test_weights_are_there_once(self):
        w = ModelWriter()
        w.node("MatMul", "y", "x", w.constant(512, 512), output=True)
        w.save(self.folder / "m.onnx", x=(TensorProto.FLOAT, [3, 512]))
        self.nncc("m.onnx", "--target=x86-64-v2")
        one = (self.folder / "m.so").stat().st_size
        self.nncc("m.onnx", "--target=x86-64-multi")
        self.assertLess((self.folder / "m.so").stat().st_size - one, 512 * 512 * 4 // 4)

    def test_stages_are_for_one(self):
        for stage in ("schedule", "target"):
            self.nncc(MLP, "--stop-after", stage, "--target=x86-64-multi", "-o", "m.mlir", code=1,
                      error="is for one target")  # fmt: skip
        self.nncc(MLP, "--dim=batch=2", "--stop-after=schedule", "--target=x86-64-v2", "-o", "m.mlir")
        self.nncc("m.mlir", "--target=x86-64-multi", "-o", "m.so", code=1, error="is for one target")
        self.nncc(MLP, "--dim=batch=2", "--stop-after=kernels", "--target=x86-64-multi", "-o", "m.mlir")
        self.nncc("m.mlir", "--target=x86-64-multi", "-o", "m.so")
        self.assertEqual(len(self.inspect()["levels"]), len(MULTI))

    def test_aarch64_dot_products(self):
        """Bytes are multiplied by what the processor has for it."""
        weights = numpy_helper.from_array(np.arange(64 * 32, dtype=np.int8).reshape(64, 32), "w")
        graph = helper.make_graph(
            [helper.make_node("MatMulInteger", ["x", "w"], ["y"])], "m",
            [helper.make_tensor_value_info("x", TensorProto.UINT8, [12, 64])],
            [helper.make_tensor_value_info("y", TensorProto.INT32, [12, 32])], [weights])  # fmt: skip
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10),
                  self.folder / "bytes.onnx")  # fmt: skip
        for processor, wanted in (("neoverse-v1", "usdot"), ("neoverse-n1", "sdot"), ("cortex-a72", None)):
            self.nncc("bytes.onnx", "-o", "m.s", "--emit=asm", f"--target=aarch64-linux-gnu:{processor}")
            found = set(re.findall(r"^\s+(\w*dot)\s", (self.folder / "m.s").read_text(), re.M))
            self.assertEqual(found, {wanted} - {None}, processor)

    def test_aarch64(self):
        self.nncc(MLP, "--dim=batch=2", "-o", "m.o", "--emit=obj",
                  "--target=aarch64-linux-gnu:cortex-a76,aarch64-linux-gnu:neoverse-v1")  # fmt: skip
        said = subprocess.run(["llvm-readelf", "--syms", self.folder / "m.o"], capture_output=True, text=True).stdout
        for level in ("cortex_a76", "neoverse_v1"):
            self.assertIn(f"nncc_m_descriptor_{level}", said)


if __name__ == "__main__":
    main()
