"""Models and instances."""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional, Union

import numpy as np

from . import _arrays, _values
from ._device import LEGACY_STREAM, Borrowed, DeviceArray, is_on_device
from ._runtime import (
    Error,
    InstanceOptionsStruct,
    OpenOptionsStruct,
    ProfileStruct,
    Status,
    TensorStruct,
    ValueInfoStruct,
    library,
)

# Arrays; for values that are no tensors see Instance.run.
Outputs = Union["list[Any]", "dict[str, Any]"]


@dataclass(frozen=True)
class TensorInfo:
    """An input or output. ``type`` is "float32", "string", "sequence(float32)", "optional(int64)",
    "optional(sequence(string))" or the like; ``shape`` that of the tensor or of each tensor in it,
    None where these have ranks of their own. Sizes that the caller chooses have their dim's name,
    or None."""

    name: str
    type: str
    shape: Optional[tuple[Union[int, str, None], ...]]
    _number: int  # of the element type
    _kind: int = _values.TENSOR

    @property
    def dtype(self) -> np.dtype:
        """Of the elements; of strings NumPy's type of objects."""
        return np.dtype(object) if self._number == _values.STRING else _arrays.dtype_of(self._number)

    @property
    def _is_numbers(self) -> bool:
        return self._kind == _values.TENSOR and self._number != _values.STRING

    def __str__(self) -> str:
        if self.shape is None:
            return f"{self.name}: {self.type}"
        sizes = ",".join("?" if size is None else str(size) for size in self.shape)
        inner, closing = self.type.rstrip(")"), self.type.count(")") * ")"
        return f"{self.name}: {inner}[{sizes}]{closing}"


@dataclass(frozen=True)
class Profile:
    """Times of one dispatch, or of whole runs, in nanoseconds."""

    kernel: str  # "" for whole runs
    nodes: tuple[str, ...]  # of the ONNX model
    count: int
    total_ns: int
    min_ns: int
    max_ns: int
    flops: float  # of one call
    bytes: float  # least traffic of one call


def _name_of_dim(model: int, size: int) -> Optional[str]:
    if size == ValueInfoStruct.OWN_SIZE:
        return None
    return library().nncc_model_dim(model, -1 - size).contents.name.decode() or None


def _tensor_info(model: int, info: ValueInfoStruct) -> TensorInfo:
    sizes = [info.shape[i] for i in range(info.rank)]
    shape = tuple(size if size >= 0 else _name_of_dim(model, size) for size in sizes)
    text = _values.type_text(info.kind, info.type)
    return TensorInfo(
        info.name.decode(), text, None if info.rank < 0 else shape, info.type, info.kind
    )


class Model:
    """A loaded library. Calling it runs it; calls from several threads wait for each other, unless
    each thread has its own :meth:`instance`."""

    def __init__(
        self,
        path: Union[str, os.PathLike],
        *,
        threads: int = 0,
        profile: bool = False,
        weights: Union[str, os.PathLike, None] = None,
        symbol: Optional[str] = None,
        verify: bool = False,
        any_isa: bool = False,
        copy_weights: bool = False,
        level: Optional[str] = None,
        device: int = 0,
        stream: Optional[int] = None,
    ):
        flags = verify * OpenOptionsStruct.VERIFY_WEIGHTS
        flags |= any_isa * OpenOptionsStruct.ANY_ISA
        flags |= copy_weights * OpenOptionsStruct.COPY_WEIGHTS
        options = OpenOptionsStruct(ctypes.sizeof(OpenOptionsStruct), flags)
        options.symbol = symbol.encode() if symbol else None
        options.weights_path = os.fsencode(weights) if weights is not None else None
        options.level = level.encode() if level else None
        handle = ctypes.c_void_p()
        lib = library()
        lib.nncc_model_open(os.fsencode(path), ctypes.byref(options), ctypes.byref(handle))
        self._handle = handle.value
        self._finalizer = weakref.finalize(self, lib.nncc_model_close, handle.value)

        def all_of(kind: str, count: str) -> list:
            get, size = getattr(lib, f"nncc_model_{kind}"), getattr(lib, f"nncc_model_num_{count}")
            return [get(self._handle, i).contents for i in range(size(self._handle))]

        #: In the order of the ONNX model.
        self.inputs, self.outputs = (
            tuple(_tensor_info(self._handle, i) for i in all_of(f"{side}_value", f"{side}_values"))
            for side in ("input", "output")
        )
        self._has_values = not all(info._is_numbers for info in self.inputs + self.outputs)
        #: Of the ONNX model (metadata_props and what else it says of itself).
        self.metadata = {
            m.key.decode(): m.value.decode() for m in all_of("metadata", "metadata")
        }
        descriptor = lib.nncc_model_descriptor(self._handle).contents
        self.name = descriptor.name.decode()
        self.compiler = (descriptor.compiler or b"").decode()
        #: That the code is for; of a library with several levels, the one that was chosen.
        self.processor = (descriptor.cpu or b"").decode()
        self.isa = tuple(filter(None, (descriptor.isa or b"").decode().split(",")))
        #: "cuda", or "cpu".
        self.device = "cuda" if "cuda" in self.isa else "cpu"
        self._defaults = {
            "threads": threads, "profile": profile, "device": device, "stream": stream,
        }  # fmt: skip
        self._default: Optional[Instance] = None
        self._lock = threading.Lock()

    def instance(
        self, *, threads: Optional[int] = None, profile: Optional[bool] = None,
        device: Optional[int] = None, stream: Optional[int] = None,
    ) -> Instance:
        """What one run at a time needs: threads and memory of its own. The model's options are the
        defaults; ``threads=0`` means all CPUs that this process may use. ``device`` and ``stream``
        are of models on a device: see :func:`load`."""
        given = {"threads": threads, "profile": profile, "device": device, "stream": stream}
        given = {name: value for name, value in given.items() if value is not None}
        return Instance(self, **{**self._defaults, **given})

    @property
    def _own(self) -> Instance:
        with self._lock:
            if self._default is None:
                self._default = self.instance()
            return self._default

    def __call__(self, *arrays: Any, **named: Any) -> Outputs:
        """``model(x, y)`` returns a list of outputs, ``model(x=x, y=y)`` and
        ``model({"x": x, "y": y})`` a dictionary."""
        return self._own(*arrays, **named)

    def run(self, inputs: Union[Mapping[str, Any], Sequence[Any]],
            outputs: Optional[Mapping[str, np.ndarray]] = None, *,
            on_device: bool = False) -> Outputs:
        """See :meth:`Instance.run`."""
        return self._own.run(inputs, outputs, on_device=on_device)

    def bind(self, inputs: Union[Mapping[str, Any], Sequence[Any]],
             outputs: Optional[Mapping[str, np.ndarray]] = None, *,
             on_device: bool = False) -> Binding:
        """See :meth:`Instance.bind`."""
        return self._own.bind(inputs, outputs, on_device=on_device)

    def to_device(self, array: Any) -> DeviceArray:
        """See :meth:`Instance.to_device`."""
        return self._own.to_device(array)

    def profile(self) -> list[Profile]:
        """See :meth:`Instance.profile`."""
        return self._own.profile()

    def __repr__(self) -> str:
        def text(infos: tuple[TensorInfo, ...]) -> str:
            return ", ".join(map(str, infos))

        return f"<nncc.Model {self.name!r} ({text(self.inputs)}) -> ({text(self.outputs)})>"


class Instance:
    """Made by :meth:`Model.instance`. Runs release Python's lock."""

    def __init__(self, model: Model, *, threads: int, profile: bool, device: int,
                 stream: Optional[int]):
        flags = profile * InstanceOptionsStruct.PROFILE
        options = InstanceOptionsStruct(
            ctypes.sizeof(InstanceOptionsStruct), flags, threads, -1, None, None, stream, device
        )
        self._place = (device, stream or LEGACY_STREAM)
        self._is_asynchronous = stream is not None
        handle = ctypes.c_void_p()
        lib = library()
        lib.nncc_instance_create(model._handle, ctypes.byref(options), ctypes.byref(handle))
        self.model = model
        self._handle = handle.value
        self._finalizer = weakref.finalize(self, lib.nncc_instance_destroy, handle.value)
        self._lock = threading.Lock()
        self.threads: int = lib.nncc_instance_threads(self._handle)

    def __call__(self, *arrays: Any, **named: Any) -> Outputs:
        """As :meth:`Model.__call__`."""
        if arrays and named:
            raise Error("inputs are given either by position or by name, not both")
        if len(arrays) == 1 and isinstance(arrays[0], Mapping):
            return self.run(arrays[0])
        return self.run(named if named else arrays)

    def run(self, inputs: Union[Mapping[str, Any], Sequence[Any]],
            outputs: Optional[Mapping[str, np.ndarray]] = None, *,
            on_device: bool = False) -> Outputs:
        """Runs the model on anything that NumPy or DLPack understands. A sequence of inputs gives
        a list of outputs, a mapping by name a dictionary. ``outputs`` are arrays, by name, into
        which results are written instead of into new ones.

        Arrays on the device of the model (of PyTorch, CuPy, JAX, Numba, ..., by DLPack or
        ``__cuda_array_interface__``; row-major) are read and written where they are. Other outputs
        are NumPy arrays, or, with ``on_device``, a :class:`DeviceArray` each.

        ONNX's sequences are lists of arrays, an optional without a value is None, and tensors of
        strings are arrays of str (of bytes as well where they are given); bytes that are not UTF-8
        come out as surrogates, see "surrogateescape". ``outputs`` cannot be given then."""
        with self._lock:
            if self.model._has_values:
                self._expect_device(on_device, False)
                results = self._run_values(inputs, outputs)
            else:
                results = self._bind(inputs, outputs, on_device)._execute()
        if isinstance(inputs, Mapping):
            return {info.name: array for info, array in zip(self.model.outputs, results)}
        return results

    def bind(self, inputs: Union[Mapping[str, Any], Sequence[Any]],
             outputs: Optional[Mapping[str, np.ndarray]] = None, *,
             on_device: bool = False) -> Binding:
        """The same for many runs on the same memory: what differs from run to run is written into
        the arrays. Calls of the result cost a fraction of :meth:`run`. Arrays that are not
        row-major, and types under 8 bits, are copied here, once. Not for models with sequences,
        optionals or strings."""
        if self.model._has_values:
            raise Error("models with sequences, optionals or strings cannot be bound: run them",
                        Status.NOT_SUPPORTED)
        with self._lock:
            return self._bind(inputs, outputs, on_device)

    def _expect_device(self, asked: bool, offered: bool) -> None:
        if asked and not offered:
            raise Error("on_device: results are in memory of the host, where kernels run on the "
                        "processor, or a value is no tensor of numbers", Status.NOT_SUPPORTED)

    def _run_values(self, inputs: Union[Mapping[str, Any], Sequence[Any]],
                    outputs: Optional[Mapping[str, np.ndarray]]) -> list:
        if outputs:
            raise Error("outputs of a model with sequences, optionals or strings cannot be given",
                        Status.NOT_SUPPORTED)
        model = self.model
        return _values.run(self._handle, self._listed(inputs), model.inputs, len(model.outputs))

    def _bind(self, inputs: Union[Mapping[str, Any], Sequence[Any]],
              outputs: Optional[Mapping[str, np.ndarray]], on_device: bool) -> Binding:
        self._expect_device(on_device, self.model.device != "cpu")
        arrays = [
            self._place_of(value, info, "input")
            or _arrays.to_array(value, info._number, f"input {info.name!r}")
            for value, info in zip(self._listed(inputs), self.model.inputs)
        ]
        return Binding(self, arrays, dict(outputs or {}), on_device)

    def _place_of(self, value: Any, info: TensorInfo, side: str) -> Optional[Borrowed]:
        if self.model.device == "cpu" or not is_on_device(value):
            return None
        return Borrowed(value, info._number, f"{side} {info.name!r}", self)

    def _listed(self, inputs: Union[Mapping[str, Any], Sequence[Any]]) -> list:
        values = self._in_order(inputs) if isinstance(inputs, Mapping) else list(inputs)
        infos = self.model.inputs
        if len(values) != len(infos):
            names = ", ".join(repr(i.name) for i in infos)
            raise Error(f"expected {len(infos)} inputs ({names}), found {len(values)}")
        return values

    def _in_order(self, inputs: Mapping[str, Any]) -> list:
        names = [info.name for info in self.model.inputs]
        missing = [name for name in names if name not in inputs]
        unknown = [name for name in inputs if name not in names]
        if missing or unknown:
            raise Error(f"expected inputs {names}, missing {missing}, unknown {unknown}")
        return [inputs[name] for name in names]

    def to_device(self, array: Any) -> DeviceArray:
        """A copy of an array in memory of the device, for inputs that stay there."""
        self._expect_device(True, self.model.device != "cpu")
        array = np.asarray(array)
        number = _arrays.number_of(array.dtype)
        if number is None:
            raise Error(f"ONNX has no elements of type {array.dtype}", Status.NOT_SUPPORTED)
        copy = DeviceArray(self, array.shape, number)
        copy.copy_from(array)
        return copy

    def cancel(self) -> None:
        """Stops the run in progress, which raises an Error with Status.CANCELLED; from any
        thread."""
        library().nncc_instance_cancel(self._handle)

    @property
    def workspace_size(self) -> int:
        """Bytes that a run with the sizes of the last one needs besides weights and arguments."""
        size = ctypes.c_uint64()
        library().nncc_instance_workspace_size(self._handle, ctypes.byref(size))
        return size.value

    def profile(self) -> list[Profile]:
        """Whole runs, and then every dispatch in program order, since the instance was made or
        :meth:`reset_profile`. Needs ``profile=True``."""
        lib = library()
        result = []
        times = ProfileStruct()
        with self._lock:
            for i in range(-1, lib.nncc_model_num_dispatches(self.model._handle)):
                lib.nncc_instance_profile(self._handle, i, ctypes.byref(times))
                values = (times.count, times.total_ns, times.min_ns, times.max_ns)
                if i < 0:
                    result.append(Profile("", (), *values, 0.0, 0.0))
                    continue
                d = lib.nncc_model_dispatch(self.model._handle, i).contents
                nodes = tuple(filter(None, (d.nodes or b"").decode().split(";")))
                result.append(
                    Profile((d.kernel or b"").decode(), nodes, *values, d.flops, d.bytes)
                )
        return result

    def reset_profile(self) -> None:
        with self._lock:
            library().nncc_instance_profile_reset(self._handle)


class Binding:
    """Made by :meth:`Instance.bind`: inputs and outputs whose memory is settled. Calling it runs
    the model and returns the outputs in the model's order, the same arrays every time; new ones
    where only the run tells their sizes."""

    def __init__(self, instance: Instance, arrays: list[Union[np.ndarray, Borrowed]],
                 given: dict[str, Any], on_device: bool):
        lib, infos = library(), instance.model.outputs
        self.instance = instance
        self._keep: list = []  # buffers and shapes
        self._inputs = (TensorStruct * max(len(arrays), 1))()
        for tensor, array, info in zip(self._inputs, arrays, instance.model.inputs):
            is_there = isinstance(array, Borrowed)
            buffer = array if is_there else _arrays.pack(array, info._number)
            self._fill(tensor, buffer, array.shape, info)
        self._outputs = (TensorStruct * max(len(infos), 1))()
        self._buffers = []
        lib.nncc_instance_bind(instance._handle, self._inputs, len(arrays))
        for i, info in enumerate(infos):
            sizes = (ctypes.c_int64 * max(len(info.shape), 1))()
            lib.nncc_instance_output_shape(instance._handle, i, sizes)
            shape = tuple(sizes[: len(info.shape)])
            buffer = given.pop(info.name, None)
            if -1 in shape:
                self._expect_run_output(self._outputs[i], buffer, info, on_device)
                continue
            placed = None if buffer is None else instance._place_of(buffer, info, "output")
            if buffer is None and on_device:
                buffer = DeviceArray(instance, shape, info._number)
            elif buffer is None:
                buffer = _arrays.empty_buffer(shape, info._number)
            elif placed is None:
                self._check_output(buffer, shape, info)
            elif placed.shape != shape:
                raise Error(f"output {info.name!r}: expected shape {shape}, found {placed.shape}")
            else:
                buffer = placed
            self._fill(self._outputs[i], buffer, shape, info)
            self._buffers.append((buffer, shape, info._number))
        if given:
            raise Error(f"no outputs have the names {sorted(given)}")
        self._arguments = (
            instance._handle, self._inputs, len(arrays), self._outputs, len(infos)
        )  # fmt: skip
        self._run = lib.nncc_instance_run

    def __call__(self) -> list[Any]:
        with self.instance._lock:
            return self._execute()

    def _execute(self) -> list[Any]:
        self._run(*self._arguments)
        return [
            self._run_output(i) if buffer is None
            else buffer[0].value if isinstance(buffer[0], (Borrowed, DeviceArray))
            else _arrays.unpack(*buffer)
            for i, buffer in enumerate(self._buffers)
        ]  # fmt: skip

    def _expect_run_output(self, tensor: TensorStruct, buffer: Optional[np.ndarray],
                           info: TensorInfo, on_device: bool) -> None:
        if buffer is not None:
            raise Error(f"output {info.name!r}: only the run tells its sizes; it cannot be given")
        tensor.type = info._number | on_device * TensorStruct.ON_DEVICE
        self._buffers.append(None)

    def _run_output(self, index: int) -> Union[np.ndarray, DeviceArray]:
        """A copy of what the last run made."""
        tensor = TensorStruct()
        handle = self.instance._handle
        library().nncc_instance_output(handle, index, ctypes.byref(tensor))
        shape = tuple(tensor.shape[: tensor.rank])
        if tensor.type & TensorStruct.ON_DEVICE:
            array = DeviceArray(self.instance, shape, tensor.type & ~TensorStruct.ON_DEVICE)
            library().nncc_device_copy(handle, array.address, tensor.data, array.nbytes)
            return array
        buffer = _arrays.empty_buffer(shape, tensor.type)
        if buffer.nbytes:
            ctypes.memmove(buffer.ctypes.data, tensor.data, buffer.nbytes)
        return _arrays.unpack(buffer, shape, tensor.type)

    def _fill(self, tensor: TensorStruct, buffer: Union[np.ndarray, Borrowed, DeviceArray],
              shape: tuple[int, ...], info: TensorInfo) -> None:
        sizes = (ctypes.c_int64 * max(len(shape), 1))(*shape)
        self._keep += [buffer, sizes]
        on_device = isinstance(buffer, (Borrowed, DeviceArray))
        tensor.data = buffer.address if on_device else buffer.ctypes.data
        tensor.type = info._number | on_device * TensorStruct.ON_DEVICE
        tensor.rank = len(shape)
        tensor.shape = sizes

    @staticmethod
    def _check_output(buffer: np.ndarray, shape: tuple[int, ...], info: TensorInfo) -> None:
        good = isinstance(buffer, np.ndarray) and buffer.flags.c_contiguous
        if not good or not buffer.flags.writeable:
            raise Error(f"output {info.name!r}: expected a row-major array that can be written")
        expected = _arrays.empty_buffer((0,), info._number).dtype
        if buffer.dtype != expected or buffer.dtype != info.dtype:
            raise Error(f"output {info.name!r}: expected {info.dtype}, found {buffer.dtype}")
        if buffer.shape != shape:
            raise Error(f"output {info.name!r}: expected shape {shape}, found {buffer.shape}")


def load(path: Union[str, os.PathLike], **options: Any) -> Model:
    """Loads a compiled library: ``threads`` (0: all CPUs that this process may use), ``profile``,
    ``weights`` (path of the weights file), ``symbol`` (where a library has several models),
    ``verify`` (read and check all weights), ``copy_weights`` (into huge pages), ``any_isa``,
    ``level`` (of a library with code for several processors; default: the best for this machine).

    Where kernels run on a device (``model.device``): ``device``, its number, and ``stream``, the
    address of a CUDA stream that the work is put into (``torch.cuda.current_stream().cuda_stream``).
    With one, a run of which all arrays are on the device does not wait for its end."""
    return Model(path, **options)
