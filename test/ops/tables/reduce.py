"""Reductions along axes."""

import numpy as np
from table import F16, F32, F64, I32, I64, U8, case, const, ints

KINDS = ["Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "SumSquare", "LogSum", "LogSumExp"]
SHAPES = [((3, 17), [1]), ((3, 17), [0]), ((3, 17), [0, 1]), ((3, 17), [-1]), ((2, 3, 4, 5), [1, 2]),
          ((2, 3, 4, 33), [0, 3]), ((2, 3, 4, 5), [-2]), ((33,), [0]), ((1, 1), [0]),
          ((3, 1000), [1]), ((257, 33), [0]), ((70000,), [0])]  # fmt: skip
INTEGER = {"Sum": np.sum, "Max": np.max, "Min": np.min, "Prod": np.prod,
           "SumSquare": lambda x, **how: np.sum(x * x, **how),
           "L1": lambda x, **how: np.sum(np.abs(x), **how)}  # fmt: skip


def cases(t):
    for kind in KINDS:
        op = "Reduce" + kind
        low, high = (0.5, 1.5) if kind in ("Prod", "LogSum") else (-2, 2)
        for shape, axes in SHAPES:
            if kind == "Prod" and max(shape) > 1000:
                continue  # rounding grows with the number of factors
            yield case(op, t(*shape, low=low, high=high), ints(*axes), want="onnx")
            yield case(op, t(*shape, low=low, high=high), ints(*axes), keepdims=0, want="onnx")
        yield case(op, t(3, 5, low=low, high=high))
        yield case(op, t(3, 5, low=low, high=high), keepdims=0)
        yield case(op, t(3, 5), ints(), noop_with_empty_axes=1, want="onnx")
        yield case(op, t(3, 5, dtype=F64, low=low, high=high), ints(1))
        yield case(op, t(3, 5, dtype=F16, low=low, high=high), ints(1), want="onnx")
    for kind in INTEGER:
        for dtype in (I32, I64):
            yield case("Reduce" + kind, t(3, 17, dtype=dtype), ints(1), want=lambda x, _, f=INTEGER[kind]:
                       f(x, axis=1, keepdims=True).astype(x.dtype))
    for kind, function in (("Max", np.max), ("Min", np.min)):
        x = t(4, 33, low=-9, high=9)
        x[1, 20], x[2, 3], x[3, :] = np.nan, np.inf, -np.inf
        yield case("Reduce" + kind, x, ints(1), keepdims=0, want=lambda x, _, f=function: f(x, 1))
        yield case("Reduce" + kind, x, ints(0), keepdims=0, want=lambda x, _, f=function: f(x, 0))
        yield case("Reduce" + kind, t(3, 17, dtype=U8, high=200), ints(0))
        yield case("Reduce" + kind, t(3, 17, dtype=np.bool_), ints(0), want="onnx")
    for kind in ("Sum", "Prod", "Max", "Min"):
        yield case("Reduce" + kind, t(0, 4), ints(0), want="onnx", note="nothing to reduce")
        yield case("Reduce" + kind, t(4, 0, 3), ints(2), want="onnx", note="nothing at all")
    for kind in ("Sum", "Max"):
        for shape, axis in (((300, 1001), 0), ((2048, 70), 0), ((4, 100, 130), 1), ((6, 1, 5000), 2),
                            ((3, 49, 64), 1)):
            yield case("Reduce" + kind, t(*shape), ints(axis), keepdims=0)
            yield case("Reduce" + kind, t(*shape, dtype=I32), ints(axis), keepdims=0)
    for kind, shape, axes in (("Mean", (40, 5000), (0, 1)), ("SumSquare", (3, 65536), (1,)),
                              ("Max", (20000, 12), (0,)), ("L1", (2, 131, 500), (1, 2))):
        yield case("Reduce" + kind, t(*shape), ints(*axes), note="of parts, on a GPU")
    yield case("ReduceMean", t(4, 300, 64, dtype=F16), ints(1), want=lambda x, _:
               np.mean(x, axis=1, dtype=F32, keepdims=True).astype(F16))
    for op in ("ArgMax", "ArgMin"):
        for shape, axis in (((3, 17), 0), ((3, 17), 1), ((3, 33, 5), 1), ((2, 3, 33), -1),
                            ((3, 4, 5), 0), ((100, 40), 0)):
            yield case(op, t(*shape), axis=axis)
            yield case(op, t(*shape, dtype=I32, high=2), axis=axis, keepdims=0)
            yield case(op, t(*shape, dtype=I32, high=2), axis=axis, select_last_index=1)
    for dtype in (F32, F64, I32, I64):
        yield case("CumSum", t(3, 17, dtype=dtype), const(1, I64), want="onnx")
        yield case("CumSum", t(3, 17, dtype=dtype), const(0, I64), reverse=1, want="onnx")
        yield case("CumSum", t(3, 17, dtype=dtype), const(-1, I64), exclusive=1, want="onnx")
    for dtype in (F32, F64, I32, I64):
        for axis in (0, 1, -1):
            yield case("CumProd", t(3, 7, dtype=dtype, low=-3, high=3), const(axis, I64), want=lambda x, a:
                       np.cumprod(x, int(a), dtype=x.dtype))
            yield case("CumSum", t(3, 7, dtype=dtype), np.array(axis, I64), want=lambda x, a:
                       np.cumsum(x, int(a), dtype=x.dtype), note="axis of a run")
    yield case("CumSum", t(3, 17, dtype=F16), const(1, I64), want="onnx")
    yield case("CumSum", t(33), const(0, I32), exclusive=1, reverse=1)
