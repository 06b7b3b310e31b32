#!/usr/bin/env python3
"""Compiles small models for compiled.c: compile_small.py DIR NNCC

A perceptron, a convolutional network, a transformer block (embeddings, attention, layer norms and
GELU), and recurrent layers so large that threads share their steps. Weights are in the library, but for the block's, which are in a file beside it.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).resolve().parent.parent.parent
WIDTH, HEADS, LENGTH, VOCABULARY = 64, 4, 24, 16


def block() -> onnx.ModelProto:
    rng, node = np.random.default_rng(3), helper.make_node
    weights = {
        "table": (VOCABULARY, WIDTH), "qkv": (WIDTH, 3 * WIDTH), "out": (WIDTH, WIDTH),
        "up": (WIDTH, 4 * WIDTH), "down": (4 * WIDTH, WIDTH), "scale": (WIDTH,), "bias": (WIDTH,),
    }  # fmt: skip
    constants = [
        numpy_helper.from_array(rng.normal(0, 0.2, shape).astype(np.float32), name)
        for name, shape in weights.items()
    ]
    shapes = {"split": [1, LENGTH, 3, HEADS, WIDTH // HEADS], "join": [1, LENGTH, WIDTH]}
    constants += [
        numpy_helper.from_array(np.array(shape, np.int64), name) for name, shape in shapes.items()
    ]
    parts = [numpy_helper.from_array(np.int64(i), f"part{i}") for i in range(3)]
    nodes = [
        node("Gather", ["table", "ids"], ["x"]),
        node("MatMul", ["x", "qkv"], ["projected"]),
        node("Reshape", ["projected", "split"], ["heads"]),
        node("Transpose", ["heads"], ["moved"], perm=[2, 0, 3, 1, 4]),
        *(node("Gather", ["moved", f"part{i}"], [name], axis=0) for i, name in enumerate("qkv")),
        node("Transpose", ["k"], ["kt"], perm=[0, 1, 3, 2]),
        node("MatMul", ["q", "kt"], ["scores"]),
        node("Softmax", ["scores"], ["shares"], axis=-1),
        node("MatMul", ["shares", "v"], ["mixed"]),
        node("Transpose", ["mixed"], ["back"], perm=[0, 2, 1, 3]),
        node("Reshape", ["back", "join"], ["joined"]),
        node("MatMul", ["joined", "out"], ["attended"]),
        node("Add", ["x", "attended"], ["sum"]),
        node("LayerNormalization", ["sum", "scale", "bias"], ["normed"]),
        node("MatMul", ["normed", "up"], ["wide"]),
        node("Gelu", ["wide"], ["active"]),
        node("MatMul", ["active", "down"], ["narrow"]),
        node("Add", ["normed", "narrow"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "block",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, LENGTH])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, LENGTH, WIDTH])],
        constants + parts,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def recurrent() -> onnx.ModelProto:
    """Three rows of different lengths through one layer of each form."""
    steps, rows, inputs, rng = 16, 3, 24, np.random.default_rng(5)
    nodes, constants, outputs = [], [], []

    def layer(op: str, gates: int, units: int, **attributes) -> None:
        count = 1 + (attributes.get("direction") == "bidirectional")
        shapes = {"w": (gates * units, inputs), "r": (gates * units, units), "b": (2 * gates * units,)}
        if op == "LSTM":
            shapes["p"] = (3 * units,)  # peepholes
        name = f"y{len(outputs)}"
        for part, shape in shapes.items():
            values = rng.uniform(-0.2, 0.2, (count, *shape)).astype(np.float32)
            constants.append(numpy_helper.from_array(values, name + part))
        operands = ["x", name + "w", name + "r", name + "b", "n"]
        operands += ["", "", name + "p"] if op == "LSTM" else []
        nodes.append(helper.make_node(op, operands, [name], hidden_size=units, **attributes))
        shape = [steps, count, rows, units]
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    layer("LSTM", 4, 176)
    layer("GRU", 3, 192, direction="bidirectional")
    layer("GRU", 3, 192, linear_before_reset=1)
    layer("RNN", 1, 320, direction="reverse")
    graph = helper.make_graph(
        nodes, "recurrent",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [steps, rows, inputs]),
         helper.make_tensor_value_info("n", TensorProto.INT32, [rows])],
        outputs, constants,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def main() -> int:
    folder, nncc = Path(sys.argv[1]), sys.argv[2]
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(block(), folder / "block.onnx")
    onnx.save(recurrent(), folder / "recurrent.onnx")
    digits = ROOT / "models" / "digits"
    for source, options in (
        (digits / "digits_mlp.onnx", ["--dim", "batch=3"]),
        (digits / "digits_cnn.onnx", ["--dim", "batch=3"]),
        (folder / "block.onnx", ["--weights=file"]),
        (folder / "recurrent.onnx", []),
    ):
        library = folder / (source.stem + ".so")
        subprocess.run([nncc, source, "-o", library, *options], check=True)
        print(f"compiled {library.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
