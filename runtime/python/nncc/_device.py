"""Arrays in memory of a device: of other packages, which come by DLPack or the CUDA array interface, and
our own, which go the same ways."""

from __future__ import annotations

import ctypes
import math
import weakref
from typing import Any, Optional, Union

import numpy as np

from . import _arrays, _dlpack
from ._runtime import Error, Status, library

_CUDA_KINDS = (_dlpack.CUDA, _dlpack.CUDA_MANAGED)
LEGACY_STREAM = 1  # the default stream, as DLPack and the driver count streams
NO_ORDER = -1  # of __dlpack__: the caller sees to it that the data are there


def is_on_device(value: Any) -> bool:
    if hasattr(value, "__dlpack_device__"):
        return int(value.__dlpack_device__()[0]) in _CUDA_KINDS
    return hasattr(value, "__cuda_array_interface__")


def _is_row_major(strides: list[int], shape: tuple[int, ...]) -> bool:
    if 0 in shape:
        return True
    expected = _dlpack.strides_of(shape)
    return all(size == 1 or s == e for size, s, e in zip(shape, strides, expected))


class Borrowed:
    """Where an array of another package lies, for as long as this lives."""

    def __init__(self, value: Any, number: int, what: str, instance: Any):
        self.value = value
        if hasattr(value, "__dlpack_device__"):
            given, strides = self._take_dlpack(value, what, *instance._place)
        else:
            given, strides = self._take_interface(value, what, instance)
        if given != number:
            expected, name = _arrays.type_name(number), _arrays.type_name(given)
            raise Error(f"{what}: expected elements of type {expected}, found {name}")
        if strides is not None and not _is_row_major(strides, self.shape):
            raise Error(f"{what}: is not row-major", Status.NOT_SUPPORTED)

    def _take_dlpack(self, value: Any, what: str, ordinal: int,
                     stream: int) -> tuple[int, Optional[list[int]]]:
        found = int(value.__dlpack_device__()[1])
        if found != ordinal:
            raise Error(f"{what}: is on device {found}, the instance on device {ordinal}")
        try:  # the stream in which it will be used: what makes it is done before
            self._capsule = value.__dlpack__(stream=stream)
        except (BufferError, TypeError, RuntimeError) as error:
            raise Error(f"{what}: {error}") from None
        tensor = _dlpack.tensor_in(self._capsule)
        self.shape = tuple(tensor.shape[: tensor.ndim])
        self.address = (tensor.data or 0) + tensor.byte_offset
        given = _dlpack.NUMBERS.get((tensor.code, tensor.bits)) if tensor.lanes == 1 else None
        if given is None:
            raise Error(f"{what}: DLPack's type {tensor.code} of {tensor.bits} bits on a device",
                        Status.NOT_SUPPORTED)
        return given, tensor.strides[: tensor.ndim] if tensor.strides else None

    def _take_interface(self, value: Any, what: str,
                        instance: Any) -> tuple[int, Optional[list[int]]]:
        """The interface does not say which device it is."""
        fields = value.__cuda_array_interface__
        dtype, steps = np.dtype(fields["typestr"]), fields.get("strides")
        self.shape = tuple(fields["shape"])
        self.address, is_constant = fields["data"]
        given = _arrays.number_of(dtype)
        if given is None or fields.get("mask") is not None:
            raise Error(f"{what}: elements of type {dtype} on a device, or with a mask",
                        Status.NOT_SUPPORTED)
        if is_constant and what.startswith("output"):
            raise Error(f"{what}: expected an array that can be written")
        if fields.get("stream") is not None:
            library().nncc_device_order(instance._handle, fields["stream"], None)
        return given, [step // dtype.itemsize for step in steps] if steps else None


def _free(instance: Any, address: int) -> None:
    library().nncc_device_free(instance._handle, address)


class DeviceArray:
    """A result in memory of the device, row-major. PyTorch, CuPy, JAX and others take it without a
    copy (``torch.from_dlpack(array)``, ``cupy.from_dlpack(array)``), by DLPack or by
    ``__cuda_array_interface__``; :meth:`numpy` is a copy in memory of the host. The memory is given
    back with the last array or tensor that uses it. Where the instance has a stream of the caller,
    those who ask wait, in their stream, for what was put into it before."""

    def __init__(self, instance: Any, shape: tuple[int, ...], number: int):
        bits = library().nncc_type_bits(number)
        address = ctypes.c_void_p()
        self.nbytes = (math.prod(shape) * bits + 7) // 8
        library().nncc_device_alloc(instance._handle, self.nbytes, ctypes.byref(address))
        # It holds the instance, which has to be there still.
        self._finalizer = weakref.finalize(self, _free, instance, address.value)
        self._instance = instance
        self._number = number
        self.address: int = address.value or 0
        self.shape = shape
        self.value = self  # as Borrowed

    @property
    def dtype(self) -> np.dtype:
        return _arrays.dtype_of(self._number)

    def numpy(self) -> np.ndarray:
        """A copy in memory of the host."""
        buffer = _arrays.empty_buffer(self.shape, self._number)
        with self._instance._lock:
            library().nncc_device_copy(
                self._instance._handle, buffer.ctypes.data, self.address, buffer.nbytes
            )
        return _arrays.unpack(buffer, self.shape, self._number)

    def copy_from(self, source: Union[DeviceArray, np.ndarray]) -> None:
        """The elements of an array of the same shape and type, of the device or of the host."""
        if source.shape != self.shape or source.dtype != self.dtype:
            raise Error(f"expected {self.dtype}{list(self.shape)}, found {source.dtype}{list(source.shape)}")
        there = isinstance(source, DeviceArray)
        buffer = source if there else _arrays.pack(np.array(source, order="C", copy=None), self._number)
        with self._instance._lock:
            library().nncc_device_copy(
                self._instance._handle, self.address,
                source.address if there else buffer.ctypes.data, self.nbytes,
            )  # fmt: skip

    def __dlpack_device__(self) -> tuple[int, int]:
        return _dlpack.CUDA, self._instance._place[0]

    def __dlpack__(self, *, stream: Optional[int] = None,
                   max_version: Optional[tuple[int, int]] = None,
                   dl_device: Optional[tuple[int, int]] = None,
                   copy: Optional[bool] = None) -> Any:
        """``stream`` is that of the one who asks: None or 1 the default one, -1 for no order at all."""
        if stream == 0:
            raise BufferError("stream 0 could be either of two: expected 1, 2 or a stream's address")
        if copy or (dl_device is not None and tuple(map(int, dl_device)) != self.__dlpack_device__()):
            raise BufferError("only the memory itself can be had: see DeviceArray.numpy")
        if stream != NO_ORDER and self._instance._is_asynchronous:
            library().nncc_device_order(self._instance._handle, None, stream or LEGACY_STREAM)
        ordinal = self._instance._place[0]
        return _dlpack.export(self, self.address, self.shape, self._number, ordinal, max_version)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        if self._number not in _arrays._DTYPES:
            raise AttributeError(f"{self.dtype} has no name in the CUDA array interface")
        stream = self._instance._place[1] if self._instance._is_asynchronous else None
        return {"shape": self.shape, "typestr": self.dtype.str, "data": (self.address, False),
                "strides": None, "stream": stream, "version": 3}  # fmt: skip

    def __repr__(self) -> str:
        return f"<nncc.DeviceArray {self.dtype}{list(self.shape)} on cuda:{self._instance._place[0]}>"
