"""kernel_classes.py FILE: a model with one node of each kind of kernel that a GPU has, each an output of its own."""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

RANDOM = np.random.default_rng(0)


class Classes:
    def __init__(self):
        self.inputs, self.outputs, self.nodes, self.constants = [], [], [], []

    def input(self, *shape: int | str, dtype=TensorProto.FLOAT) -> str:
        self.inputs.append(helper.make_tensor_value_info(f"x{len(self.inputs)}", dtype, shape))
        return self.inputs[-1].name

    def weights(self, *shape, dtype=np.float32) -> str:
        values = (RANDOM.standard_normal(shape) / 8).astype(dtype)
        self.constants.append(numpy_helper.from_array(values, f"c{len(self.constants)}"))
        return self.constants[-1].name

    def node(self, name: str, op: str, *inputs: str, results: int = 1, **attributes):
        outputs = [f"{name}_{i}" for i in range(results)]
        self.nodes.append(helper.make_node(op, list(inputs), outputs, name=name, **attributes))
        self.outputs.append(outputs[0])

    def save(self, path: str):
        results = [helper.make_empty_tensor_value_info(name) for name in self.outputs]
        graph = helper.make_graph(self.nodes, "m", self.inputs, results, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=10)
        onnx.save(onnx.shape_inference.infer_shapes(model, strict_mode=True), path)


def main():
    m = Classes()
    m.node("pointwise", "Relu", m.input(64, 256))
    m.node("softmax", "Softmax", m.input(64, 1024))
    m.node("norm", "LayerNormalization", m.input(64, 768), m.weights(768), m.weights(768))
    m.node("columns", "ReduceMax", m.input(2048, 64), axes_of(m, 0), keepdims=0)
    m.node("turn", "Transpose", m.input(512, 256), perm=[1, 0])
    m.node("stream", "MatMul", m.input(1, 768), m.weights(768, 1024))
    m.node("parts", "MatMul", m.input(64, 1024), m.weights(1024, 64))
    m.node("halves", "MatMul", m.input(256, 512, dtype=TensorProto.FLOAT16), m.weights(512, 256, dtype=np.float16))
    q, k, v = (m.input(1, 4, 128, 64) for _ in range(3))
    m.node("attention", "Attention", q, k, v)
    q, k, v = m.input(1, 4, 1, 64), m.input(1, 4, "cached", 64), m.input(1, 4, "cached", 64)
    m.node("cache", "Attention", q, k, v)
    q = m.input(1, 4, 1, 64, dtype=TensorProto.FLOAT16)
    k, v = (m.input(1, 4, "cached", 64, dtype=TensorProto.FLOAT16) for _ in range(2))
    m.node("cache_of_halves", "Attention", q, k, v)
    q, k, v = (m.input(1, 4, 128, 64, dtype=TensorProto.FLOAT16) for _ in range(3))
    m.node("attention_of_halves", "Attention", q, k, v)
    m.node("cells", "LSTM", m.input(5, 1, 16), m.weights(1, 128, 16), m.weights(1, 128, 32), hidden_size=32)
    m.node("depthwise", "Conv", m.input(1, 64, 72, 72), m.weights(64, 1, 3, 3), group=64, pads=[1, 1, 1, 1])
    m.node("pool", "MaxPool", m.input(1, 64, 112, 112), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    m.node("rows", "Gather", m.input(100, 64), m.input(12, 40, dtype=TensorProto.INT64))
    rows = m.input(12, 1, dtype=TensorProto.INT64)
    m.node("scatter", "ScatterND", m.input(64, 40), rows, m.input(12, 40), reduction="add")
    m.save(sys.argv[1])


def axes_of(m: Classes, axis: int) -> str:
    m.constants.append(numpy_helper.from_array(np.array([axis], np.int64), "axes"))
    return "axes"


main()
