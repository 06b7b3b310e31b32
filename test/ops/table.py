"""Rows of the tables: one ONNX node each, with its operands and what is to come out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Callable, Optional

import numpy as np

F16, F32, F64 = np.float16, np.float32, np.float64
I8, I16, I32, I64 = np.int8, np.int16, np.int32, np.int64
U8, U16, U32, U64 = np.uint8, np.uint16, np.uint32, np.uint64
BOOL = np.bool_
INTEGERS = (I8, I16, I32, I64, U8, U16, U32, U64)


@dataclass
class Const:
    """An operand that is known at compile time."""

    array: np.ndarray


@dataclass
class Case:
    """A row. `inputs`: arrays, Const, or None where an optional one is left out. `want`: "ort" is
    ONNX Runtime (the reference evaluator of the onnx package where that cannot run the node),
    "onnx" the reference evaluator, else a function of the inputs. `known`: the dims of inputs that
    are known where the others are open."""

    op: str
    inputs: list
    attributes: dict[str, Any]
    outputs: int = 1
    want: str | Callable = "ort"
    note: str = ""
    known: tuple[int, ...] = ()

    def arrays(self) -> list[Optional[np.ndarray]]:
        return [x.array if isinstance(x, Const) else x for x in self.inputs]

    def __str__(self) -> str:
        def text(x):
            if x is None:
                return "-"
            array = x.array if isinstance(x, Const) else x
            known = "=" if isinstance(x, Const) else ""
            return f"{known}{array.dtype}{list(array.shape)}".replace(" ", "")

        attributes = "".join(f" {k}={v}" for k, v in self.attributes.items())
        note = f" ({self.note})" if self.note else ""
        return f"{self.op} {' '.join(map(text, self.inputs))}{attributes}{note}"


def case(op: str, *inputs, outputs: int = 1, want: str | Callable = "ort", note: str = "",
         known: tuple[int, ...] = (), **attributes) -> Case:
    return Case(op, list(inputs), attributes, outputs, want, note, known)


def const(value, dtype=None) -> Const:
    return Const(np.array(value, dtype=dtype))


def ints(*values: int) -> Const:
    """A parameter such as axes: int64 [n]."""
    return Const(np.array(values, dtype=I64))


@dataclass
class Data:
    """Random operands, the same in every run."""

    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(2024))

    def __call__(self, *shape: int, dtype=F32, low: float = -2, high: float = 2) -> np.ndarray:
        dtype = np.dtype(dtype)
        if dtype == BOOL:
            return np.asarray(self.rng.integers(0, 2, shape)).astype(bool)
        if dtype.kind == "f":
            return np.asarray(self.rng.uniform(low, high, shape)).astype(dtype)
        if low < 0 and dtype.kind == "u":
            low = 0
        return np.asarray(self.rng.integers(low, high + 1, shape)).astype(dtype)

    def const(self, *shape: int, **how) -> Const:
        return Const(self(*shape, **how))


def erf(x: np.ndarray) -> np.ndarray:
    """In float64; the reference evaluator has it to 1e-7 only, ONNX Runtime not at all."""
    return np.vectorize(math.erf)(x)


def special(dtype=F32) -> np.ndarray:
    """The values on which formulas break; odd in number."""
    info = np.finfo(dtype)
    values = [0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, info.max, info.min, info.tiny,
              -info.tiny, info.smallest_subnormal, info.eps, 0.5, -0.5, 1.5, -1.5, 2.5, 100.0,
              -100.0, 1e-3]  # fmt: skip
    return np.array(values, dtype=dtype)


def extremes(dtype) -> np.ndarray:
    info = np.iinfo(dtype)
    return np.array([info.min, info.max, info.min + 1, info.max - 1, 0, 1, 2, 7, 63], dtype=dtype)
