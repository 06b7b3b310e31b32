"""Between NumPy's arrays and the flat buffers of the C API."""

from __future__ import annotations

import ctypes
import math
import sys
from typing import Any, Optional

import numpy as np

from ._runtime import Error, Status, library

# By the numbers of onnx.TensorProto.DataType.
_DTYPES = {
    1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64,
    9: np.bool_, 10: np.float16, 11: np.float64, 12: np.uint32, 13: np.uint64, 14: np.complex64,
    15: np.complex128,
}  # fmt: skip

# Of the package ml_dtypes.
_ML_DTYPES = {
    16: "bfloat16", 17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2",
    20: "float8_e5m2fnuz", 21: "uint4", 22: "int4", 23: "float4_e2m1fn", 24: "float8_e8m0fnu",
    25: "uint2", 26: "int2", 27: "float6_e2m3fn", 28: "float6_e3m2fn",
}  # fmt: skip

# Bits of the types under 8 bits: packed without gaps, the lowest bits first.
_PACKED = {21: 4, 22: 4, 23: 4, 25: 2, 26: 2, 27: 6, 28: 6}
_SIGNED = {22, 26}


def type_name(number: int) -> str:
    return library().nncc_type_name(number).decode()


def dtype_of(number: int) -> np.dtype:
    """NumPy's element type; of ml_dtypes where NumPy has none."""
    if number in _DTYPES:
        return np.dtype(_DTYPES[number])
    if number not in _ML_DTYPES:
        raise Error(f"NumPy has no arrays of type {type_name(number)}", Status.NOT_SUPPORTED)
    try:
        import ml_dtypes
    except ImportError:
        raise Error(
            f"arrays of type {type_name(number)} need the package ml_dtypes", Status.NOT_SUPPORTED
        ) from None
    return np.dtype(getattr(ml_dtypes, _ML_DTYPES[number]))


def number_of(dtype: np.dtype) -> Optional[int]:
    """The other way round; None for a type that ONNX does not have."""
    names = {**{np.dtype(known).name: n for n, known in _DTYPES.items()},
             **{name: n for n, name in _ML_DTYPES.items()}}  # fmt: skip
    return names.get(np.dtype(dtype).name)


def to_array(value: Any, number: int, what: str) -> np.ndarray:
    """A value of the caller as a row-major array of this element type. Arrays keep their type and
    are only copied where they are not row-major; Python's numbers and lists take the right one."""
    expected = dtype_of(number)
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
    elif hasattr(value, "__dlpack__"):
        array = _from_dlpack(value, what)
    elif hasattr(value, "__array__") or hasattr(value, "__array_interface__"):
        array = np.asarray(value)
    else:
        try:
            array = np.asarray(value, dtype=expected)
        except (TypeError, ValueError, OverflowError) as error:
            raise Error(f"{what}: {error}") from None
    if array.dtype != expected and array.dtype == expected.newbyteorder():
        array = array.astype(expected)  # of the other byte order
    if array.dtype != expected:
        raise Error(f"{what}: expected elements of type {expected}, found {array.dtype}")
    # np.ascontiguousarray would make a scalar one-dimensional.
    return array if array.flags.c_contiguous else np.array(array, order="C")


def _from_dlpack(value: Any, what: str) -> np.ndarray:
    try:
        kind, _ = value.__dlpack_device__()
        if int(kind) not in (1, 3):  # CPU, and memory of the CPU that a GPU can reach
            raise Error(f"{what}: lives on a device (DLPack's kind {int(kind)}), expected the CPU")
        return np.from_dlpack(value)
    except (BufferError, TypeError, RuntimeError) as error:
        if isinstance(error, Error):
            raise
        raise Error(f"{what}: {error}") from None


def pack(array: np.ndarray, number: int) -> np.ndarray:
    """The buffer of an array: itself, but for types under 8 bits."""
    if number not in _PACKED:
        return array
    bits = _PACKED[number]
    codes = array.reshape(-1).view(np.uint8)
    columns = np.unpackbits(codes[:, None], axis=1, count=bits, bitorder="little")
    return np.packbits(columns.reshape(-1), bitorder="little")


_ALIGNMENT = 64  # a cache line: vectors that do not begin with one are written in two parts


def empty_buffer(shape: tuple[int, ...], number: int) -> np.ndarray:
    """Memory for the elements of a tensor."""
    if number in _PACKED:
        bits = math.prod(shape) * _PACKED[number]
        return np.zeros((bits + 7) // 8, dtype=np.uint8)
    dtype = dtype_of(number)
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + _ALIGNMENT, dtype=np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)


def buffer_at(address: int, shape: tuple[int, ...], number: int, owner: object) -> np.ndarray:
    """The buffer of a tensor in memory that lives as long as ``owner``."""
    like = empty_buffer((0,), number).dtype
    size = math.prod(shape)
    count = (size * _PACKED[number] + 7) // 8 if number in _PACKED else size
    if not count:
        return empty_buffer(shape, number)
    memory = (ctypes.c_uint8 * (count * like.itemsize)).from_address(address)
    memory.owner = owner  # arrays hold on to it
    buffer = np.frombuffer(memory, dtype=np.uint8).view(like)
    return buffer if number in _PACKED else buffer.reshape(shape)


def unpack(buffer: np.ndarray, shape: tuple[int, ...], number: int) -> np.ndarray:
    """The array of a buffer that empty_buffer made."""
    if number not in _PACKED:
        return buffer
    bits = _PACKED[number]
    size = math.prod(shape)
    columns = np.unpackbits(buffer, count=size * bits, bitorder="little").reshape(size, bits)
    codes = np.packbits(columns, axis=1, bitorder="little").reshape(size)
    if number in _SIGNED:  # ml_dtypes keeps the sign in the whole byte
        sign = np.uint8(1 << (bits - 1))
        codes = (codes ^ sign) - sign
    return codes.view(dtype_of(number)).reshape(shape)


assert sys.byteorder == "little", "compiled libraries are little-endian"
