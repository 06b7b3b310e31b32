"""The driver API by ctypes, as far as the tests need it: whatever libcuda.so.1 the loader finds."""

import ctypes
from ctypes import byref, c_int, c_size_t, c_uint64, c_void_p

import numpy

LIBRARY = ctypes.CDLL("libcuda.so.1")


class Error(Exception):
    """What a call returned, and the driver's text for it."""

    def __init__(self, result: int):
        text = ctypes.c_char_p()
        LIBRARY.cuGetErrorString(result, byref(text))
        super().__init__(text.value.decode() if text.value else str(result))
        self.result = result


def call(name: str, *arguments) -> None:
    if result := getattr(LIBRARY, name)(*arguments):
        raise Error(result)


def start() -> None:
    context = c_void_p()
    call("cuInit", 0)
    call("cuDevicePrimaryCtxRetain", byref(context), 0)
    call("cuCtxSetCurrent", context)


class Buffer:
    """Memory of the device, of the size and, unless it is to be empty, with the content of an array."""

    def __init__(self, array: numpy.ndarray, isEmpty: bool = False):
        self.shape, self.dtype, self.bytes = array.shape, array.dtype, array.nbytes
        self.address = c_uint64()
        call("cuMemAlloc_v2", byref(self.address), c_size_t(self.bytes))
        if not isEmpty:
            self.write(array)

    def write(self, array: numpy.ndarray) -> None:
        array = numpy.ascontiguousarray(array)
        call("cuMemcpyHtoD_v2", self.address, c_void_p(array.ctypes.data), c_size_t(self.bytes))

    def read(self) -> numpy.ndarray:
        array = numpy.empty(self.shape, self.dtype)
        call("cuMemcpyDtoH_v2", c_void_p(array.ctypes.data), self.address, c_size_t(self.bytes))
        return array

    def free(self) -> None:
        call("cuMemFree_v2", self.address)


class Module:
    def __init__(self, image: bytes):
        self.handle = c_void_p()
        call("cuModuleLoadData", byref(self.handle), ctypes.c_char_p(image))

    def function(self, name: str) -> c_void_p:
        function = c_void_p()
        call("cuModuleGetFunction", byref(function), self.handle, name.encode())
        return function

    def launch(self, name: str, grid, block, *arguments, shared: int = 0, stream=None) -> None:
        """Arguments are buffers, ctypes values, or integers, which are of 64 bits."""
        grid, block = (tuple(x) if isinstance(x, (list, tuple)) else (x,) for x in (grid, block))
        values = [
            a.address if isinstance(a, Buffer) else c_uint64(a) if isinstance(a, int) else a
            for a in arguments
        ]
        parameters = (c_void_p * max(len(values), 1))(
            *[ctypes.cast(ctypes.pointer(v), c_void_p) for v in values]
        )
        sizes = [*grid, 1, 1][:3] + [*block, 1, 1][:3]
        call("cuLaunchKernel", self.function(name), *sizes, shared, stream, parameters, None)


