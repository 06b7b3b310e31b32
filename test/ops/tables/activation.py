"""Activation functions."""

import numpy as np
from table import F16, F32, F64, case, const, erf, special

PLAIN = ["Relu", "Sigmoid", "Softplus", "Softsign", "HardSwish", "Mish", "LeakyRelu", "Elu", "Celu",
         "ThresholdedRelu", "HardSigmoid", "Selu", "Shrink", "Gelu", "Swish"]  # fmt: skip


def cases(t):
    for op in PLAIN:
        yield case(op, t(3, 33, low=-6, high=6))
        yield case(op, t(17, low=-60, high=60))
        yield case(op, t())
        if op in ("Celu", "HardSwish"):  # float32 only; a body with float32 constants
            continue
        exact = (lambda x: x / 2 * (1 + erf(x / np.sqrt(2)))) if op == "Gelu" else "onnx"
        yield case(op, t(9, dtype=F64, low=-6, high=6), want=exact)
        yield case(op, t(9, dtype=F16, low=-6, high=6), want="onnx")
    yield case("HardSwish", t(9, dtype=F64, low=-6, high=6), want=lambda x:
               x * np.clip(x / 6 + 0.5, 0, 1))
    yield case("Relu", special(), want=lambda x: np.where(x < 0, np.float32(0), x))
    yield case("LeakyRelu", t(33), alpha=0.3)
    yield case("Elu", t(33), alpha=0.3)
    yield case("Celu", t(33), alpha=0.3)
    yield case("ThresholdedRelu", t(33), alpha=0.3)
    yield case("HardSigmoid", t(33), alpha=0.3, beta=0.4)
    yield case("Selu", t(33), alpha=1.3, gamma=0.4)
    yield case("Shrink", t(33), lambd=0.3, bias=0.1)
    yield case("Gelu", t(33, low=-6, high=6), approximate="tanh")
    yield case("Swish", t(33), alpha=1.7, want="onnx")
    yield case("PRelu", t(2, 3, 5), t(3, 1))
    yield case("PRelu", t(2, 3, 5), const(0.25, F32))
    for axis in (0, 1, -1):
        yield case("Softmax", t(3, 17, 5), axis=axis)
        yield case("LogSoftmax", t(3, 17, 5), axis=axis)
    for columns in (1, 3, 33, 1000):
        yield case("Softmax", t(3, columns, low=-50, high=50))
        yield case("LogSoftmax", t(3, columns, low=-50, high=50))
    for op in ("Softmax", "LogSoftmax"):
        yield case(op, t(1, 32000, low=-9, high=9))
        yield case(op, t(3, 50257, low=-50, high=50))
        yield case(op, t(2, 9001, dtype=F64, low=-50, high=50))
        x = t(7, 20000, low=-9, high=9)
        x[0], x[1, :9000], x[2, 9000:], x[3, 7000], x[4, 100] = -np.inf, -np.inf, -np.inf, np.nan, np.inf
        x[5], x[6] = np.linspace(-3e38, 3e38, 20000), np.linspace(200, -200, 20000)
        yield case(op, x, note="infinities, NaN, steep rows")
    for shape in ((9, 64), (10, 200), (3, 201), (5, 1024), (2, 3000), (1, 8192), (2, 20000)):
        yield case("Softmax", t(*shape, low=-9, high=9))
        yield case("Softmax", t(*shape, dtype=F16, low=-9, high=9), want="onnx")
    yield case("LogSoftmax", t(5, 2000, low=-9, high=9))
    yield case("Softmax", t(2, 100, 33), axis=1)
    yield case("Softmax", t(7, dtype=F64), axis=0)
    yield case("Softmax", t(2, 9, dtype=F16), want="onnx")
    yield case("Softmax", t(0, 5))
    yield case("Hardmax", t(3, 4, 5), axis=0)
    yield case("Hardmax", t(3, 4, 33), axis=-1)
    yield case("Hardmax", np.ones((3, 17), dtype=F32), axis=1)
