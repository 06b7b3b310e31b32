"""Compile ONNX models to native libraries and run them.

>>> import nncc
>>> nncc.compile("net.onnx", output="net.so")
>>> net = nncc.load("net.so")
>>> scores, = net(image)                    # by position: a list
>>> net(image=image)["scores"]              # by name: a dictionary

Sequences of ONNX are lists of arrays, an optional without a value is None, strings are arrays of str.

The package uses NumPy and the C library ``libnncc_runtime``; it has no compiled code of its own.
``nncc.backend`` is a backend for ``onnx.backend`` and needs the package ``onnx``.
"""

from ._compile import CompileError, compile
from ._device import DeviceArray
from ._model import Binding, Instance, Model, Profile, TensorInfo, load
from ._runtime import Error, Status, version

__all__ = [
    "Binding",
    "CompileError",
    "DeviceArray",
    "Error",
    "Instance",
    "Model",
    "Profile",
    "Status",
    "TensorInfo",
    "compile",
    "load",
    "version",
]


def __getattr__(name: str):
    if name == "backend":  # imports onnx: only for those who ask for it
        import importlib

        return importlib.import_module(".backend", __name__)
    raise AttributeError(f"module 'nncc' has no attribute {name!r}")
