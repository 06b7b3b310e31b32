"""Reading the values that a command wrote and comparing them with the expected ones.

The rules are those of onnx.backend.test: same number of outputs, same shape, same element type,
|got - want| <= atol + rtol * |want| with NaN equal to NaN and infinities exact, strings exact.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from suite import Case


def decode(data: bytes, type_proto: onnx.TypeProto):
    """The inverse of :func:`encode`: an array, a list, or None."""
    which = type_proto.WhichOneof("value")
    if which == "sequence_type":
        return numpy_helper.to_list(onnx.SequenceProto.FromString(data))
    if which == "optional_type":
        return numpy_helper.to_optional(onnx.OptionalProto.FromString(data))
    if which == "tensor_type":
        return numpy_helper.to_array(onnx.TensorProto.FromString(data))
    raise ValueError(f"no file format for {which}")


def is_string(array: np.ndarray) -> bool:
    return array.dtype == object or array.dtype.kind in "USO"


def explain_difference(want, got, rtol: float, atol: float, where: str) -> str | None:
    """None if ``got`` is acceptable where ``want`` is expected, else why not."""
    if want is None or got is None:
        return None if want is got else f"{where}: one is an empty optional, the other is not"
    if isinstance(want, (list, tuple)) or isinstance(got, (list, tuple)):
        if not (isinstance(want, (list, tuple)) and isinstance(got, (list, tuple))):
            return f"{where}: one is a sequence, the other is not"
        if len(want) != len(got):
            return f"{where}: {len(got)} elements, expected {len(want)}"
        for n, (w, g) in enumerate(zip(want, got)):
            reason = explain_difference(w, g, rtol, atol, f"{where}[{n}]")
            if reason:
                return reason
        return None

    want, got = np.asarray(want), np.asarray(got)
    if want.shape != got.shape:
        return f"{where}: shape {got.shape}, expected {want.shape}"
    if is_string(want) or is_string(got):
        if not (is_string(want) and is_string(got)):
            return f"{where}: element type {got.dtype}, expected {want.dtype}"
        bad = np.array([str(w) != str(g) for w, g in zip(want.flat, got.flat)], dtype=bool)
        return describe_bad(want.ravel(), got.ravel(), bad, where)
    if want.dtype != got.dtype:
        return f"{where}: element type {got.dtype}, expected {want.dtype}"
    if want.dtype.name == "bfloat16":
        rtol = max(rtol, 2**-6)  # two units in the last place, as onnx does
    if want.dtype.kind == "V" or want.dtype.isbuiltin != 1:
        # bfloat16, float8, int4, ...: numpy cannot mix these with Python numbers.
        want, got = want.astype(np.float32), got.astype(np.float32)
    close = np.isclose(got, want, rtol=rtol, atol=atol, equal_nan=True)
    return describe_bad(want.ravel(), got.ravel(), ~close.ravel(), where)


def describe_bad(want, got, bad, where: str) -> str | None:
    """Say how many elements differ, and show the first that does."""
    if not bad.any():
        return None
    first = int(np.argmax(bad))
    return (f"{where}: {int(bad.sum())} of {bad.size} elements differ, first at flat index "
            f"{first}: got {got[first]!s}, expected {want[first]!s}")


def check_outputs(case: Case, data_set: Path, outputs: Path) -> tuple[str, str]:
    """Compare the files a command wrote with the expected ones: (status, message)."""
    expected = len(list(data_set.glob("output_*.pb")))
    extra = outputs / f"output_{expected}.pb"
    if extra.exists():
        return "wrong", f"{extra.name} written, but only {expected} outputs are expected"
    for n in range(expected):
        where = f"output_{n}"
        path = outputs / f"{where}.pb"
        if not path.exists():
            return "error", f"exit 0, but {path.name} was not written"
        want = decode((data_set / path.name).read_bytes(), case.outputs[n])
        try:
            got = decode(path.read_bytes(), case.outputs[n])
        except Exception as problem:  # whatever a malformed file makes onnx raise
            return "error", f"{path.name} cannot be read: {problem}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reason = explain_difference(want, got, case.rtol, case.atol, where)
        if reason:
            return "wrong", f"{data_set.name} {reason}"
    return "pass", ""
