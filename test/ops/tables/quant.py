"""Quantization and products of quantized tensors."""

import numpy as np
from table import F16, F32, F64, I8, I16, I32, U8, U16, case, const


def cases(t):
    for dtype, zero in ((U8, 3), (I8, -2), (U16, 300), (I16, -7)):
        low, high = (0, 255) if dtype in (U8, U16) else (-100, 100)
        yield case("QuantizeLinear", t(3, 17, low=-9, high=9), const(0.07, F32), const(zero, dtype), want="onnx")
        yield case("QuantizeLinear", t(3, 17, low=-1e5, high=1e5), const(0.5, F32), const(zero, dtype), want="onnx",
                   note="saturates")
        yield case("DequantizeLinear", t(3, 17, dtype=dtype, low=low, high=high), const(0.07, F32),
                   const(zero, dtype), want="onnx")
        yield case("DequantizeLinear", t(3, 17, dtype=dtype, low=low, high=high), const(0.07, F32), want="onnx")
    halves = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 1e9, -1e9], F32)
    yield case("QuantizeLinear", halves, const(1, F32), const(10, U8), want="onnx", note="halves")
    yield case("QuantizeLinear", t(2, 5), const(0.1, F32), want="onnx")
    for axis in (0, 1, -1):
        size = (3, 17, 5)[axis]
        yield case("QuantizeLinear", t(3, 17, 5), t(size, low=0.1, high=1), t(size, dtype=U8, high=9), axis=axis,
                   want="onnx")
        yield case("DequantizeLinear", t(3, 17, 5, dtype=U8, high=200), t(size, low=0.1, high=1),
                   t(size, dtype=U8, high=9), axis=axis, want="onnx")
    yield case("QuantizeLinear", t(3, 7), t(3, 4, low=0.1, high=1), t(3, 4, dtype=I8), axis=1, block_size=2,
               want=lambda x, s, z: np.clip(np.rint(x / np.repeat(s, 2, 1)[:, :7]) + np.repeat(z, 2, 1)[:, :7],
                                            -128, 127).astype(I8))
    yield case("DequantizeLinear", t(3, 4, dtype=I32, low=-1000, high=1000), const(0.25, F32), want="onnx")
    yield case("QuantizeLinear", t(3, 17, dtype=F16), const(0.5, F16), const(1, I8), want="onnx")
    for a, b in ((U8, U8), (U8, I8), (I8, I8)):
        for k in (5, 300):  # sums that are exact in float32, and that need more
            x, y = t(3, k, dtype=a, low=-128, high=255 if a == U8 else 127), t(k, 7, dtype=b, low=-128, high=127)
            yield case("MatMulInteger", x, y, want=lambda x, y: x.astype(I32) @ y.astype(I32))
            yield case("MatMulInteger", x, y, const(5, a), const(-3 if b == I8 else 3, b),
                       want=lambda x, y, p, q: (x.astype(I32) - p) @ (y.astype(I32) - q))
    yield case("MatMulInteger", t(3, 5, dtype=U8, high=255), t(5, 7, dtype=U8, high=255), const(0, U8),
               t(7, dtype=U8, high=9), want=lambda x, y, p, q: (x.astype(I32) - p) @ (y.astype(I32) - q))

    def product(x, xs, xz, y, ys, yz, s, z):
        sums = (x.astype(F64) - xz) @ (y.astype(F64) - yz)
        return np.clip(np.rint(sums * xs * ys / s) + z, 0, 255).astype(U8)

    yield case("QLinearMatMul", t(3, 17, dtype=U8, high=255), const(0.01, F32), const(120, U8),
               t(17, 5, dtype=U8, high=255), const(0.023, F32), const(99, U8), const(0.031, F32), const(111, U8),
               want=product)
    yield case("ConvInteger", t(1, 3, 7, 6, dtype=U8, high=255), t(4, 3, 3, 3, dtype=U8, high=255), const(7, U8),
               const(9, U8), pads=[1, 1, 1, 1])
    yield case("ConvInteger", t(1, 40, 5, 5, dtype=U8, high=255), t(4, 40, 3, 3, dtype=U8, high=255))
    yield case("QLinearConv", t(1, 3, 7, 6, dtype=U8, high=255), const(0.01, F32), const(120, U8),
               t.const(4, 3, 3, 3, dtype=U8, high=255), const(0.023, F32), const(99, U8), const(0.21, F32),
               const(111, U8), t.const(4, dtype=I32, low=-500, high=500))
