"""images.py LIBRARY: prints the PTX in a model that is compiled for a GPU under the name `m`."""

import ctypes
import sys
from pathlib import Path


def ptx_of(library: Path, name: str) -> bytes:
    """The PTX in a compiled model: the last entry of the descriptor is the table of its images."""
    entry = getattr(ctypes.CDLL(str(library)), f"nncc_model_{name}")
    entry.restype = ctypes.c_void_p
    descriptor = entry()
    end = descriptor + ctypes.c_uint32.from_address(descriptor + 12).value
    images = ctypes.c_uint64.from_address(end - 8).value
    for i in range(ctypes.c_int32.from_address(end - 12).value):
        image = images + 32 * i
        if ctypes.c_int32.from_address(image + 4).value == 1:
            data, size = (ctypes.c_uint64.from_address(image + at).value for at in (16, 24))
            return ctypes.string_at(data, size).rstrip(b"\0")
    sys.exit(f"{library} has no PTX")


if __name__ == "__main__":
    sys.stdout.buffer.write(ptx_of(Path(sys.argv[1]), "m"))
