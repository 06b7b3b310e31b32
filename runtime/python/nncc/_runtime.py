"""The C library, by ctypes: structs and functions of nncc.h, found on first use."""

from __future__ import annotations

import ctypes
import enum
import functools
import os
import pathlib
from ctypes import POINTER, c_char_p, c_double, c_int32, c_int64, c_uint16, c_uint32, c_uint64, c_void_p


class Status(enum.IntEnum):
    """Why a call failed."""

    OK = 0
    INVALID_ARGUMENT = 1
    NOT_SUPPORTED = 2
    DATA_ERROR = 3
    OUT_OF_MEMORY = 4
    CANCELLED = 5
    IO_ERROR = 6
    ABI_MISMATCH = 7
    ISA_MISSING = 8
    INTERNAL = 9


class Error(RuntimeError):
    """A call that failed; ``status`` says in which way."""

    def __init__(self, message: str, status: Status = Status.INVALID_ARGUMENT):
        super().__init__(message)
        self.status = status


class ValueInfoStruct(ctypes.Structure):
    OWN_SIZE = -(2**63)  # of a tensor in a sequence: each has its own
    _fields_ = [
        ("name", c_char_p),
        ("kind", c_int32),
        ("type", c_int32),
        ("rank", c_int32),
        ("shape", POINTER(c_int64)),
        ("first", c_int32),
        ("count", c_int32),
    ]


class DimStruct(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("min", c_int64), ("max", c_int64)]


class MetadataStruct(ctypes.Structure):
    _fields_ = [("key", c_char_p), ("value", c_char_p)]


class DispatchStruct(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("kernel", c_char_p),
        ("nodes", c_char_p),
        ("function", c_void_p),
        ("units", c_int64),
        ("flops", c_double),
        ("bytes", c_double),
    ]


class DescriptorStruct(ctypes.Structure):
    """The fields that the package reads; the rest is behind them."""

    _fields_ = [
        ("magic", c_uint64),
        ("abi_major", c_uint16),
        ("abi_minor", c_uint16),
        ("struct_size", c_uint32),
        ("name", c_char_p),
        ("compiler", c_char_p),
        ("triple", c_char_p),
        ("cpu", c_char_p),
        ("isa", c_char_p),
    ]


class TensorStruct(ctypes.Structure):
    ON_DEVICE = 0x10000  # added to the type
    _fields_ = [
        ("data", c_void_p),
        ("type", c_int32),
        ("rank", c_int32),
        ("shape", POINTER(c_int64)),
        ("name", c_char_p),
    ]


class OpenOptionsStruct(ctypes.Structure):
    VERIFY_WEIGHTS, ANY_ISA, COPY_WEIGHTS = 1, 2, 4
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("symbol", c_char_p),
        ("weights_path", c_char_p),
        ("weights", c_void_p),
        ("weights_size", c_uint64),
        ("level", c_char_p),
    ]


class InstanceOptionsStruct(ctypes.Structure):
    PROFILE = 1
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("threads", c_int32),
        ("spin_us", c_int32),
        ("services", c_void_p),
        ("host", c_void_p),
        ("stream", c_void_p),
        ("device", c_int32),
    ]


class ProfileStruct(ctypes.Structure):
    _fields_ = [
        ("count", c_uint64),
        ("total_ns", c_uint64),
        ("min_ns", c_uint64),
        ("max_ns", c_uint64),
    ]


# Name: result, arguments. "!" stands for a status, which is checked.
_FUNCTIONS = {
    "nncc_last_error": (c_char_p,),
    "nncc_version": (c_char_p,),
    "nncc_type_name": (c_char_p, c_int32),
    "nncc_type_bits": (c_int32, c_int32),
    "nncc_usable_cpus": (c_int32,),
    "nncc_model_open": ("!", c_char_p, POINTER(OpenOptionsStruct), POINTER(c_void_p)),
    "nncc_model_close": (None, c_void_p),
    "nncc_model_descriptor": (POINTER(DescriptorStruct), c_void_p),
    "nncc_model_num_input_values": (c_int32, c_void_p),
    "nncc_model_num_output_values": (c_int32, c_void_p),
    "nncc_model_num_dims": (c_int32, c_void_p),
    "nncc_model_num_metadata": (c_int32, c_void_p),
    "nncc_model_num_dispatches": (c_int32, c_void_p),
    "nncc_model_input_value": (POINTER(ValueInfoStruct), c_void_p, c_int32),
    "nncc_model_output_value": (POINTER(ValueInfoStruct), c_void_p, c_int32),
    "nncc_model_dim": (POINTER(DimStruct), c_void_p, c_int32),
    "nncc_model_metadata": (POINTER(MetadataStruct), c_void_p, c_int32),
    "nncc_model_dispatch": (POINTER(DispatchStruct), c_void_p, c_int32),
    "nncc_instance_create": ("!", c_void_p, POINTER(InstanceOptionsStruct), POINTER(c_void_p)),
    "nncc_instance_destroy": (None, c_void_p),
    "nncc_instance_threads": (c_int32, c_void_p),
    "nncc_instance_bind": ("!", c_void_p, POINTER(TensorStruct), c_int32),
    "nncc_instance_output_shape": ("!", c_void_p, c_int32, POINTER(c_int64)),
    "nncc_instance_output": ("!", c_void_p, c_int32, POINTER(TensorStruct)),
    "nncc_instance_workspace_size": ("!", c_void_p, POINTER(c_uint64)),
    "nncc_instance_run": (
        "!", c_void_p, POINTER(TensorStruct), c_int32, POINTER(TensorStruct), c_int32,
    ),
    "nncc_instance_run_values": (
        "!", c_void_p, POINTER(c_void_p), c_int32, POINTER(c_void_p), c_int32,
    ),
    "nncc_device_alloc": ("!", c_void_p, c_uint64, POINTER(c_void_p)),
    "nncc_device_free": (None, c_void_p, c_void_p),
    "nncc_device_copy": ("!", c_void_p, c_void_p, c_void_p, c_uint64),
    "nncc_device_order": ("!", c_void_p, c_void_p, c_void_p),
    "nncc_value_borrow_tensor": ("!", POINTER(TensorStruct), POINTER(c_void_p)),
    "nncc_value_create_strings": (
        "!", POINTER(c_char_p), POINTER(c_int64), c_int32, POINTER(c_int64), POINTER(c_void_p),
    ),
    "nncc_value_create_sequence": ("!", POINTER(c_void_p), c_int64, POINTER(c_void_p)),
    "nncc_value_create_optional": ("!", c_void_p, POINTER(c_void_p)),
    "nncc_value_destroy": (None, c_void_p),
    "nncc_value_kind": (c_int32, c_void_p),
    "nncc_value_count": (c_int64, c_void_p),
    "nncc_value_element": (c_void_p, c_void_p, c_int64),
    "nncc_value_tensor": (POINTER(TensorStruct), c_void_p),
    "nncc_value_string": (c_void_p, c_void_p, c_int64, POINTER(c_int64)),
    "nncc_instance_cancel": (None, c_void_p),
    "nncc_instance_profile": ("!", c_void_p, c_int32, POINTER(ProfileStruct)),
    "nncc_instance_profile_reset": (None, c_void_p),
}


def _find() -> str:
    """$NNCC_RUNTIME, or the library beside the package, or in a folder where builds and
    installations have it."""
    name = "libnncc_runtime.so"
    if os.environ.get("NNCC_RUNTIME"):
        return os.environ["NNCC_RUNTIME"]
    package = pathlib.Path(os.path.abspath(__file__)).parent  # links are not followed
    places = [package, package.parent, package.parent / "lib", package.parent.parent,
              package.parent.parent / "lib"]
    for place in places:
        if (place / name).exists():
            return str(place / name)
    raise Error(
        f"{name} is neither in {', '.join(map(str, places))} nor named by $NNCC_RUNTIME",
        Status.IO_ERROR,
    )


def _check(code: int, function, arguments) -> None:
    if code == 0:
        return
    message = function.library.nncc_last_error().decode(errors="replace")
    try:
        status = Status(code)
    except ValueError:  # of a newer library
        status = Status.INTERNAL
    raise Error(message, status)


@functools.lru_cache(maxsize=None)
def library() -> ctypes.CDLL:
    """The C library, with the types of its functions; calls that return a status raise Error."""
    path = _find()
    try:
        loaded = ctypes.CDLL(path)
        for name, (result, *arguments) in _FUNCTIONS.items():
            function = getattr(loaded, name)
            function.argtypes = arguments
            function.restype = c_int32 if result == "!" else result
            if result == "!":
                function.library = loaded
                function.errcheck = _check
    except (OSError, AttributeError) as error:
        raise Error(f"{path} is not the library of this package: {error}", Status.IO_ERROR) from None
    return loaded


def version() -> str:
    """The version of the C library."""
    return library().nncc_version().decode()
