"""A model's outputs in float64, to judge two float32 results by.

The graph is rewritten to double and run with the evaluator of the onnx package, with operators of
our own where that one is wrong (batch normalisation of opsets 9 to 13 in training mode) or takes
minutes (convolution and pooling in Python loops).
"""

import math

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

FLOAT, DOUBLE = TensorProto.FLOAT, TensorProto.DOUBLE


def widen_tensor(tensor):
    if tensor.data_type == FLOAT:
        wide = numpy_helper.to_array(tensor).astype(np.float64)
        tensor.CopyFrom(numpy_helper.from_array(wide, tensor.name))


def widen_node(node):
    for attribute in node.attribute:
        if attribute.type == AttributeProto.TENSOR:
            widen_tensor(attribute.t)
        elif attribute.type == AttributeProto.GRAPH:
            widen_graph(attribute.g)
        elif node.op_type == "Cast" and attribute.name == "to" and attribute.i == FLOAT:
            attribute.i = DOUBLE
        elif node.op_type == "Constant" and attribute.name in ("value_float", "value_floats"):
            one = attribute.name == "value_float"
            value = np.float64(attribute.f) if one else np.float64(attribute.floats)
            tensor = numpy_helper.from_array(np.asarray(value))
            attribute.CopyFrom(helper.make_attribute("value", tensor))


def widen_graph(graph):
    for tensor in graph.initializer:
        widen_tensor(tensor)
    for node in graph.node:
        widen_node(node)
    for value in [*graph.input, *graph.output]:
        if value.type.tensor_type.elem_type == FLOAT:
            value.type.tensor_type.elem_type = DOUBLE
    del graph.value_info[:]


def pads_of(auto_pad, pads, size, kernel, strides, dilations):
    """(begin, end) of each spatial dimension."""
    rank = len(size)
    if auto_pad in (None, "", "NOTSET"):
        pads = pads or [0] * 2 * rank
        return list(zip(pads[:rank], pads[rank:]))
    if auto_pad == "VALID":
        return [(0, 0)] * rank
    result = []
    for n, k, s, d in zip(size, kernel, strides, dilations):
        total = max(0, (-(-n // s) - 1) * s + (k - 1) * d + 1 - n)
        small, large = total // 2, total - total // 2
        result.append((small, large) if auto_pad == "SAME_UPPER" else (large, small))
    return result


def windows_of(x, kernel, strides, dilations):
    """[batch, channels, out..., kernel...]: a view of x's windows."""
    rank = len(kernel)
    axes = tuple(range(2, 2 + rank))
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    view = np.lib.stride_tricks.sliding_window_view(x, spans, axis=axes)
    steps = [slice(None, None, s) for s in strides]
    holes = [slice(None, None, d) for d in dilations]
    return view[(slice(None), slice(None), *steps, *holes)]


class BatchNormalization(OpRun):
    """Inference only."""

    def _run(self, x, scale, bias, mean, var, epsilon=None, **_):
        shape = [1, -1] + [1] * (x.ndim - 2)
        factor = scale / np.sqrt(var + (1e-5 if epsilon is None else epsilon))
        return ((x - mean.reshape(shape)) * factor.reshape(shape) + bias.reshape(shape),)


class Conv(OpRun):
    def _run(self, x, w, b=None, auto_pad=None, dilations=None, group=None, kernel_shape=None,
             pads=None, strides=None):  # fmt: skip
        rank, group = x.ndim - 2, group or 1
        kernel, strides = w.shape[2:], strides or [1] * rank
        dilations = dilations or [1] * rank
        edges = pads_of(auto_pad, pads, x.shape[2:], kernel, strides, dilations)
        view = windows_of(np.pad(x, [(0, 0), (0, 0), *edges]), kernel, strides, dilations)
        out = view.shape[2 : 2 + rank]
        # [batch, out..., group, channels * kernel] @ [group, channels * kernel, outputs]
        order = (0, *range(2, 2 + rank), 1, *range(2 + rank, 2 + 2 * rank))
        rows = view.transpose(order).reshape(x.shape[0], math.prod(out), group, -1)
        columns = w.reshape(group, w.shape[0] // group, -1).transpose(0, 2, 1)
        y = np.matmul(rows.transpose(0, 2, 1, 3), columns)  # batch, group, out, outputs
        y = y.transpose(0, 1, 3, 2).reshape(x.shape[0], w.shape[0], *out)
        return (y if b is None else y + b.reshape([1, -1] + [1] * rank),)


class MaxPool(OpRun):
    def _run(self, x, auto_pad=None, ceil_mode=None, dilations=None, kernel_shape=None, pads=None,
             storage_order=None, strides=None):  # fmt: skip
        rank = x.ndim - 2
        strides, dilations = strides or [1] * rank, dilations or [1] * rank
        edges = pads_of(auto_pad, pads, x.shape[2:], kernel_shape, strides, dilations)
        if ceil_mode:
            for i, (n, k, s, d) in enumerate(zip(x.shape[2:], kernel_shape, strides, dilations)):
                begin, end = edges[i]
                edges[i] = (begin, end + -(n + begin + end - (k - 1) * d - 1) % s)
        padded = np.pad(x, [(0, 0), (0, 0), *edges], constant_values=-np.inf)
        view = windows_of(padded, kernel_shape, strides, dilations)
        return (view.max(axis=tuple(range(2 + rank, 2 + 2 * rank))),)


class Erf(OpRun):
    def _run(self, x):
        flat = [math.erf(v) for v in x.ravel().tolist()]
        return (np.array(flat, x.dtype).reshape(x.shape),)


def along(value, x, axis):
    """The scale or zero point of one axis, or of all of x."""
    if value is None or value.size == 1:
        return 0 if value is None else value.reshape(())
    shape = [1] * x.ndim
    shape[1 if axis is None else axis] = -1
    return value.reshape(shape)


class QuantizeLinear(OpRun):
    def _run(self, x, scale, zero=None, axis=None, **_):
        dtype = np.uint8 if zero is None else zero.dtype
        rounded = np.rint(x / along(scale, x, axis)) + along(zero, x, axis)
        return (np.clip(rounded, np.iinfo(dtype).min, np.iinfo(dtype).max).astype(dtype),)


class DequantizeLinear(OpRun):
    def _run(self, x, scale, zero=None, axis=None, **_):
        return ((x.astype(np.float64) - along(zero, x, axis)) * along(scale, x, axis),)


def domain_of(op):
    op.op_domain = ""
    return op


def run(path, feeds):
    """{output: array} of the model at path, computed in float64."""
    model = onnx.load(path)
    widen_graph(model.graph)
    own = [domain_of(op) for op in (
        BatchNormalization, Conv, Erf, MaxPool, QuantizeLinear, DequantizeLinear,
    )]
    evaluator = ReferenceEvaluator(model, new_ops=own)
    wide = {
        name: array.astype(np.float64) if array.dtype == np.float32 else array
        for name, array in feeds.items()
    }
    wide = {name: wide[name] for name in evaluator.input_names if name in wide}
    return dict(zip(evaluator.output_names, evaluator.run(None, wide)))
