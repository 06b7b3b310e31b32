"""Sizes of 0 and 1, numbers that are none, and integers that overflow, through every kind of kernel."""

import numpy as np
from table import BOOL, F16, F32, F64, I8, I32, I64, U8, case, const, extremes, ints, special


def no_elements(t):
    """Somewhere a size of 0: results without elements, or with those of nothing."""
    for shape in ((0, 3, 5), (3, 0, 5), (3, 5, 0)):
        yield case("Add", t(*shape), t(*shape))
        yield case("Sigmoid", t(*shape))
        yield case("Cast", t(*shape), to=7)
        yield case("Transpose", t(*shape), perm=[2, 0, 1])
        yield case("Concat", t(*shape), t(*shape), axis=1)
        yield case("Where", t(*shape, dtype=BOOL), t(*shape), t(1))
        yield case("CumSum", t(*shape), const(1, I64), want="onnx")
        yield case("Softmax", t(*shape), axis=1, want=lambda x: x)
        yield case("LogSoftmax", t(*shape), axis=-1, want=lambda x: x)
        yield case("LayerNormalization", t(*shape), t(shape[-1]), want=lambda x, w: x)
        yield case("Slice", t(*shape), ints(0), ints(2), ints(0))
        yield case("Pad", t(*shape), ints(0, 1, 0, 0, 0, 1), want=lambda x, _: np.pad(x, ((0, 0), (1, 0), (0, 1))))
        yield case("Tile", t(*shape), ints(2, 1, 3))
        yield case("Expand", t(*shape), ints(2, 1, 1, 1))
        for kind, of in (("Sum", np.sum), ("Prod", np.prod)):
            yield case("Reduce" + kind, t(*shape), ints(1), want=lambda x, _, f=of: f(x, 1, keepdims=True))
            yield case("Reduce" + kind, t(*shape), ints(0, 2), keepdims=0, want=lambda x, _, f=of: f(x, (0, 2)))
        yield case("ReduceMax", t(*shape), ints(1), want=lambda x, _: np.max(x, 1, keepdims=True, initial=-np.inf))
    yield case("ArgMax", t(0, 5), axis=1)
    yield case("ArgMin", t(3, 0, 2), axis=0, want=lambda x: np.zeros((1, 0, 2), I64))
    yield case("MatMul", t(2, 0, 3), t(2, 3, 5))
    yield case("MatMul", t(2, 5, 0), t(2, 0, 4), want=np.matmul)
    yield case("MatMul", t(64, 0), t(0, 200), want=np.matmul)
    yield case("Gemm", t(3, 0), t.const(0, 4), t.const(4), want=lambda a, b, c: a @ b + c)
    yield case("MatMulInteger", t(3, 0, dtype=U8), t(0, 7, dtype=U8), want=lambda a, b: np.zeros((3, 7), I32))
    yield case("Conv", t(0, 16, 9, 9), t.const(4, 16, 3, 3), note="no image")
    yield case("ConvTranspose", t(0, 3, 5, 5), t.const(3, 4, 3, 3), want=lambda x, w: np.zeros((0, 4, 7, 7), F32))
    for op in ("MaxPool", "AveragePool"):
        yield case(op, t(0, 3, 9, 9), kernel_shape=[3, 3], want=lambda x: np.zeros((0, 3, 7, 7), F32))
    yield case("GlobalAveragePool", t(0, 3, 9, 9), want=lambda x: np.zeros((0, 3, 1, 1), F32))
    yield case("Resize", t(0, 3, 4, 4), None, None, ints(0, 3, 8, 8), want=lambda x, *_: np.zeros((0, 3, 8, 8), F32))
    yield case("Gather", t(5, 0), t(3, dtype=I64, low=0, high=4))
    yield case("GatherElements", t(5, 0), t(3, 0, dtype=I64), want=lambda x, i: np.zeros((3, 0), F32))
    yield case("ScatterND", t(5, 0), t(2, 1, dtype=I64, low=0, high=4), t(2, 0), want=lambda x, *_: x)
    yield case("GatherElements", t(5, 3), t(0, 3, dtype=I64))
    yield case("GatherND", t(5, 3), t(0, 2, dtype=I64), want=lambda x, i: np.zeros(0, F32))
    yield case("ScatterND", t(5, 3), t(0, 1, dtype=I64), t(0, 3), want=lambda x, *_: x)
    yield case("ScatterElements", t(5, 3), t(0, 3, dtype=I64), t(0, 3), want=lambda x, *_: x)
    yield case("OneHot", t(0, dtype=I64), const(3, I64), t(2), want=lambda i, d, v: np.zeros((0, 3), F32))
    yield case("TopK", t(0, 5), ints(2), outputs=2, want=lambda x, k: (np.zeros((0, 2), F32), np.zeros((0, 2), I64)))
    yield case("TopK", t(3, 5), ints(0), outputs=2, want=lambda x, k: (np.zeros((3, 0), F32), np.zeros((3, 0), I64)))
    yield case("NonZero", t(0, 5, dtype=BOOL), want=lambda x: np.zeros((2, 0), I64))
    yield case("NonZero", np.zeros((3, 5), BOOL))
    yield case("Compress", t(4, 3), np.zeros(4, BOOL), axis=0)
    yield case("Trilu", t(0, 4))
    yield case("BatchNormalization", t(0, 3, 4), *(t.const(3, low=0.5, high=1) for _ in range(4)), want=lambda x, *_: x)
    yield case("InstanceNormalization", t(0, 3, 4), t(3), t(3), want=lambda x, *_: x)
    yield case("Attention", t(2, 2, 0, 8), t(2, 2, 5, 8), t(2, 2, 5, 8), want=lambda q, k, v: q)
    yield case("Einsum", t(3, 0), t(0, 4), equation="ij,jk->ik", want=np.matmul)


def single_elements(t):
    """Sizes of 1 only, or in all but one dim."""
    yield case("Softmax", t(1, 1))
    yield case("LayerNormalization", t(1, 1, 1), t(1), t(1))
    yield case("MatMul", t(1, 1), t(1, 1))
    yield case("MatMul", t(1, 1, 1, 1), t(1, 1, 1, 1))
    yield case("MatMul", t(1), t(1))
    yield case("Gemm", t(1, 300), t.const(300, 1))
    yield case("Conv", t(1, 1, 1, 1), t.const(1, 1, 1, 1))
    yield case("Conv", t(1, 1, 1, 1), t.const(1, 1, 3, 3), pads=[1, 1, 1, 1])
    yield case("MaxPool", t(1, 1, 1, 1), kernel_shape=[1, 1])
    yield case("AveragePool", t(1, 1, 1, 1), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    yield case("ArgMax", t(1, 1), axis=1)
    yield case("TopK", t(1, 1), ints(1), outputs=2)
    yield case("CumSum", t(1), const(0, I64))
    yield case("ReduceSum", t(1, 1, 1))
    yield case("Attention", t(1, 1, 1, 1), t(1, 1, 1, 1), t(1, 1, 1, 1), want=lambda q, k, v: v)
    yield case("NonZero", np.ones(1, F32))
    yield case("NonZero", np.array(3, F32), want=lambda x: np.zeros((0, 1), I64))


def no_numbers(t):
    """NaN and infinities: of rows that one thread has, a warp, and a block."""
    for columns in (5, 33, 700, 5000):
        x = t(6, columns, low=-9, high=9)
        x[0, 3], x[1, 4], x[2, :], x[3, 2], x[4, 1], x[4, 2] = np.nan, np.inf, -np.inf, -np.inf, np.inf, -np.inf
        with np.errstate(all="ignore"):
            top = np.max(x, 1, keepdims=True)
            softmax = np.exp(x - top) / np.sum(np.exp(x - top), 1, keepdims=True)
        yield case("Softmax", x, want=lambda x, y=softmax: y)
        for kind in ("Sum", "Mean", "Max", "Min", "L1", "L2", "SumSquare"):
            yield case("Reduce" + kind, x, ints(1), want="onnx")
        finite = np.nan_to_num(x, nan=1, posinf=np.inf, neginf=-np.inf)
        for op, of in (("ArgMax", np.argmax), ("ArgMin", np.argmin)):
            yield case(op, finite, axis=1, keepdims=0, want=lambda x, f=of: f(x, 1))
        yield case("CumSum", x, const(1, I64), want=lambda x, _: prefix_sums(x))
        yield case("TopK", finite, ints(3), outputs=2)
        yield case("LayerNormalization", x, t(columns), want=lambda x, w: np.where(
            np.isfinite(x).all(1, keepdims=True), reference_norm(x, w), np.float32(np.nan)))
    image = t(1, 2, 6, 7)
    image[0, 0, 2, 3], image[0, 1, 1, 1], image[0, 1, 4, 5] = np.inf, -np.inf, np.nan
    yield case("AveragePool", image, kernel_shape=[2, 2])
    yield case("MatMul", special()[:, None], np.ones((1, 3), F32), want=np.matmul)
    for dtype in (F32, F64):
        x = special(dtype)
        for op in ("Max", "Min"):
            yield case(op, x[:, None], x[None], want=np.maximum if op == "Max" else np.minimum)
        yield case("Clip", x, const(-1, dtype), const(1, dtype), want=lambda x, a, b: np.clip(x, a, b))
        for op in ("IsNaN", "IsInf", "Sign"):
            yield case(op, x)
    yield case("Cast", np.array([70000, -70000, 65504, np.nan, np.inf, 1e-8], F32), to=10, want="onnx")


def prefix_sums(x):
    with np.errstate(all="ignore"):
        return np.cumsum(x, 1, dtype=F64).astype(F32)


def reference_norm(x, w):
    with np.errstate(all="ignore"):
        x = x.astype(F64)
        centred = x - x.mean(1, keepdims=True)
        return (centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-5) * w).astype(F32)


def overflow(t):
    """Integers wrap around; a division of the least one by -1 as well."""
    for dtype in (I8, U8, I32, I64):
        x = extremes(dtype)
        for op, of in (("Add", np.add), ("Sub", np.subtract), ("Mul", np.multiply)):
            yield case(op, x[:, None], x[None], want=of)
        for kind, of in (("Sum", np.sum), ("Prod", np.prod)):
            if dtype in (I32, I64):
                yield case("Reduce" + kind, x, ints(0), want=lambda x, _, f=of: f(x, 0, keepdims=True, dtype=x.dtype))
        if dtype != U8:
            yield case("Neg", x, want=np.negative)
            yield case("Abs", x, want=np.abs)
    for dtype in (I32, I64):
        x = extremes(dtype)
        yield case("CumSum", x, const(0, I64), want=lambda x, _: np.cumsum(x, dtype=x.dtype))
        yield case("Div", x, np.array(-1, dtype), want=lambda x, y: np.negative(x))
        yield case("Mod", x, np.array(-1, dtype), want=lambda x, y: np.zeros_like(x))
        yield case("MatMul", x[:, None], x[None], want=np.matmul)


def cases(t):
    with np.errstate(all="ignore"):
        for part in (no_elements, single_elements, no_numbers, overflow):
            yield from part(t)
