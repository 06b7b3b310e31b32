"""DLPack's structs and capsules, by ctypes: a tensor of another package, and one of ours for it."""

from __future__ import annotations

import ctypes
from typing import Any, Optional

CUDA = 2  # DLPack's kinds of devices: memory of a GPU,
CUDA_MANAGED = 13  # and memory that it shares with the processor

# (code, bits) of DLPack's types -> onnx.TensorProto.DataType.
NUMBERS = {
    (2, 32): 1, (1, 8): 2, (0, 8): 3, (1, 16): 4, (0, 16): 5, (0, 32): 6, (0, 64): 7, (6, 8): 9,
    (2, 16): 10, (2, 64): 11, (1, 32): 12, (1, 64): 13, (5, 64): 14, (5, 128): 15, (4, 16): 16,
}  # fmt: skip
_TYPES = {number: (code, bits) for (code, bits), number in NUMBERS.items()}


class Tensor(ctypes.Structure):
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


_Deleter = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class _Managed(ctypes.Structure):
    NAME = b"dltensor"
    _fields_ = [("tensor", Tensor), ("context", ctypes.c_void_p), ("deleter", _Deleter)]


class _Versioned(ctypes.Structure):
    NAME = b"dltensor_versioned"
    VERSION = (1, 0)
    _fields_ = [
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", _Deleter),
        ("flags", ctypes.c_uint64),
        ("tensor", Tensor),
    ]


# With the interpreter's lock held; a capsule that is being destroyed is an address.
_api = ctypes.pythonapi
_new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(
    ("PyCapsule_New", _api)
)
_pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", _api)
)
_is_valid = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_IsValid", _api)
)
_pointer_at = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", _api)
)

_lent: dict[int, tuple] = {}  # address of the struct -> all that it refers to, until it comes back


@_Deleter
def _give_back(address: Optional[int]) -> None:
    _lent.pop(address, None)


@ctypes.PYFUNCTYPE(None, ctypes.c_void_p)
def _destroy(capsule: int) -> None:
    """Nobody has taken the tensor: who does renames the capsule."""
    for name in (_Managed.NAME, _Versioned.NAME):
        if _is_valid(capsule, name):
            _lent.pop(_pointer_at(capsule, name), None)


def strides_of(shape: tuple[int, ...]) -> list[int]:
    """In elements, of a row-major tensor."""
    strides = [1] * len(shape)
    for i in reversed(range(len(shape) - 1)):
        strides[i] = strides[i + 1] * max(shape[i + 1], 1)
    return strides


def export(owner: Any, address: int, shape: tuple[int, ...], number: int, device: int,
           max_version: Optional[tuple[int, int]]) -> Any:
    """A capsule for memory of a GPU that lives as long as ``owner``."""
    if number not in _TYPES:
        raise BufferError("DLPack has no elements of this type")
    code, bits = _TYPES[number]
    sizes = (ctypes.c_int64 * max(len(shape), 1))(*shape)
    steps = (ctypes.c_int64 * max(len(shape), 1))(*strides_of(shape))
    tensor = Tensor(address, CUDA, device, len(shape), code, bits, 1, sizes, steps, 0)
    if max_version is not None and tuple(max_version) >= _Versioned.VERSION:
        managed = _Versioned(*_Versioned.VERSION, None, _give_back, 0, tensor)
    else:
        managed = _Managed(tensor, None, _give_back)
    pointer = ctypes.addressof(managed)
    _lent[pointer] = (managed, sizes, steps, owner)
    return _new(pointer, managed.NAME, ctypes.cast(_destroy, ctypes.c_void_p))


def tensor_in(capsule: Any) -> Tensor:
    """What a capsule of another package describes. One that is not renamed frees what it holds when
    it dies."""
    return Tensor.from_address(_pointer_of(capsule, b"dltensor"))
