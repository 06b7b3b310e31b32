#!/usr/bin/env python3
"""Compiles small models for compiled.c: compile_small.py DIR NNCC

A perceptron, a convolutional network, and a transformer block: embeddings, attention, layer norms
and GELU. Weights are in the library, but for the block's, which are in a file beside it.
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


def main() -> int:
    folder, nncc = Path(sys.argv[1]), sys.argv[2]
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(block(), folder / "block.onnx")
    digits = ROOT / "models" / "digits"
    for source, options in (
        (digits / "digits_mlp.onnx", ["--dim", "batch=3"]),
        (digits / "digits_cnn.onnx", ["--dim", "batch=3"]),
        (folder / "block.onnx", ["--weights=file"]),
    ):
        library = folder / (source.stem + ".so")
        subprocess.run([nncc, source, "-o", library, *options], check=True)
        print(f"compiled {library.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
