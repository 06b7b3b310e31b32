"""Elementwise operators, comparisons and casts."""

import numpy as np
from table import (BOOL, F16, F32, F64, I8, I16, I32, I64, INTEGERS, U8, U16, U32, U64, case, const,
                   erf, extremes, special)  # fmt: skip

SHAPES = [((3, 17), (3, 17)), ((3, 17), (17,)), ((17,), (3, 17)), ((3, 1), (1, 33)), ((), (5,)),
          ((5,), ()), ((), ()), ((2, 1, 3, 1), (4, 1, 5)), ((0,), (1,)), ((3, 0), (3, 1)),
          ((1, 1), (2, 3, 17)), ((4, 1, 33), (4, 17, 1))]  # fmt: skip
# Operator and the range where it is defined.
UNARY = {
    "Abs": (-3, 3), "Acos": (-1, 1), "Acosh": (1, 9), "Asin": (-1, 1), "Asinh": (-9, 9),
    "Atan": (-9, 9), "Atanh": (-0.99, 0.99), "Ceil": (-9, 9), "Cos": (-30, 30), "Cosh": (-9, 9),
    "Erf": (-4, 4), "Exp": (-20, 20), "Floor": (-9, 9), "Log": (1e-3, 99), "Neg": (-3, 3),
    "Reciprocal": (0.1, 9), "Round": (-9, 9), "Sign": (-1, 1), "Sin": (-30, 30), "Sinh": (-9, 9),
    "Sqrt": (0, 99), "Tan": (-1.5, 1.5), "Tanh": (-9, 9),
}  # fmt: skip


def wrap(function):
    """Without NumPy's warnings."""

    def run(*arrays):
        with np.errstate(all="ignore"):
            return function(*arrays)

    return run


def truncated_quotient(x, y):
    wide = np.abs(x.astype(object)) // np.abs(y.astype(object))
    sign = np.where((x < 0) != (y < 0), -1, 1).astype(object)
    return (wide * sign % 2 ** (8 * x.itemsize)).astype(f"u{x.itemsize}").view(x.dtype)


def cases(t):
    for op, (low, high) in UNARY.items():
        yield case(op, t(3, 33, low=low, high=high))
        yield case(op, t(5, dtype=F64, low=low, high=high), want=erf if op == "Erf" else "ort")
        yield case(op, t(17, dtype=F16, low=low, high=min(high, 9)), want="onnx")
    numpy_of = {"Abs": np.abs, "Ceil": np.ceil, "Exp": np.exp, "Floor": np.floor, "Log": np.log,
                "Neg": np.negative, "Round": np.rint, "Sin": np.sin, "Cos": np.cos,
                "Sqrt": np.sqrt, "Tanh": np.tanh, "Atan": np.arctan, "Asinh": np.arcsinh}
    for op, function in numpy_of.items():
        yield case(op, special(), want=wrap(function), note="special values")
    for dtype in (I8, I32, I64):
        yield case("Abs", t(17, dtype=dtype, low=-99, high=99), want=np.abs)
        yield case("Neg", t(17, dtype=dtype, low=-99, high=99), want=np.negative)
        yield case("Sign", t(17, dtype=dtype, low=-9, high=9), want=np.sign)
    yield case("Sign", t(9, dtype=U8, low=0, high=3), want=np.sign)
    yield case("Abs", t())
    yield case("Exp", t(0, 3))
    yield from binary(t)
    yield from logic(t)
    yield from casts(t)


def binary(t):
    for rows, columns in ((9, 1000), (70, 64), (3, 4100), (5, 2051)):
        yield case("Add", t(rows, columns), t(columns))
        yield case("Mul", t(rows, columns), t(rows, 1))
        yield case("Add", t(rows, columns, dtype=F16), t(columns, dtype=F16), want="onnx")
        yield case("And", t(rows, columns, dtype=BOOL), t(columns, dtype=BOOL))
    for op in ("Add", "Sub", "Mul", "Div"):
        for a, b in SHAPES:
            yield case(op, t(*a, low=1, high=3), t(*b, low=1, high=3))
        yield case(op, t(33, dtype=F64, low=1), t(33, dtype=F64, low=1))
        yield case(op, t(3, 5, dtype=F16, low=1), t(5, dtype=F16, low=1))
        for dtype in INTEGERS:
            yield case(op, t(3, 17, dtype=dtype, low=1, high=9), t(17, dtype=dtype, low=1, high=5),
                       want=truncated_quotient if op == "Div" else
                       {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply}[op])
        yield case(op, special(), t(21, low=1), note="special values")
    for dtype in (I8, I32, I64):
        one = np.full(9, -1, dtype=dtype)
        yield case("Div", extremes(dtype), one, want=truncated_quotient, note="least by -1")
        yield case("Div", t(9, dtype=dtype, low=-9, high=9), t(9, dtype=dtype, low=2, high=5),
                   want=truncated_quotient, note="towards zero")
    zero = np.zeros(9, dtype=I32)
    yield case("Div", extremes(I32), zero, want=lambda x, y: y, note="by 0")
    yield case("Mod", extremes(I32), zero, want=lambda x, y: y, note="by 0")
    for op in ("Max", "Min"):
        function = {"Max": np.maximum, "Min": np.minimum}[op]
        for a, b in SHAPES[:6]:
            yield case(op, t(*a), t(*b))
        for dtype in (I8, I64, U8, U64, F64):
            yield case(op, t(3, 17, dtype=dtype, high=9), t(17, dtype=dtype, high=9), want=function)
        yield case(op, special(), special()[::-1].copy(), want=function, note="NaN stays")
        yield case(op, t(3, 1), t(4), t(1, 1))
        yield case(op, t(5))
    yield case("Sum", t(3, 1), t(4), t(1, 1))
    yield case("Mean", t(3, 1), t(4), t(1, 1))
    yield case("Pow", t(3, 17, low=0.1), t(17))
    yield case("Pow", t(3, 17), const(2.0, F32))
    yield case("Pow", t(3, 17), const(3, I64))
    yield case("Pow", t(3, 17, low=0.1), const(0.5, F32))
    yield case("Pow", t(9, dtype=I32, high=5), const([3] * 9, I32))
    yield case("Pow", t(9, dtype=I64, low=2, high=5), t(9, dtype=F32, low=0, high=2))
    yield case("Mod", t(3, 17, low=-9, high=9), t(17, low=1, high=4), fmod=1)
    for dtype in (I8, I32, I64):
        a, b = t(33, dtype=dtype, low=-99, high=99), t(33, dtype=dtype, low=1, high=9)
        yield case("Mod", a, b, want=np.mod)
        yield case("Mod", a, -b, want=np.mod)
        yield case("Mod", a, b, fmod=1, want=np.fmod)
    for dtype in (U8, U16, U32, U64):
        a, b = t(17, dtype=dtype, high=99), t(17, dtype=dtype, high=7)
        yield case("Mod", a, b + dtype(1), want=np.mod)
        yield case("BitShift", a, b, direction="LEFT", want=np.left_shift)
        yield case("BitShift", a, b, direction="RIGHT", want=np.right_shift)
    yield case("BitShift", t(3, dtype=U8, high=9), const([7, 8, 200], U8), direction="RIGHT",
               want=lambda x, y: np.where(y < 8, x >> np.minimum(y, 7), 0).astype(U8))
    for dtype in (I16, U8, I64):
        a, b = t(3, 17, dtype=dtype, low=-99, high=99), t(17, dtype=dtype, low=-99, high=99)
        yield case("BitwiseAnd", a, b)
        yield case("BitwiseOr", a, b)
        yield case("BitwiseXor", a, b)
        yield case("BitwiseNot", a)
    yield case("Clip", t(3, 17), const(-0.5, F32), const(0.5, F32))
    yield case("Clip", t(3, 17), None, t(low=0))
    yield case("Clip", t(17, dtype=I8, low=-99, high=99), const(-7, I8), const(9, I8))
    yield case("Clip", special(), const(-1, F32), const(1, F32), want=lambda x, a, b:
               np.clip(x, a, b), note="special values")


def logic(t):
    for op in ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"):
        function = {"Equal": np.equal, "Less": np.less, "LessOrEqual": np.less_equal,
                    "Greater": np.greater, "GreaterOrEqual": np.greater_equal}[op]
        for a, b in SHAPES[:8]:
            yield case(op, t(*a, dtype=I32), t(*b, dtype=I32))
        for dtype in (F32, F64, F16, *INTEGERS):
            yield case(op, t(33, dtype=dtype), t(33, dtype=dtype), want=function)
        yield case(op, extremes(U64), extremes(U64)[::-1].copy(), want=function)
        yield case(op, special(), special()[::-1].copy(), want=function, note="NaN")
    yield case("Equal", t(3, 17, dtype=BOOL), t(17, dtype=BOOL))
    for op in ("And", "Or", "Xor"):
        for a, b in SHAPES[:8]:
            yield case(op, t(*a, dtype=BOOL), t(*b, dtype=BOOL))
    yield case("Not", t(3, 17, dtype=BOOL))
    yield case("IsNaN", special())
    yield case("IsNaN", special(F64))
    yield case("IsInf", special())
    yield case("IsInf", special(), detect_negative=0)
    yield case("IsInf", special(F64), detect_positive=0)
    for dtype in (F32, F64, I32, I64, U8, BOOL):
        yield case("Where", t(3, 17, dtype=BOOL), t(17, dtype=dtype), t(3, 1, dtype=dtype))
    yield case("Where", t(1, dtype=BOOL), t(2, 3), t(3))
    yield case("Where", t(dtype=BOOL), t(2, 3), t())


def casts(t):
    types = {F16: 10, F32: 1, F64: 11, I8: 3, I16: 5, I32: 6, I64: 7, U8: 2, U16: 4, U32: 12,
             U64: 13, BOOL: 9}  # fmt: skip
    for source in types:
        for target in types:
            x = t(3, 11, dtype=source, low=0, high=99)
            yield case("Cast", x, to=types[target], want=lambda x, to=target: x.astype(to))
        yield case("CastLike", t(5, dtype=source, low=0, high=9), t(1, dtype=F32))
    x = np.array([-1, -128, 127, 0, 5], dtype=I8)
    for target in (U8, I32, U16, I64, F32):
        yield case("Cast", x, to=types[target], want=lambda x, to=target: x.astype(to))
    x = np.array([300, -300, 65535, -1, 2**31 - 1], dtype=I32)
    for target in (U8, I8, I16, U16):
        yield case("Cast", x, to=types[target], want=lambda x, to=target: x.astype(to), note="wraps")
    x = np.array([1.9, -1.9, 0.5, -0.5, 2.5, 100.7], dtype=F32)
    for target in (I8, I32, I64):
        yield case("Cast", x, to=types[target], want=lambda x, to=target: x.astype(to))
    for size in (4096, 4099):  # vectors, and what they leave
        for source, target in ((I8, F32), (F32, F16), (F16, I32), (U8, I64), (I32, I8)):
            yield case("Cast", t(3, size, dtype=source, low=0, high=90), to=types[target],
                       want=lambda x, to=target: x.astype(to))
    yield case("Cast", special(), to=types[BOOL], want=lambda x: x.astype(BOOL))
    yield case("Cast", special(), to=types[F16], want=wrap(lambda x: x.astype(F16)))
    for source, target in ((F32, I32), (I32, F32), (F64, I64), (I64, U64), (I8, U8), (U16, F16), (BOOL, U8)):
        yield case("BitCast", t(3, 11, dtype=source, low=0, high=9), to=types[target],
                   want=lambda x, to=target: x.view(to))
    # Halfway between two float16 numbers but for a bit that float32 does not have.
    ties = np.array([1 + 2**-11 + 2**-40, 1 + 2**-11 - 2**-40, -1 - 2**-11 - 2**-40, 65520 - 1e-9,
                     1e300, -1e-30, np.nan, np.inf], dtype=F64)  # fmt: skip
    yield case("Cast", ties, to=types[F16], want=wrap(lambda x: x.astype(F16)), note="ties")
