"""Between Python's objects and the values of the C API, for models whose inputs or outputs are not
all tensors of numbers: lists for sequences, None for an optional without a value, arrays of str for
tensors of strings."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import _arrays
from ._runtime import Error, TensorStruct, library

TENSOR, SEQUENCE, OPTIONAL, OPTIONAL_SEQUENCE = range(4)
STRING = 8

_BEFORE = ("", "sequence(", "optional(", "optional(sequence(")
_AFTER = ("", ")", ")", "))")


def type_text(kind: int, number: int) -> str:
    """ "float32", "sequence(float32)", "optional(sequence(string))"."""
    return _BEFORE[kind] + _arrays.type_name(number) + _AFTER[kind]


class _Maker:
    """Makes one value. Until it is done, and where it fails, everything is destroyed with it."""

    def __init__(self) -> None:
        self.keep: list = []  # memory that the value borrows
        self._loose: list[int] = []

    def _make(self, function: Any, *arguments: Any) -> int:
        handle = ctypes.c_void_p()
        function(*arguments, ctypes.byref(handle))
        self._loose.append(handle.value)
        return handle.value

    def tensor(self, value: Any, number: int, what: str) -> int:
        if number == STRING:
            return self.strings(value, what)
        array = _arrays.to_array(value, number, what)
        buffer = _arrays.pack(array, number)
        sizes = (ctypes.c_int64 * max(array.ndim, 1))(*array.shape)
        self.keep.append(buffer)
        tensor = TensorStruct(buffer.ctypes.data, number, array.ndim, sizes, None)
        return self._make(library().nncc_value_borrow_tensor, ctypes.byref(tensor))

    def strings(self, value: Any, what: str) -> int:
        array = _string_array(value, what)
        encoded = [_encode(text, what) for text in array.reshape(-1)]
        texts = (ctypes.c_char_p * max(len(encoded), 1))(*encoded)
        lengths = (ctypes.c_int64 * max(len(encoded), 1))(*map(len, encoded))
        sizes = (ctypes.c_int64 * max(array.ndim, 1))(*array.shape)
        return self._make(library().nncc_value_create_strings, texts, lengths, array.ndim, sizes)

    def sequence(self, value: Any, number: int, what: str) -> int:
        if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
            raise Error(f"{what}: expected a list of arrays, found {type(value).__name__}")
        elements = [self.tensor(e, number, f"{what}, element {i}") for i, e in enumerate(value)]
        handles = (ctypes.c_void_p * max(len(elements), 1))(*elements)
        made = self._make(library().nncc_value_create_sequence, handles, len(elements))
        self._loose = [made]
        return made

    def value(self, value: Any, kind: int, number: int, what: str) -> int:
        optional = kind in (OPTIONAL, OPTIONAL_SEQUENCE)
        if optional and value is None:
            return self._make(library().nncc_value_create_optional, None)
        if kind in (SEQUENCE, OPTIONAL_SEQUENCE):
            return self.sequence(value, number, what)
        return self.tensor(value, number, what)

    def destroy(self) -> None:
        for handle in self._loose:
            library().nncc_value_destroy(handle)
        self._loose = []


def _string_array(value: Any, what: str) -> np.ndarray:
    """An array of str or bytes. NumPy's own arrays of strings cannot hold a zero at the end of one:
    Python's strings and lists become an array of objects."""
    try:
        array = value if isinstance(value, np.ndarray) else np.array(value, dtype=object)
    except ValueError as error:
        raise Error(f"{what}: {error}") from None
    if array.dtype.kind not in "OUST":
        raise Error(f"{what}: expected strings, found an array of {array.dtype}")
    return array.astype(object)


def _encode(text: Any, what: str) -> bytes:
    if isinstance(text, str):
        try:
            return text.encode(errors="surrogateescape")
        except UnicodeEncodeError as error:
            raise Error(f"{what}: {error}") from None
    if isinstance(text, bytes):
        return bytes(text)
    raise Error(f"{what}: expected strings, found {type(text).__name__}")


class _Owner:
    """A value, destroyed with the last array that lies in it."""

    def __init__(self, handle: int):
        self.handle = handle
        weakref.finalize(self, library().nncc_value_destroy, handle)


def _tensor(owner: _Owner, handle: int) -> np.ndarray:
    tensor = library().nncc_value_tensor(handle).contents
    shape = tuple(tensor.shape[: tensor.rank])
    if tensor.type == STRING:
        return _strings(handle, shape)
    buffer = _arrays.buffer_at(tensor.data, shape, tensor.type, owner)
    return _arrays.unpack(buffer, shape, tensor.type)


def _strings(handle: int, shape: tuple[int, ...]) -> np.ndarray:
    lib, length = library(), ctypes.c_int64()
    array = np.empty(shape, dtype=object)
    flat = array.reshape(-1)
    for i in range(flat.size):
        data = lib.nncc_value_string(handle, i, ctypes.byref(length))
        flat[i] = ctypes.string_at(data, length.value).decode(errors="surrogateescape")
    return array


def _object(owner: _Owner, handle: int) -> Any:
    lib = library()
    kind = lib.nncc_value_kind(handle)
    if kind == TENSOR:
        return _tensor(owner, handle)
    elements = [
        _object(owner, lib.nncc_value_element(handle, i))
        for i in range(lib.nncc_value_count(handle))
    ]
    if kind == SEQUENCE:
        return elements
    return elements[0] if elements else None


def run(instance: int, values: list, inputs: tuple, outputs: int) -> list:
    """One run on objects of Python; ``inputs`` are the infos of ``values``, ``outputs`` counts."""
    lib = library()
    makers = [_Maker() for _ in values]
    try:
        handles = (ctypes.c_void_p * max(len(values), 1))(*[
            maker.value(value, info._kind, info._number, f"input {info.name!r}")
            for maker, value, info in zip(makers, values, inputs)
        ])  # fmt: skip
        results = (ctypes.c_void_p * max(outputs, 1))()
        lib.nncc_instance_run_values(instance, handles, len(values), results, outputs)
    finally:
        for maker in makers:
            maker.destroy()
    owners = [_Owner(handle) for handle in results[:outputs]]
    return [_object(owner, owner.handle) for owner in owners]
