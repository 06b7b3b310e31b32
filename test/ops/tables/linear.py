"""Matrix products."""

import numpy as np
from table import F16, F32, F64, I32, I64, case

SHAPES = [((3, 5), (5, 7)), ((1, 1), (1, 1)), ((17, 33), (33, 17)), ((33, 1), (1, 33)),
          ((1, 64), (64, 1)), ((5,), (5,)), ((5,), (5, 7)), ((3, 5), (5,)), ((2, 3, 5), (5,)),
          ((5,), (2, 5, 7)), ((2, 3, 5), (5, 7)), ((2, 3, 5), (2, 5, 7)), ((3, 5), (2, 5, 7)),
          ((2, 1, 3, 5), (4, 5, 7)), ((4, 3, 5), (2, 1, 5, 7)), ((1, 3, 5), (4, 5, 7)),
          ((2, 4, 3, 5), (1, 4, 5, 7)), ((14, 100), (100, 20)), ((70, 48), (48, 40)),
          ((1, 512), (512, 33)), ((0, 5), (5, 7)), ((3, 5), (5, 0)), ((0, 3, 5), (5, 7)),
          ((3, 0), (0, 4)), ((16, 700), (700, 16)), ((8, 772), (772, 50)), ((1, 129), (129, 1030)),
          ((12, 1, 64), (12, 64, 77))]  # fmt: skip


def halves(product):
    """In f32, as the reference evaluator does not."""
    return lambda *inputs: product(*(x.astype(F32) for x in inputs)).astype(F16)


def cases(t):
    for a, b in SHAPES:
        yield case("MatMul", t(*a), t(*b))
        yield case("MatMul", t(*a), t.const(*b), note="weights")
    for dtype in (F64, F16, I32, I64):
        yield case("MatMul", t(3, 17, dtype=dtype), t(17, 5, dtype=dtype), want="onnx")
        yield case("MatMul", t(3, 17, dtype=dtype), t.const(17, 33, dtype=dtype), want="onnx")
    yield case("MatMul", t(2, 300, dtype=F64), t.const(300, 33, dtype=F64), want="onnx")
    for a, b in (((70, 48), (48, 40)), ((2, 33, 64), (64, 136)), ((1, 512), (512, 33)), ((2, 3, 40, 24), (2, 3, 24, 72)),
                 ((5,), (2, 5, 7)), ((130, 200), (200, 129))):  # fmt: skip
        yield case("MatMul", t(*a, dtype=F16), t(*b, dtype=F16), want=halves(np.matmul))
        yield case("MatMul", t(*a, dtype=F16), t.const(*b, dtype=F16), want=halves(np.matmul), note="weights")
    for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
        x, w = ((48, 40), (40, 48))[a], ((40, 72), (72, 40))[b]
        gemm = halves(lambda x, w, c, a=a, b=b: (x.T if a else x) @ (w.T if b else w) + c)
        yield case("Gemm", t(*x, dtype=F16), t(*w, dtype=F16), t(72, dtype=F16), want=gemm, transA=a, transB=b)
        yield case("Gemm", t(*x, dtype=F16), t.const(*w, dtype=F16), t.const(72, dtype=F16), want=gemm, transA=a, transB=b)
    yield case("MatMul", t.const(3, 5), t(5, 7), note="weights on the left")
    for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
        x, w = ((3, 17), (17, 3))[a], ((17, 20), (20, 17))[b]
        yield case("Gemm", t(*x), t.const(*w), t.const(20), transA=a, transB=b)
        yield case("Gemm", t(*x), t(*w), t(3, 1), transA=a, transB=b, alpha=0.5, beta=2.0)
    yield case("Gemm", t(3, 5), t(5, 7))
    yield case("Gemm", t(3, 5), t(5, 7), t())
    yield case("Gemm", t(3, 5), t(5, 7), t(3, 7), beta=0.0)
    yield case("Gemm", t(3, 5, dtype=F64), t(5, 7, dtype=F64), t(7, dtype=F64))
    yield case("Gemm", t(1, 33), t.const(33, 1), t.const(1))
