"""weights.py FOLDER: one model whose weights are stored in every way ONNX has."""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)


def large(name):  # above the 1 KiB that stay in the module
    return np.arange(20 * 20, dtype=np.float32).reshape(20, 20), name


def external(name, file):
    data, _ = large(name)
    tensor = TensorProto(name=name, dims=data.shape, data_type=TensorProto.FLOAT,
                         data_location=TensorProto.EXTERNAL)
    (folder / file).write_bytes(b"\0" * 64 + data.tobytes())
    for key, value in (("location", file), ("offset", "64"), ("length", str(data.nbytes))):
        tensor.external_data.add(key=key, value=value)
    return tensor


def sparse(name):
    values = numpy_helper.from_array(np.array([7, 9], np.float32), name)
    indices = numpy_helper.from_array(np.array([1, 3], np.int64), name + "_at")
    return helper.make_sparse_tensor(values, indices, [2, 2])


initializers = [
    numpy_helper.from_array(*large("raw")),
    helper.make_tensor("typed", TensorProto.FLOAT, [20, 20], large("typed")[0].ravel()),
    external("external", "weights.bin"),
    numpy_helper.from_array(np.array([1, 2], np.float32), "small"),
    helper.make_tensor("half", TensorProto.FLOAT16, [2], np.array([0.5, -2], np.float16)),
    numpy_helper.from_array(np.array([True, False]), "flags"),
    numpy_helper.from_array(np.arange(1000, dtype=np.int64), "indices"),
]
names = [tensor.name for tensor in initializers] + ["sparse"]
nodes = [helper.make_node("Identity", [name], [name + "_out"]) for name in names]
outputs = [helper.make_tensor_value_info(name + "_out", tensor.data_type, list(tensor.dims))
           for name, tensor in zip(names, initializers)]
outputs.append(helper.make_tensor_value_info("sparse_out", TensorProto.FLOAT, [2, 2]))
graph = helper.make_graph(nodes, "g", [], outputs, initializers)
graph.sparse_initializer.append(sparse("sparse"))
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.save(model, folder / "weights.onnx")
