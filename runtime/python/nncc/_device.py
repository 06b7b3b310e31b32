"""Arrays in memory of a device, which come by DLPack from the package that has made them."""

from __future__ import annotations

import ctypes
from typing import Any

from . import _arrays
from ._runtime import Error, Status

_CUDA_KINDS = (2, 13)  # memory of a GPU, and memory that it shares with the processor
LEGACY_STREAM = 1  # the default stream, as DLPack and the driver count streams

# (code, bits) of DLPack's types -> onnx.TensorProto.DataType.
_NUMBERS = {
    (2, 32): 1, (1, 8): 2, (0, 8): 3, (1, 16): 4, (0, 16): 5, (0, 32): 6, (0, 64): 7, (6, 8): 9,
    (2, 16): 10, (2, 64): 11, (1, 32): 12, (1, 64): 13, (5, 64): 14, (5, 128): 15, (4, 16): 16,
}  # fmt: skip


class _DLTensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


_pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of.restype = ctypes.c_void_p
_pointer_of.argtypes = [ctypes.py_object, ctypes.c_char_p]


def is_on_device(value: Any) -> bool:
    return hasattr(value, "__dlpack_device__") and int(value.__dlpack_device__()[0]) in _CUDA_KINDS


def _is_row_major(tensor: _DLTensor, shape: tuple[int, ...]) -> bool:
    step = 1
    for size, stride in zip(reversed(shape), reversed(tensor.strides[: tensor.ndim])):
        if size != 1 and stride != step:
            return False
        step *= size
    return True


class DeviceArray:
    """Where ``value`` lies, for as long as this lives."""

    def __init__(self, value: Any, number: int, what: str, ordinal: int, stream: int):
        found = int(value.__dlpack_device__()[1])
        if found != ordinal:
            raise Error(f"{what}: is on device {found}, the instance on device {ordinal}")
        try:  # the stream in which it will be used: what makes it is done before
            self._capsule = value.__dlpack__(stream=stream)
        except (BufferError, TypeError, RuntimeError) as error:
            raise Error(f"{what}: {error}") from None
        # A capsule that is not renamed frees what it holds when it dies.
        tensor = _DLTensor.from_address(_pointer_of(self._capsule, b"dltensor"))
        self.value = value
        self.shape = tuple(tensor.shape[: tensor.ndim])
        self.address = (tensor.data or 0) + tensor.byte_offset
        given = _NUMBERS.get((tensor.code, tensor.bits)) if tensor.lanes == 1 else None
        if given is None:
            raise Error(f"{what}: DLPack's type {tensor.code} of {tensor.bits} bits on a device",
                        Status.NOT_SUPPORTED)
        if given != number:
            expected, name = _arrays.type_name(number), _arrays.type_name(given)
            raise Error(f"{what}: expected elements of type {expected}, found {name}")
        if tensor.strides and 0 not in self.shape and not _is_row_major(tensor, self.shape):
            raise Error(f"{what}: is not row-major", Status.NOT_SUPPORTED)
