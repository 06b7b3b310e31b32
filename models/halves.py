#!/usr/bin/env python3
"""halves.py MODEL.onnx f16|bf16 RESULT.onnx: a model that computes in 16 bits what MODEL computes in f32.

Weights, inputs, outputs, values between nodes and the casts to f32 become f16 or bf16. Resize's scales and regions of
interest stay f32, as its schema wants them.
"""

import sys

import ml_dtypes
import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper, numpy_helper

TYPES = {"f16": (TensorProto.FLOAT16, np.float16), "bf16": (TensorProto.BFLOAT16, ml_dtypes.bfloat16)}
TYPE_ATTRIBUTES = {"Cast": "to", "RandomNormal": "dtype", "RandomUniform": "dtype", "EyeLike": "dtype"}


def convert_tensor(tensor, element):
    if tensor.data_type == TensorProto.FLOAT:
        values = numpy_helper.to_array(tensor).astype(TYPES[element][1])
        tensor.CopyFrom(helper.make_tensor(tensor.name, TYPES[element][0], values.shape, values.tobytes(), raw=True))


def convert_type(value, element):
    if value.type.tensor_type.elem_type == TensorProto.FLOAT:
        value.type.tensor_type.elem_type = TYPES[element][0]


def convert_graph(graph, element):
    kept = {name for node in graph.node if node.op_type == "Resize" for name in node.input[1:3]}
    for tensor in graph.initializer:
        if tensor.name not in kept:
            convert_tensor(tensor, element)
    for value in [*graph.input, *graph.output, *graph.value_info]:
        if value.name not in kept:
            convert_type(value, element)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.TENSOR and not kept.intersection(node.output):
                convert_tensor(attribute.t, element)
            elif attribute.type == AttributeProto.GRAPH:
                convert_graph(attribute.g, element)
            elif attribute.name == TYPE_ATTRIBUTES.get(node.op_type) and attribute.i == TensorProto.FLOAT:
                attribute.i = TYPES[element][0]


def main():
    source, element, result = sys.argv[1:]
    model = onnx.load(source)
    convert_graph(model.graph, element)
    onnx.save(model, result)


if __name__ == "__main__":
    main()
