"""Multiplications and additions of a model's matrix products and convolutions."""

import tempfile
from pathlib import Path

import numpy as np
import onnx


def folded(path):
    """The graph with constants folded by ONNX Runtime's basic optimisations, shapes inferred."""
    import onnxruntime as ort

    with tempfile.TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(Path(folder, "folded.onnx"))
        ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        model = onnx.load(options.optimized_model_filepath)
    return onnx.shape_inference.infer_shapes(model, data_prop=True)


def shapes_of(graph):
    shapes = {t.name: list(t.dims) for t in graph.initializer}
    for value in [*graph.value_info, *graph.input, *graph.output]:
        dims = value.type.tensor_type.shape.dim
        if all(d.HasField("dim_value") for d in dims):
            shapes[value.name] = [d.dim_value for d in dims]
    return shapes


def node_macs(node, shapes):
    """Multiply-accumulates of one node; 0 for all that is no contraction."""

    def size(name):
        return int(np.prod(shapes[name], dtype=np.int64))

    x, w = (shapes[node.input[i]] if len(node.input) > i else None for i in (0, 1))
    if node.op_type == "Conv":
        return size(node.output[0]) * int(np.prod(w[1:], dtype=np.int64))
    if node.op_type == "ConvTranspose":
        return size(node.input[0]) * int(np.prod(w[1:], dtype=np.int64))
    if node.op_type == "MatMul":
        return size(node.output[0]) * x[-1]
    if node.op_type == "Gemm":
        transposed = any(a.name == "transA" and a.i for a in node.attribute)
        return size(node.output[0]) * x[0 if transposed else -1]
    if node.op_type in ("LSTM", "GRU", "RNN"):
        return x[0] * x[1] * (size(node.input[1]) + size(node.input[2]))
    return 0


CONTRACTIONS = ("Conv", "ConvTranspose", "MatMul", "Gemm", "LSTM", "GRU", "RNN")


def count(path):
    """(flops, whether it is quantised); flops is None where a shape is not known."""
    graph = folded(path).graph
    shapes = shapes_of(graph)
    quantised, macs = False, 0
    for node in graph.node:
        if node.op_type == "DequantizeLinear":  # a dequantized weight has its weight's shape
            quantised = True
            if node.input[0] in shapes:
                shapes[node.output[0]] = shapes[node.input[0]]
        if node.op_type in CONTRACTIONS:
            try:
                macs += node_macs(node, shapes)
            except KeyError:
                return None, quantised
    return 2 * macs, quantised
