"""Convolutions and pools."""

import numpy as np
from table import F16, F32, F64, I8, I64, U8, Const, case


def cases(t):
    yield from convolutions(t)
    yield from transposed(t)
    yield from pools(t)


def convolutions(t):
    def conv(x, w, bias=False, **attributes):
        operands = [t(*x), t.const(*w)] + ([t.const(w[0])] if bias else [])
        return case("Conv", *operands, **attributes)

    yield conv((1, 3, 17, 17), (8, 3, 3, 3), pads=[1, 1, 1, 1])
    yield conv((2, 3, 17, 19), (17, 3, 3, 3), bias=True, strides=[2, 2], pads=[1, 0, 2, 1])
    yield conv((1, 16, 7, 7), (33, 16, 1, 1), bias=True)
    yield conv((1, 16, 7, 7), (5, 16, 1, 1), strides=[2, 2])
    yield conv((3, 1, 9, 33), (1, 1, 1, 5), dilations=[1, 2], pads=[0, 4, 0, 4])
    yield conv((1, 4, 12, 12), (4, 4, 5, 3), dilations=[2, 3], pads=[4, 3, 4, 3])
    yield conv((1, 3, 32, 32), (16, 3, 7, 7), strides=[2, 2], pads=[3, 3, 3, 3])
    yield conv((1, 3, 33, 31), (8, 3, 4, 4), strides=[4, 4])
    yield conv((1, 5, 1, 1), (3, 5, 3, 3), pads=[1, 1, 1, 1])
    yield conv((1, 3, 8, 8), (4, 3, 8, 8))
    yield conv((1, 2, 3, 3), (4, 2, 3, 3), pads=[3, 3, 3, 3])
    yield conv((1, 48, 14, 14), (40, 48, 3, 3), bias=True, pads=[1, 1, 1, 1])
    yield from winograd(conv)
    # Images of few columns: register tiles run along their rows.
    yield conv((1, 8, 61, 1), (20, 8, 5, 1), bias=True)
    yield conv((2, 8, 47, 3), (20, 8, 5, 3), bias=True, strides=[2, 1], dilations=[2, 1], pads=[3, 1, 4, 1])
    yield conv((1, 8, 40, 4), (16, 4, 3, 2), group=2, strides=[1, 2], pads=[1, 0, 1, 2])
    for auto_pad in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        yield conv((1, 3, 17, 16), (4, 3, 3, 4), auto_pad=auto_pad, strides=[2, 3])
    yield conv((1, 8, 9, 9), (12, 2, 3, 3), group=4, bias=True, pads=[1, 1, 1, 1])
    yield conv((1, 34, 5, 5), (34, 17, 3, 3), group=2, pads=[1, 1, 1, 1])
    yield conv((1, 17, 9, 9), (17, 1, 3, 3), group=17, bias=True, pads=[1, 1, 1, 1])
    yield conv((2, 33, 9, 11), (33, 1, 5, 3), group=33, strides=[2, 1], pads=[2, 1, 2, 1])
    yield conv((1, 8, 14, 14), (8, 1, 3, 3), group=8, dilations=[2, 2], pads=[2, 2, 2, 2])
    yield conv((1, 4, 6, 6), (12, 1, 3, 3), group=4, note="depth multiplier")
    yield conv((2, 3, 33), (5, 3, 7), bias=True, pads=[3, 3])
    yield conv((1, 4, 100), (4, 1, 9), group=4, strides=[3], dilations=[2])
    yield case("Conv", t(1, 3, 9, 9), t(4, 3, 3, 3), note="weights at run time")
    yield conv((2, 3, 7, 8, 9), (5, 3, 3, 2, 3), bias=True, pads=[1, 0, 1, 1, 1, 2], strides=[2, 1, 2])
    yield conv((1, 4, 9, 5, 6), (6, 2, 3, 3, 1), group=2, dilations=[2, 1, 1])
    yield conv((1, 6, 4, 5, 5), (6, 1, 3, 3, 3), group=6, auto_pad="SAME_UPPER")
    yield case("Conv", t(1, 4, 9, 9), t(4, 1, 3, 3), group=4, note="weights at run time")
    yield case("Conv", t(1, 3, 9, 9, dtype=F64), t.const(4, 3, 3, 3, dtype=F64), want="onnx")
    for x, w, attributes in (((1, 3, 17, 17), (8, 3, 3, 3), dict(pads=[1, 1, 1, 1])),
                             ((1, 48, 14, 14), (40, 48, 3, 3), dict(pads=[1, 1, 1, 1])),
                             ((2, 16, 9, 11), (24, 8, 3, 2), dict(group=2, strides=[2, 1], pads=[1, 0, 1, 1])),
                             ((1, 32, 7, 7), (33, 32, 1, 1), dict(strides=[2, 2])),
                             ((1, 16, 40), (24, 16, 5), dict(dilations=[2]))):  # fmt: skip
        yield case("Conv", t(*x, dtype=F16), t.const(*w, dtype=F16), t.const(w[0], dtype=F16), want="onnx", **attributes)
    yield case("Conv", t(1, 3, 9, 9, dtype=F16), t.const(4, 3, 3, 3, dtype=F16), want="onnx")
    yield case("Conv", t(0, 3, 9, 9), t.const(4, 3, 3, 3), note="no image")


def winograd(conv):
    """3x3 of stride 1: odd sizes of images, channels and columns; each side padded or not; batches."""
    yield conv((1, 16, 8, 8), (16, 16, 3, 3), pads=[1, 1, 1, 1])
    yield conv((2, 33, 13, 6), (40, 33, 3, 3), bias=True, pads=[1, 1, 1, 1])
    yield conv((3, 7, 5, 9), (20, 7, 3, 3), bias=True)
    for pads in ([1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [2, 0, 1, 2]):
        yield conv((1, 18, 7, 10), (16, 18, 3, 3), pads=pads)
    yield conv((1, 17, 1, 30), (5, 17, 3, 3), pads=[1, 1, 1, 1])
    yield conv((1, 64, 30, 31), (96, 64, 3, 3), bias=True, pads=[1, 1, 1, 1])
    yield conv((2, 320, 7, 7), (48, 320, 3, 3), pads=[1, 1, 1, 1])


def transposed(t):
    def conv(x, w, bias=0, **attributes):
        operands = [t(*x), t.const(*w)] + ([t.const(bias)] if bias else [])
        return case("ConvTranspose", *operands, **attributes)

    yield conv((1, 3, 5, 5), (3, 4, 3, 3))
    yield conv((2, 3, 5, 7), (3, 4, 3, 3), bias=4, strides=[2, 2], pads=[1, 1, 1, 1])
    yield conv((1, 8, 5, 5), (8, 17, 2, 2), strides=[2, 2])
    yield conv((1, 3, 5, 5), (3, 4, 4, 4), strides=[2, 2], pads=[1, 1, 1, 1])
    yield conv((1, 3, 5, 5), (3, 4, 3, 3), strides=[2, 2], output_padding=[1, 1])
    yield conv((1, 3, 5, 5), (3, 4, 3, 3), strides=[3, 2], output_shape=[16, 11])
    yield conv((1, 3, 5, 5), (3, 4, 3, 3), dilations=[2, 2], pads=[0, 1, 2, 1])
    yield conv((1, 4, 5, 5), (4, 3, 3, 3), group=2, strides=[2, 2], bias=6)
    yield conv((1, 4, 5, 5), (4, 1, 3, 3), group=4)
    yield conv((1, 3, 17), (3, 4, 5), strides=[3])
    yield conv((2, 24, 9, 7), (24, 20, 3, 3), bias=20, strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])
    yield conv((1, 16, 6, 5), (16, 1, 2, 2), bias=1, strides=[2, 2])
    yield conv((1, 5, 4, 6), (5, 3, 5, 2), strides=[3, 4], pads=[4, 1, 3, 0], note="a stride beyond the kernel")
    yield conv((1, 5, 4, 6), (5, 3, 7, 7), strides=[2, 3], pads=[6, 6, 6, 5])
    yield case("ConvTranspose", t(1, 5, 4, 6), t(5, 3, 3, 3), strides=[2, 2], note="weights at run time")
    yield case("ConvTranspose", t(1, 3, 5, 5, dtype=F64), t.const(3, 4, 3, 3, dtype=F64), strides=[2, 2], want="onnx")
    yield case("ConvTranspose", t(1, 3, 5, 5, dtype=F16), t.const(3, 4, 3, 3, dtype=F16), strides=[2, 2], want="onnx")
    yield conv((1, 3, 5, 5), (3, 4, 3, 3), strides=[2, 2], auto_pad="SAME_UPPER")


def max3x3(x):
    """NaN propagates, as everywhere; ONNX does not say."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    return np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3)).max((4, 5))


def pools(t):
    for op in ("MaxPool", "AveragePool"):
        x = (2, 5, 17, 19)
        yield case(op, t(*x), kernel_shape=[2, 2], strides=[2, 2])
        yield case(op, t(*x), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        yield case(op, t(*x), kernel_shape=[3, 2], strides=[1, 3], pads=[2, 0, 1, 1])
        yield case(op, t(*x), kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
        yield case(op, t(*x), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1)
        yield case(op, t(*x), kernel_shape=[3, 3], dilations=[2, 3], want="onnx")
        yield case(op, t(1, 33, 7, 7), kernel_shape=[7, 7])
        yield case(op, t(2, 3, 33), kernel_shape=[3], strides=[2], pads=[1, 1])
        yield case(op, t(1, 3, 9, 9), kernel_shape=[3, 3], auto_pad="SAME_UPPER", strides=[2, 2])
        yield case(op, t(1, 3, 9, 9), kernel_shape=[2, 2], auto_pad="SAME_LOWER")
        yield case(op, t(1, 3, 9, 9, dtype=F64), kernel_shape=[2, 2])
    for p in (1, 2, 3):
        yield case("LpPool", t(2, 5, 17, 19), kernel_shape=[3, 2], strides=[2, 1], p=p, want=lambda x, p=p: (
            np.lib.stride_tricks.sliding_window_view(np.abs(x) ** p, (3, 2), (2, 3))[:, :, ::2].sum((4, 5)) ** (1 / p)))
    places = np.array([5, 7, 13, 15, 16, 18, 24, 27]).reshape(1, 2, 2, 2)
    yield case("MaxUnpool", t(1, 2, 2, 2), places, kernel_shape=[2, 2], strides=[2, 2], want="onnx")
    shape = np.array([1, 2, 5, 6], I64)
    for known in (Const(shape), shape):
        yield case("MaxUnpool", t(1, 2, 2, 2), places, known, kernel_shape=[2, 2], strides=[2, 2], want="onnx")
    x = t(2, 5, 17, 19)
    yield case("AveragePool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1],
               count_include_pad=1)
    image = t(1, 2, 5, 5, low=-9, high=-1)
    image[0, 0, 2, 2], image[0, 1, 0, 0] = np.nan, -np.inf
    yield case("MaxPool", image, kernel_shape=[3, 3], pads=[1, 1, 1, 1], want=max3x3, note="NaN")
    for dtype in (U8, I8):
        yield case("MaxPool", t(1, 2, 7, 8, dtype=dtype, low=-99, high=99), kernel_shape=[3, 2], pads=[1, 0, 1, 1])
    whole = t(2, 3, 9, 8, dtype=I8, low=-4, high=4).astype(F32)  # with ties
    for how in ({}, {"strides": [2, 3], "pads": [1, 1, 1, 0]}, {"dilations": [2, 1], "storage_order": 1},
                {"strides": [2, 2], "ceil_mode": 1}):
        yield case("MaxPool", whole, kernel_shape=[3, 2], outputs=2, **how)
    for shape in ((2, 17, 7, 9), (1, 3, 33), (1, 3, 4, 5, 6)):
        space = tuple(range(2, len(shape)))
        yield case("GlobalMaxPool", t(*shape))
        yield case("GlobalAveragePool", t(*shape))
        yield case("GlobalLpPool", t(*shape), want=lambda x, space=space:
                   np.sqrt(np.sum(x * x, space, keepdims=True)))
