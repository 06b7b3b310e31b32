"""Matrix products."""

from table import F16, F64, I32, I64, case

SHAPES = [((3, 5), (5, 7)), ((1, 1), (1, 1)), ((17, 33), (33, 17)), ((33, 1), (1, 33)),
          ((1, 64), (64, 1)), ((5,), (5,)), ((5,), (5, 7)), ((3, 5), (5,)), ((2, 3, 5), (5,)),
          ((5,), (2, 5, 7)), ((2, 3, 5), (5, 7)), ((2, 3, 5), (2, 5, 7)), ((3, 5), (2, 5, 7)),
          ((2, 1, 3, 5), (4, 5, 7)), ((4, 3, 5), (2, 1, 5, 7)), ((1, 3, 5), (4, 5, 7)),
          ((2, 4, 3, 5), (1, 4, 5, 7)), ((14, 100), (100, 20)), ((70, 48), (48, 40)),
          ((1, 512), (512, 33)), ((0, 5), (5, 7)), ((3, 5), (5, 0)), ((0, 3, 5), (5, 7)),
          ((3, 0), (0, 4)), ((16, 700), (700, 16)), ((8, 772), (772, 50)), ((1, 129), (129, 1030)),
          ((12, 1, 64), (12, 64, 77))]  # fmt: skip


def cases(t):
    for a, b in SHAPES:
        yield case("MatMul", t(*a), t(*b))
        yield case("MatMul", t(*a), t.const(*b), note="weights")
    for dtype in (F64, F16, I32, I64):
        yield case("MatMul", t(3, 17, dtype=dtype), t(17, 5, dtype=dtype), want="onnx")
        yield case("MatMul", t(3, 17, dtype=dtype), t.const(17, 33, dtype=dtype), want="onnx")
    yield case("MatMul", t(2, 300, dtype=F64), t.const(300, 33, dtype=F64), want="onnx")
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
