"""A backend for the interface of ``onnx.backend``: compiles the model and runs the library.

>>> import nncc.backend
>>> outputs = nncc.backend.run_model(onnx.load("net.onnx"), [image])
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

import numpy as np
import onnx
import onnx.helper
import onnx.shape_inference
from onnx.backend.base import Backend, BackendRep, namedtupledict

from ._compile import compile as compile_model
from ._model import Model, load


def _type_of(value: Any) -> onnx.TypeProto:
    """The ONNX type of an input: a list is a sequence, of tensors with any sizes."""
    if isinstance(value, list):
        if not value:
            raise ValueError("an empty list does not say of what: give the model, not the node")
        arrays = [np.asarray(element) for element in value]
        number = onnx.helper.np_dtype_to_tensor_dtype(arrays[0].dtype)
        same_rank = len({array.ndim for array in arrays}) == 1
        shape = [None] * arrays[0].ndim if same_rank else None
        element = onnx.helper.make_tensor_type_proto(number, shape)
        return onnx.helper.make_sequence_type_proto(element)
    array = np.asarray(value)
    number = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
    return onnx.helper.make_tensor_type_proto(number, array.shape)


class CompiledModel(BackendRep):
    """What ``prepare`` returns."""

    def __init__(self, model: Model):
        self.model = model

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """A sequence of inputs, a mapping by name, or a single array. Inputs and outputs are those
        of :meth:`nncc.Instance.run`: arrays, lists for sequences, None for an empty optional."""
        if isinstance(inputs, np.ndarray):
            inputs = [inputs]
        results = self.model.run(inputs)
        values = list(results.values()) if isinstance(results, dict) else results
        names = [output.name for output in self.model.outputs]
        return namedtupledict("Outputs", names)(*values)


class NnccBackend(Backend):
    """Options of ``prepare`` are those of :func:`nncc.compile`, and ``threads``."""

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device.split(":")[0] == "CPU"

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> CompiledModel:
        if not cls.supports_device(device):
            raise ValueError(f"device {device!r}, expected 'CPU'")
        threads = kwargs.pop("threads", 0)
        # The library stays mapped after its file is gone.
        with tempfile.TemporaryDirectory(prefix="nncc-") as folder:
            path = compile_model(model, os.path.join(folder, "model.so"), **kwargs)
            return CompiledModel(load(path, threads=threads))

    @classmethod
    def run_model(
        cls, model: onnx.ModelProto, inputs: Any, device: str = "CPU", **kwargs: Any
    ) -> tuple[Any, ...]:
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def run_node(
        cls, node: onnx.NodeProto, inputs: Any, device: str = "CPU", outputs_info: Any = None,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Without ``outputs_info`` (element types and shapes), outputs are inferred."""
        names = [name for name in node.input if name]
        values = [v if isinstance(v, list) else np.asarray(v) for v in inputs]
        to_type = onnx.helper.np_dtype_to_tensor_dtype
        value = onnx.helper.make_tensor_value_info
        graph = onnx.helper.make_graph(
            [node],
            node.name or node.op_type,
            [onnx.helper.make_value_info(n, _type_of(v)) for n, v in zip(names, values)],
            [onnx.ValueInfoProto(name=name) for name in node.output if name]
            if outputs_info is None
            else [value(n, to_type(np.dtype(t)), s) for n, (t, s) in zip(node.output, outputs_info)],
        )
        opset = kwargs.pop("opset_version", None) or onnx.defs.onnx_opset_version()
        opsets = [onnx.helper.make_opsetid("", opset)]
        if node.domain:
            opsets.append(onnx.helper.make_opsetid(node.domain, 1))
        model = onnx.helper.make_model(graph, opset_imports=opsets)
        if outputs_info is None:
            model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
        return cls.prepare(model, device, **kwargs).run(values)


supports_device = NnccBackend.supports_device
prepare = NnccBackend.prepare
run_model = NnccBackend.run_model
run_node = NnccBackend.run_node
is_compatible = NnccBackend.is_compatible
