"""Quantized models on each kind of machine against sums of integers that are exact:
test_quantized.py NNCC [--target=TARGET]; the emulator of a GPU where LD_LIBRARY_PATH has it.

Codes may differ by one in one element of a thousand, where floats of 32 bits are rounded before they
become codes."""

import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx

from quantized import Graph

NNCC = str(Path(sys.argv[1]).resolve())
CPU = set(re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.M)[1].split())
LEVELS = {"x86-64-v2": "sse4_2", "x86-64-v3": "avx2", "x86-64-v4": "avx512vl"}
TARGETS = ["host", *(level for level, flag in LEVELS.items() if flag in CPU)]
if len(sys.argv) > 2 and sys.argv[2].startswith("--target="):
    TARGETS = [sys.argv.pop(2).removeprefix("--target=")]


class Quantized(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def nncc(self, *arguments):
        run = subprocess.run([NNCC, *map(str, arguments)], capture_output=True, text=True, timeout=300,
                             cwd=self.folder)  # fmt: skip
        self.assertEqual(run.returncode, 0, f"{arguments}\n{run.stdout}{run.stderr}")
        return run

    def check(self, graph, formed=None, share=1e-3):
        """Compares all outputs; `formed`: how many products of integers there are; `share`: of the codes
        may differ by one."""
        onnx.save(graph.model(), self.folder / "m.onnx")
        np.savez(self.folder / "in.npz", **graph.values)
        wanted = graph.evaluate()
        if formed is not None:
            self.nncc("m.onnx", "--stop-after=graph", "-o", "m.mlir")
            products = r"nn\.(conv|matmul) .*: \(tensor<[^>]*xui8[,>].*, tensor<[^>]*xi8[,>].*\)"
            text = (self.folder / "m.mlir").read_text()
            self.assertEqual(len(re.findall(products, text)), formed, text)
        for target in TARGETS:
            isEmulated = target.startswith("nvptx:") and "gpu-emulator" in os.environ.get("LD_LIBRARY_PATH", "")
            images = ["--gpu-images=bitcode"] if isEmulated else []
            self.nncc("m.onnx", "--target", target, *images, "-o", "m.so")
            for threads in (1, 2):
                with self.subTest(target=target, threads=threads):
                    self.nncc("run", "m.so", "--inputs=in.npz", "--output=out.npz", f"--threads={threads}")
                    with np.load(self.folder / "out.npz") as got:
                        for name, want in wanted.items():
                            self.compare(name, got[name], want, share)

    def compare(self, name, got, want, share):
        self.assertEqual(got.shape, want.shape, name)
        if want.dtype == np.float64:
            scale = max(1e-30, np.abs(want).max())
            np.testing.assert_allclose(got, want, 2e-5, 1e-6 * scale, err_msg=name)
            return
        self.assertEqual(got.dtype, want.dtype, name)
        distance = np.abs(got.astype("int64") - want.astype("int64"))
        allowed = 0 if want.dtype == np.int32 else 1
        self.assertLessEqual(distance.max(initial=0), allowed, name)
        self.assertLessEqual(np.count_nonzero(distance), np.ceil(want.size * share), name)

    def conv(self, g, x, w, zero=3, scale=None, bias=None, **attributes):
        """The codes of a convolution of dequantized numbers."""
        operands = [x, w] if bias is None else [x, w, bias]
        return g.output(g.quantize(g.node("Conv", *operands, **attributes), scale or 0.3, zero))

    def test_conv_windows(self):
        g = Graph()
        for zero in (0, 77):
            x = g.activation(2, 3, 11, 13, zero=zero)
            self.conv(g, x, g.weights(20, 3, 3, 3, axis=0))
            self.conv(g, x, g.weights(20, 3, 3, 3), pads=[1, 2, 0, 1])
            self.conv(g, x, g.weights(17, 3, 3, 3, axis=0), bias=g.bias(17), strides=[2, 2], pads=[1] * 4)
            self.conv(g, x, g.weights(16, 3, 3, 2), dilations=[2, 3], pads=[2, 0, 2, 3])
            self.conv(g, x, g.weights(5, 3, 1, 1), strides=[3, 2])
        self.check(g, formed=10)

    def test_conv_shapes(self):
        g = Graph(1)
        for channels, zero in ((4, 0), (6, 9), (16, 128), (37, 200)):
            self.conv(g, g.activation(1, channels, 1, 1, zero=zero), g.weights(33, channels, 1, 1, axis=0))
            self.conv(g, g.activation(1, channels, 1, 1, zero=zero), g.weights(7, channels, 3, 3), pads=[1] * 4)
            self.conv(g, g.activation(2, channels, 9, zero=zero), g.weights(8, channels, 3), pads=[1, 2], strides=[2])
        self.check(g, formed=12)

    def test_conv_types(self):
        g = Graph(2)
        for dtype, zero in (("int8", 0), ("int8", -128), ("int8", 5), ("uint8", 255)):
            x = g.activation(1, 8, 6, 7, dtype=dtype, zero=zero)
            self.conv(g, x, g.weights(12, 8, 3, 3, axis=0), pads=[1] * 4)
            self.conv(g, x, g.weights(12, 8, 3, 3, dtype="uint8", zero=128, axis=0), pads=[1] * 4)
        self.check(g, formed=8)

    def test_groups(self):
        g = Graph(3)
        for zero in (0, 31):
            x = g.activation(2, 24, 7, 9, zero=zero)
            self.conv(g, x, g.weights(36, 12, 3, 3, axis=0), group=2, pads=[1] * 4)
            self.conv(g, x, g.weights(12, 4, 3, 3), group=6, pads=[0, 1, 1, 0], strides=[2, 1])
            self.conv(g, x, g.weights(40, 3, 3, 3), group=8, pads=[1] * 4)  # of floats
            self.conv(g, x, g.weights(48, 1, 3, 3), group=24)  # of floats
        self.check(g, formed=4)

    def test_depthwise(self):
        g = Graph(4)
        for channels, zero, dtype in ((16, 0, "uint8"), (19, 100, "uint8"), (5, -3, "int8")):
            x = g.activation(2, channels, 9, 10, zero=zero, dtype=dtype)
            self.conv(g, x, g.weights(channels, 1, 3, 3, axis=0), group=channels, pads=[1] * 4, bias=g.bias(channels))
            self.conv(g, x, g.weights(channels, 1, 5, 5), group=channels, pads=[2, 1, 2, 0], strides=[2, 2])
            self.conv(g, x, g.weights(channels, 1, 3, 2), group=channels, dilations=[2, 1])
        self.check(g, formed=0)

    def test_depthwise_words(self):
        """Up to four rows of taps are bytes of one word; padding takes some of them away."""
        g = Graph(14)
        for channels, zero, dtype in ((40, 0, "uint8"), (64, 128, "uint8"), (21, -128, "int8"), (16, 3, "int8")):
            x = g.activation(2, channels, 11, 17, zero=zero, dtype=dtype)
            for kernel, attributes in (([1, 3], {}), ([2, 2], {"pads": [1, 0, 1, 1]}), ([3, 3], {"pads": [2] * 4}),
                                       ([3, 3], {"pads": [1] * 4, "strides": [2, 2]}), ([4, 5], {"pads": [3, 1, 0, 4]}),
                                       ([3, 3], {"pads": [4] * 4, "dilations": [4, 2]}), ([4, 1], {"strides": [3, 1]})):
                w = g.weights(channels, 1, *kernel, axis=0)
                self.conv(g, x, w, group=channels, bias=g.bias(channels), **attributes)
        w = g.dequantize(g.constant(np.full((16, 1, 4, 4), -128), "int8"), np.float32(0.02), 0, "int8")
        x = g.dequantize(g.input(np.full((1, 16, 9, 9), 255, "uint8")), np.float32(0.02), 0, "uint8")
        g.output(g.node("Conv", x, w, group=16, pads=[1] * 4))
        self.check(g, formed=0)

    def test_weights_of_other_zero_points(self):
        g = Graph(5)
        x = g.activation(1, 8, 6, 6, zero=4)
        self.conv(g, x, g.weights(8, 8, 3, 3, zero=1))
        self.conv(g, x, g.weights(8, 8, 3, 3, dtype="uint8", zero=127, axis=0))
        rows = g.activation(5, 12, zero=4)
        g.output(g.quantize(g.node("MatMul", rows, g.weights(12, 7, dtype="uint8", zero=120, axis=1)), 0.2, 8))
        self.check(g, formed=0)

    def test_matmul_sizes(self):
        for k in (1, 3, 4, 5, 37, 64, 3072):
            g = Graph(k)
            for m, n in ((1, 1), (2, 15), (7, 16), (50, 17), (1, 100)):
                for zero in (0, 130) if n % 2 else (130,):
                    x = g.activation(m, k, zero=zero)
                    y = g.node("MatMul", x, g.weights(k, n, axis=1 if n > 1 else None))
                    g.output(g.quantize(y, 0.02 * np.sqrt(k), 99))
            self.check(g, formed=8)

    def test_matmul_forms(self):
        g = Graph(6)
        x = g.activation(2, 3, 5, 20, zero=7)
        g.output(g.quantize(g.node("MatMul", x, g.weights(20, 18, axis=1)), 0.2, 128))
        rows = g.activation(9, 20, dtype="int8", zero=-7)
        for weights in (g.weights(18, 20, axis=0), g.weights(18, 20, dtype="uint8", zero=128)):
            y = g.node("Gemm", rows, weights, g.bias(18), transB=1)
            g.output(y)
            g.output(g.quantize(g.node("Relu", y), 0.1, 0))
        g.output(g.node("MatMul", rows, g.weights(20, 3)))
        self.check(g, formed=4)

    def test_residuals(self):
        g = Graph(7)
        x = g.activation(2, 8, 9, 9, zero=12)

        def codes(y, zero=20, scale=0.2519):
            return g.dequantize(g.quantize(y, scale, zero), np.float32(scale), zero, "uint8")

        def conv(x, **attributes):
            return g.node("Conv", x, g.weights(8, 8, 3, 3, axis=0), g.bias(8), pads=[1] * 4, **attributes)

        first, second = codes(conv(x)), codes(conv(x), 99, 0.3137)
        g.output(g.quantize(g.node("Relu", g.node("Add", first, second)), 0.2971, 0))
        g.output(g.quantize(g.node("Add", x, conv(x)), 0.2971, 100))
        g.output(g.quantize(g.node("Add", codes(g.node("Relu", conv(x)), 0), x), 0.2137, 5, "int8"))
        g.output(g.quantize(g.node("Clip", conv(x), g.constant(np.float32(0)), g.constant(np.float32(6))), 6 / 255, 0))
        g.output(g.quantize(g.node("Clip", conv(x), g.constant(np.float32(0)), g.constant(np.float32(6))), 0.05, 3))
        self.check(g, formed=6)

    def test_rows_of_bytes(self):
        """Panels of a row in one store, with what is left of the last one, and numbers that are no i32."""
        for seed, (zero, dtype) in enumerate([(0, "uint8"), (37, "uint8"), (0, "int8"), (-128, "int8"), (90, "int8")]):
            g = Graph(20 + seed)
            for n in (15, 16, 17, 24, 31, 32, 33, 47, 48, 50, 63, 64, 65, 80, 100, 144):
                extremes = np.array([0, 1e9, np.nan, -1e9, np.inf, 3e38, -np.inf, -3e38], "float32")
                bias = np.where(g.rng.random(n) < 0.5, 0, g.rng.choice(extremes, n)).astype("float32")
                x = g.activation(9, 20, zero=130)
                y = g.node("Add", g.node("MatMul", x, g.weights(20, n, axis=1)), g.constant(bias))
                if n % 3 == 0:
                    y = g.node("Add", y, g.activation(9, n, dtype=dtype, zero=zero, scale=0.03))
                if n % 2:
                    y = g.node("Relu", y)
                g.output(g.quantize(y, 0.017, zero, dtype))
            self.check(g, formed=16)

    def test_between(self):
        g = Graph(8)
        x = g.activation(1, 8, 10, 10, zero=12)
        y = g.node("Conv", x, g.weights(12, 8, 3, 3), pads=[1] * 4)
        q = g.dequantize(g.quantize(y, 0.25, 70), np.float32(0.25), 70, "uint8")
        pooled = g.node("MaxPool", q, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
        other = g.dequantize(g.quantize(pooled, 0.25, 70), np.float32(0.25), 70, "uint8")
        g.output(g.quantize(pooled, 0.25, 70))
        more = g.activation(1, 5, 5, 5, zero=70, scale=0.25)
        joined = g.quantize(g.node("Concat", other, more, axis=1), 0.25, 70)
        g.output(joined)
        z = g.node("Conv", g.dequantize(joined, np.float32(0.25), 70, "uint8"), g.weights(9, 17, 1, 1, axis=0))
        for op, scale in (("Sigmoid", 1 / 256), ("HardSwish", 0.1)):
            g.output(g.quantize(g.node(op, z), scale, 0))
        self.check(g, formed=2)

    def test_qlinear(self):
        g = Graph(9)
        for dtype, zero in (("uint8", 0), ("uint8", 40), ("int8", 3)):
            x, c = g.input(g.codes((2, 6, 8, 7), dtype)), g.constant
            for group, pads in ((1, [1, 0, 1, 2]), (6, [1] * 4)):
                w = g.codes((12, 6, 3, 3) if group == 1 else (6, 1, 3, 3), "int8")
                scales = c(g.scale(len(w)))
                y = g.node("QLinearConv", x, c(np.float32(0.02)), c(zero, dtype), c(w), scales, c(np.zeros(len(w)), "int8"),
                           c(np.float32(0.1)), c(9, dtype), c(g.rng.integers(-9000, 9000, len(w)), "int32"),
                           group=group, pads=pads)  # fmt: skip
                g.output(y)
            rows = g.input(g.codes((2, 5, 33), dtype))
            for weights, at in ((g.codes((33, 18), "int8"), 0), (g.codes((33, 18)), 128), (g.codes((33, 18)), 5)):
                g.output(g.node("QLinearMatMul", rows, c(np.float32(0.02)), c(zero, dtype), c(weights), c(np.float32(0.03)),
                                c(at, weights.dtype), c(np.float32(0.3)), c(120, dtype)))  # fmt: skip
        self.check(g, formed=9)

    def test_integers(self):
        g = Graph(10)
        c = g.constant
        for dtype, zero in (("uint8", 0), ("uint8", 200), ("int8", -9)):
            x, rows = g.input(g.codes((2, 5, 8, 7), dtype)), g.input(g.codes((3, 4, 300), dtype))
            for w, at in ((g.codes((7, 5, 3, 3), "int8"), 0), (g.codes((7, 5, 3, 3)), 128), (g.codes((7, 5, 3, 3)), 1)):
                g.output(g.node("ConvInteger", x, c(w), c(zero, dtype), c(at, w.dtype), pads=[1] * 4))
            for w, at in ((g.codes((300, 19), "int8"), 0), (g.codes((300, 19)), 128), (g.codes((300, 19)), 1)):
                g.output(g.node("MatMulInteger", rows, c(w), c(zero, dtype), c(at, w.dtype)))
        g.output(g.node("MatMulInteger", rows, c(g.codes((300, 19), "int8"))))
        self.check(g, formed=13)

    def test_zero_points_of_a_run(self):
        g = Graph(11)
        for shape in ((6, 40), (2, 3, 37)):
            values = g.rng.standard_normal(shape).astype("float32")
            codes, scale, zero = g.node("DynamicQuantizeLinear", g.input(values), results=3)
            w = g.constant(g.codes((shape[-1], 21), "int8"))
            g.output(codes, zero, sums := g.node("MatMulInteger", codes, w, zero))
            scales = g.node("Mul", scale, g.constant(g.scale(21)))
            g.output(g.node("Mul", g.node("Cast", sums, to=onnx.TensorProto.FLOAT), scales))
        image = g.rng.standard_normal((1, 3, 9, 8)).astype("float32")
        codes, scale, zero = g.node("DynamicQuantizeLinear", g.input(image), results=3)
        for group, shape in ((1, (10, 3, 3, 3)), (3, (3, 1, 3, 3))):
            g.output(g.node("ConvInteger", codes, g.constant(g.codes(shape, "int8")), zero, group=group, pads=[1] * 4))
        self.check(g, formed=3)

    def test_largest_sums(self):
        g = Graph(12)
        c = g.constant
        for k in (3072, 60000):
            x = g.input(np.full((3, k), 255, "uint8"))
            for code in (-128, 127):
                for zero in (0, 255):
                    g.output(g.node("MatMulInteger", x, c(np.full((k, 17), code, "int8")), c(zero, "uint8")))
        low = g.input(np.full((3, 3072), -128, "int8"))
        g.output(g.node("MatMulInteger", low, c(np.full((3072, 17), -128, "int8")), c(127, "int8")))
        image = g.input(np.full((1, 512, 5, 5), 255, "uint8"))
        g.output(g.node("ConvInteger", image, c(np.full((9, 512, 3, 3), -128, "int8")), pads=[1] * 4))
        deep = g.input(np.full((1, 3, 22, 23), 255, "uint8"))
        for size in ((22, 23), (23, 23)):  # one more product than floats sum exactly
            w = c(np.full((3, 1, *size), -128, "int8"))
            g.output(g.node("ConvInteger", deep, w, c(1, "uint8"), group=3, pads=[1] * 4))
        self.check(g)

    def test_open_sizes(self):
        g = Graph(13)
        x = g.activation(3, 6, 8, 7, zero=9, dims=["batch", 6, 8, 7])
        y = g.node("Conv", x, g.weights(10, 6, 3, 3, axis=0), g.bias(10), pads=[1] * 4)
        q = g.output(g.quantize(g.node("Relu", y), 0.2, 0))
        z = g.node("Conv", g.dequantize(q, np.float32(0.2), 0, "uint8"), g.weights(10, 1, 3, 3), group=10, pads=[1] * 4)
        g.output(g.quantize(z, 0.3, 128))
        image = g.activation(1, 3, 9, 12, zero=0, dims=[1, 3, "height", "width"])
        self.conv(g, image, g.weights(17, 3, 3, 3), pads=[1] * 4, strides=[2, 2])
        rows = g.activation(2, 5, 22, zero=30, dims=["batch2", "rows", 22])
        g.output(g.quantize(g.node("MatMul", rows, g.weights(22, 19, axis=1)), 0.2, 77))
        self.check(g, formed=3)

    def test_open_depth(self):
        g = Graph(15)
        rows = g.activation(4, 24, zero=3, dims=["rows", "depth"])
        g.output(g.quantize(g.node("MatMul", rows, g.weights(24, 9)), 0.1, 3))
        self.check(g, formed=0)

    def test_parameters_of_a_run(self):
        g = Graph(16)
        x = g.activation(1, 8, 6, 6, zero=3)
        codes = g.quantize(g.constant(g.rng.standard_normal((9, 8, 3, 3)), "float32"), 0.02, 0, "int8")
        self.conv(g, x, g.dequantize(codes, np.float32(0.02), 0, "int8"))
        rows, scale, zero = g.input(g.codes((4, 24))), g.input(np.float32(0.03)), g.input(np.uint8(7))
        rows = g.node("DequantizeLinear", rows, scale, zero)
        g.output(g.node("QuantizeLinear", g.node("MatMul", rows, g.weights(24, 9, axis=1)), scale, zero))
        weights = g.dequantize(g.input(g.codes((24, 9), "int8")), np.float32(0.02), 0, "int8")
        g.output(g.quantize(g.node("MatMul", rows, weights), 0.1, 3))
        image = g.node("DequantizeLinear", g.input(g.codes((1, 3, 8, 8))), scale, zero)
        g.output(g.node("QuantizeLinear", g.node("MaxPool", image, kernel_shape=[2, 2]), scale, zero))
        self.check(g, formed=1)

    def test_scales_of_16_bits(self):
        g = Graph(14)
        half = np.float16
        x = g.dequantize(g.input(g.codes((1, 8, 6, 6))), half(0.02), 12, "uint8")
        y = g.node("Conv", x, g.weights(9, 8, 3, 3, axis=0, scale_type=half), g.bias(9, half), pads=[1] * 4)
        scale = half(0.2519)
        q = g.dequantize(g.quantize(y, scale, 70), scale, 70, "uint8")
        g.output(g.quantize(g.node("MaxPool", g.node("Relu", q), kernel_shape=[2, 2]), scale, 9))
        self.check(g, formed=0, share=0.05)  # the sums are rounded to float16


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
