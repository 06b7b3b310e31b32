"""Quantized ONNX models for tests, and what they compute: sums of integers without rounding, all
else in float64."""

import numpy as np
import onnx
from numpy.lib.stride_tricks import sliding_window_view
from onnx import helper, numpy_helper

INTEGERS = {"uint8": (0, 255), "int8": (-128, 127)}


class Graph:
    """Collects nodes; `rng` chooses weights, scales and inputs."""

    def __init__(self, seed=0, opset=21):
        self.rng = np.random.default_rng(seed)
        self.opset = opset
        self.nodes, self.constants, self.inputs, self.outputs, self.values = [], [], [], [], {}

    def constant(self, values, dtype=None):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def input(self, values, dims=None):
        """An input of which `values` is an example; `dims`: of the model, where a name is an open size."""
        values = np.asarray(values)
        name = f"x{len(self.inputs)}"
        kind = helper.np_dtype_to_tensor_dtype(values.dtype)
        self.inputs.append(helper.make_tensor_value_info(name, kind, dims or values.shape))
        self.values[name] = values
        return name

    def node(self, op, *operands, results=1, **attributes):
        names = [f"t{len(self.nodes)}{'abc'[i]}" for i in range(results)]
        self.nodes.append(helper.make_node(op, operands, names, name=names[0], **attributes))
        return names[0] if results == 1 else names

    def output(self, *names):
        self.outputs.extend(names)
        return names[0]

    def codes(self, shape, dtype="uint8"):
        low, high = INTEGERS[dtype]
        return self.rng.integers(low, high + 1, shape).astype(dtype)

    def scale(self, *shape, near=0.02, dtype="float32"):
        return (near * self.rng.uniform(0.5, 1.5, shape)).astype(dtype)

    def dequantize(self, codes, scale, zero, dtype, **attributes):
        return self.node("DequantizeLinear", codes, self.constant(scale), self.constant(zero, dtype), **attributes)

    def quantize(self, x, scale, zero, dtype="uint8", **attributes):
        scale = np.asarray(scale, "float32") if np.asarray(scale).dtype == np.float64 else scale
        return self.node("QuantizeLinear", x, self.constant(scale), self.constant(zero, dtype), **attributes)

    def activation(self, *shape, dtype="uint8", zero=0, scale=0.02, dims=None):
        """A dequantized input."""
        scale = np.asarray(scale, "float32") if np.asarray(scale).dtype == np.float64 else scale
        return self.dequantize(self.input(self.codes(shape, dtype), dims), scale, zero, dtype)

    def weights(self, *shape, dtype="int8", zero=0, axis=None, scale_type="float32"):
        """Dequantized constants with one scale, or one per element of `axis`."""
        codes = self.constant(self.codes(shape, dtype))
        if axis is None:
            return self.dequantize(codes, self.scale(dtype=scale_type), zero, dtype)
        count = shape[axis]
        return self.dequantize(codes, self.scale(count, dtype=scale_type), np.full(count, zero), dtype, axis=axis)

    def bias(self, count, dtype="float32"):
        return self.dequantize(self.constant(self.rng.integers(-9000, 9000, count), "int32"),
                               self.scale(count, near=4e-4, dtype=dtype), np.zeros(count), "int32", axis=0)  # fmt: skip

    def model(self):
        outputs = [helper.make_empty_tensor_value_info(name) for name in self.outputs]
        graph = helper.make_graph(self.nodes, "model", self.inputs, outputs, self.constants)
        opsets = [helper.make_opsetid("", self.opset)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
        model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
        known = {value.name: value for value in model.graph.value_info}
        for i, name in enumerate(self.outputs):
            if name in known:
                model.graph.output[i].CopyFrom(known[name])
        return model

    def evaluate(self):
        """The outputs by name, floats as float64."""
        values = {"": None} | self.values
        values |= {c.name: widen(numpy_helper.to_array(c)) for c in self.constants}
        for node in self.nodes:
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            results = globals()["eval_" + node.op_type](*(values[name] for name in node.input), **attributes)
            results = results if isinstance(results, tuple) else (results,)
            values |= dict(zip(node.output, results))
        return {name: values[name] for name in self.outputs}


def widen(x):
    return x.astype("float64") if x.dtype.kind == "f" else x


def along(parameter, axis, rank):
    """A scale or zero point that broadcasts to `rank` dims."""
    if parameter is None or np.size(parameter) == 1:
        return 0 if parameter is None else np.reshape(parameter, ())
    return np.reshape(parameter, [-1 if i == axis % rank else 1 for i in range(rank)])


def saturated(x, zero):
    dtype = np.asarray(zero).dtype
    low, high = INTEGERS[dtype.name]
    x = np.where(np.isnan(x), -np.inf, x)  # ours: the standard leaves it open
    return np.clip(np.rint(x) + zero.astype("float64"), low, high).astype(dtype)


def eval_QuantizeLinear(x, scale, zero, axis=1):
    return saturated(x / along(scale, axis, x.ndim), along(zero, axis, x.ndim))


def eval_DequantizeLinear(x, scale, zero=None, axis=1):
    return (x.astype("float64") - along(zero, axis, x.ndim)) * along(scale, axis, x.ndim)


def eval_DynamicQuantizeLinear(x):
    x = x.astype("float32")
    low, high = np.minimum(x.min(), np.float32(0)), np.maximum(x.max(), np.float32(0))
    scale = (high - low) / np.float32(255)
    zero = np.clip(np.rint(-low / scale), 0, 255).astype("uint8")
    return saturated(x / scale, zero), scale.astype("float64"), zero


def windows(x, kernel, strides, dilations, pads, fill):
    """[N, C, y.., k..]"""
    rank = len(kernel)
    pads = pads or [0] * (2 * rank)
    strides, dilations = strides or [1] * rank, dilations or [1] * rank
    x = np.pad(x, [(0, 0), (0, 0), *zip(pads[:rank], pads[rank:])], constant_values=fill)
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    view = sliding_window_view(x, spans, axis=tuple(range(2, 2 + rank)))
    steps = [slice(None, None, step) for step in [*strides, *dilations]]
    return view[(slice(None), slice(None), *steps)]


def eval_Conv(x, w, bias=None, group=1, strides=None, dilations=None, pads=None, **_):
    rank = x.ndim - 2
    view = windows(x, w.shape[2:], strides, dilations, pads, 0)
    depth, outputs = w.shape[1], w.shape[0] // group
    result = []
    for g in range(group):
        columns = np.moveaxis(view[:, g * depth : (g + 1) * depth], 1, rank + 1)  # [N, y.., C, k..]
        rows = w[g * outputs : (g + 1) * outputs].reshape(outputs, -1)
        sums = columns.reshape(*columns.shape[: rank + 1], -1) @ rows.T
        result.append(np.moveaxis(sums, -1, 1))
    y = np.concatenate(result, 1)
    return y if bias is None else y + along(bias, 1, y.ndim)


def eval_MaxPool(x, kernel_shape, strides=None, dilations=None, pads=None):
    low = INTEGERS[x.dtype.name][0] if x.dtype.kind in "iu" else -np.inf
    view = windows(x, kernel_shape, strides, dilations, pads, low)
    return view.max(tuple(range(x.ndim, x.ndim + len(kernel_shape))))


def eval_ConvInteger(x, w, x_zero=None, w_zero=None, **attributes):
    x = x.astype("int64") - along(x_zero, 0, 0)
    return eval_Conv(x, w.astype("int64") - along(w_zero, 0, w.ndim), **attributes).astype("int32")


def eval_MatMulInteger(a, b, a_zero=None, b_zero=None):
    a = a.astype("int64") - along(a_zero, a.ndim - 2, a.ndim)
    return (a @ (b.astype("int64") - along(b_zero, 1, 2))).astype("int32")


def eval_QLinearConv(x, x_scale, x_zero, w, w_scale, w_zero, scale, zero, bias=None, **attributes):
    sums = eval_ConvInteger(x, w, x_zero, w_zero, **attributes)
    if bias is not None:
        sums = sums + along(bias, 1, sums.ndim)
    return saturated(sums * (x_scale * along(w_scale, 1, sums.ndim)) / scale, zero)


def eval_QLinearMatMul(a, a_scale, a_zero, b, b_scale, b_zero, scale, zero):
    return saturated(eval_MatMulInteger(a, b, a_zero, b_zero) * (a_scale * b_scale) / scale, zero)


def eval_Gemm(a, b, c=0, transB=0):
    return a @ (b.T if transB else b) + c


def eval_Clip(x, low=None, high=None):
    return np.clip(x, low, high)


def eval_Concat(*x, axis):
    return np.concatenate(x, axis)


def eval_Sigmoid(x):
    return 1 / (1 + np.exp(-x))


def eval_HardSwish(x):
    return x * np.clip(x / 6 + 0.5, 0, 1)


def eval_Cast(x, to):
    return widen(x.astype(helper.tensor_dtype_to_np_dtype(to)))


def eval_Reshape(x, shape):
    return x.reshape([x.shape[i] if size == 0 else size for i, size in enumerate(shape)])


def eval_Transpose(x, perm):
    return np.transpose(x, perm)


def eval_Relu(x):
    return np.maximum(x, 0)


def eval_GlobalAveragePool(x):
    return x.mean(tuple(range(2, x.ndim)), keepdims=True)


eval_Add, eval_Mul, eval_MatMul = np.add, np.multiply, np.matmul
