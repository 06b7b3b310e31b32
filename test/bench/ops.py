#!/usr/bin/env python3
"""Time single operators at sizes that networks use, beside ONNX Runtime and OpenVINO.

  ops.py [TEXT...] [--nncc PATH] [--threads 1,2] [--markdown]     cases whose name has a TEXT
  ops.py --list

The harness, its options and its columns are those of bench.py. A model of one operator pays for
the layout changes at its edges, in some runtimes more than inside a network.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import bench

# rows, depth, columns: transformer layers, a classifier, square, odd
MATMULS = [
    (1, 768, 3072),
    (16, 768, 768),
    (128, 768, 768),
    (128, 768, 3072),
    (128, 3072, 768),
    (197, 384, 1536),
    (512, 512, 512),
    (1, 2048, 1000),
    (33, 257, 129),
]
# batch, rows, depth, columns: both operands are activations
BATCHED = [(12, 128, 64, 128), (12, 128, 128, 64), (6, 1500, 64, 1500)]
# batch, heads, queries, keys, size of a head, whether a mask is added
ATTENTION = [
    (1, 12, 128, 128, 32, True),
    (1, 12, 128, 128, 64, True),
    (4, 12, 128, 128, 64, True),
    (1, 6, 197, 197, 64, False),
    (4, 6, 197, 197, 64, False),
    (1, 8, 1500, 1500, 64, False),
    (1, 8, 40, 40, 15, False),
    (4, 8, 40, 40, 15, False),
    (1, 12, 1, 128, 64, False),
    (1, 12, 8, 128, 64, False),
]
# steps, rows, units (and inputs), direction
RECURRENT = [
    (50, 1, 128, "forward"),
    (50, 1, 128, "bidirectional"),
    (50, 1, 256, "forward"),
    (50, 1, 256, "bidirectional"),
    (50, 1, 512, "forward"),
    (50, 8, 128, "forward"),
    (50, 8, 256, "forward"),
    (50, 8, 256, "bidirectional"),
    (50, 8, 512, "forward"),
]
# input channels, output channels, side, kernel, stride, groups
CONVOLUTIONS = [
    (3, 64, 224, 7, 2, 1),
    (64, 64, 56, 3, 1, 1),
    (64, 256, 56, 1, 1, 1),
    (128, 128, 28, 3, 1, 1),
    (128, 128, 56, 3, 2, 1),
    (256, 256, 14, 3, 1, 1),
    (512, 512, 7, 3, 1, 1),
    (1024, 256, 14, 1, 1, 1),
    (256, 512, 56, 1, 2, 1),
    (32, 32, 112, 3, 1, 32),
    (96, 96, 112, 3, 2, 96),
    (384, 384, 14, 3, 1, 384),
    (96, 96, 56, 7, 1, 96),
]

# shape, axis: rows of attention and of vocabularies, and axes that are not the last one
SOFTMAX = [
    ([12, 128, 128], -1),
    ([6, 1500, 1500], -1),
    ([4096, 32], -1),
    ([6, 197, 197], -1),
    ([128, 1024], -1),
    ([1, 1000], -1),
    ([128, 1000], -1),
    ([64, 49], -1),
    ([1, 32000], -1),
    ([8, 50257], -1),
    ([1, 21, 128, 128], 1),
    ([8, 128, 256], 1),
    ([1024, 64], 0),
]
LOG_SOFTMAX = [[1, 1000], [128, 1000], [1, 32000], [8, 50257]]
# operator, shape, axes
REDUCTIONS = [
    ("ReduceMean", [1, 256, 56, 56], [2, 3]),
    ("ReduceMean", [128, 768], [1]),
    ("ReduceMax", [128, 50257], [1]),
    ("ReduceSum", [32, 128, 768], [1]),
    ("ReduceMean", [1, 256, 56, 56], [1]),
]
# shape, permutation
TRANSPOSES = [
    ([1, 128, 12, 64], [0, 2, 1, 3]),
    ([1, 64, 56, 56], [0, 2, 3, 1]),
    ([1, 56, 56, 64], [0, 3, 1, 2]),
    ([1024, 1024], [1, 0]),
]
# shapes, axis
CONCATENATIONS = [
    ([[1, 64, 56, 56], [1, 64, 56, 56]], 1),
    ([[1, 32, 28, 28]] * 8, 1),
    ([[512, 256]] * 3, 1),
]
# operator, channels, side, kernel, stride
POOLS = [
    ("MaxPool", 64, 112, 3, 2),
    ("MaxPool", 64, 56, 2, 2),
    ("AveragePool", 128, 56, 2, 2),
    ("AveragePool", 192, 35, 3, 1),
    ("GlobalAveragePool", 2048, 7, 7, 1),
]


def model_of(nodes, inputs, weights=None):
    """A model from nodes that end in `y`, {input: shape} and {weight: array}."""
    graph = helper.make_graph(
        nodes,
        "op",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(w, n) for n, w in (weights or {}).items()],
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    return onnx.shape_inference.infer_shapes(model)


def weight(rng, *shape):
    fan_in = np.prod(shape[1:]) if len(shape) > 2 else shape[0]
    return (rng.standard_normal(shape) / np.sqrt(fan_in)).astype(np.float32)


def by(sizes):
    return "x".join(map(str, sizes))


def matrix_products(rng):
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    for m, k, n in MATMULS:
        yield f"matmul {m}x{k}x{n}", model_of([node], {"x": [m, k]}, {"w": weight(rng, k, n)})
    node = helper.make_node("MatMul", ["x", "z"], ["y"])
    for b, m, k, n in BATCHED:
        yield f"matmul {b}x{m}x{k}x{n}", model_of([node], {"x": [1, b, m, k], "z": [1, b, k, n]})


def convolutions(rng):
    for i, o, side, k, stride, groups in CONVOLUTIONS:
        attributes = {"kernel_shape": [k, k], "strides": [stride] * 2, "pads": [k // 2] * 4}
        nodes = [
            helper.make_node("Conv", ["x", "w", "b"], ["c"], group=groups, **attributes),
            helper.make_node("Relu", ["c"], ["y"]),
        ]
        weights = {"w": weight(rng, o, i // groups, k, k), "b": weight(rng, o)}
        kind = "depthwise" if groups > 1 else "conv"
        yield f"{kind} {k}x{k}/{stride} {i}-{o} {side}", model_of(
            nodes, {"x": [1, i, side, side]}, weights
        )


def attention(rng):
    """Between the projections of a transformer: [batch, length, heads * size]."""
    for b, h, q, k, d, masked in ATTENTION:
        weights = {"scale": np.float32(d**-0.5)}
        inputs = {"q": [b, q, h * d], "k": [b, k, h * d], "v": [b, k, h * d]}
        nodes = []
        for name, perm in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3])):
            weights[name + "s"] = np.array([b, -1, h, d])
            nodes += [
                helper.make_node("Reshape", [name, name + "s"], [name + "h"]),
                helper.make_node("Transpose", [name + "h"], [name + "t"], perm=perm),
            ]
        nodes += [
            helper.make_node("MatMul", ["qt", "kt"], ["products"]),
            helper.make_node("Mul", ["products", "scale"], ["scores"]),
        ]
        if masked:
            inputs["mask"] = [b, 1, 1, k]
            nodes.append(helper.make_node("Add", ["scores", "mask"], ["masked"]))
        weights["whole"] = np.array([b, q, h * d])
        nodes += [
            helper.make_node("Softmax", ["masked" if masked else "scores"], ["shares"], axis=-1),
            helper.make_node("MatMul", ["shares", "vt"], ["sums"]),
            helper.make_node("Transpose", ["sums"], ["heads"], perm=[0, 2, 1, 3]),
            helper.make_node("Reshape", ["heads", "whole"], ["y"]),
        ]
        yield f"attention {b}x{h} {q}x{k}x{d}", model_of(nodes, inputs, weights)


def normalisations(rng):
    for shape, axis in SOFTMAX:
        node = helper.make_node("Softmax", ["x"], ["y"], axis=axis)
        place = "" if axis == -1 else f" axis {axis}"
        yield f"softmax {by(shape)}{place}", model_of([node], {"x": shape})
    for shape in LOG_SOFTMAX:
        node = helper.make_node("LogSoftmax", ["x"], ["y"], axis=-1)
        yield f"log-softmax {by(shape)}", model_of([node], {"x": shape})
    node = helper.make_node("LayerNormalization", ["x", "g", "b"], ["y"], axis=-1, epsilon=1e-5)
    for m, n in ((128, 768), (1500, 384)):
        weights = {"g": weight(rng, n) + 1, "b": weight(rng, n)}
        yield f"layernorm {m}x{n}", model_of([node], {"x": [m, n]}, weights)
    rms = [
        helper.make_node("Mul", ["x", "x"], ["squares"]),
        helper.make_node("ReduceMean", ["squares"], ["mean"], axes=[-1]),
        helper.make_node("Add", ["mean", "epsilon"], ["shifted"]),
        helper.make_node("Sqrt", ["shifted"], ["root"]),
        helper.make_node("Div", ["x", "root"], ["scaled"]),
        helper.make_node("Mul", ["scaled", "g"], ["y"]),
    ]
    for m, n in ((128, 768), (32, 4096)):
        weights = {"g": weight(rng, n) + 1, "epsilon": np.float32(1e-5)}
        yield f"rmsnorm {m}x{n}", model_of(rms, {"x": [m, n]}, weights)


def reductions(rng):
    for op, shape, axes in REDUCTIONS:
        weights = {"axes": np.array(axes)} if op == "ReduceSum" else {}
        attributes = {} if weights else {"axes": axes}
        node = helper.make_node(op, ["x", *weights], ["y"], keepdims=0, **attributes)
        name = f"{op.lower()} {by(shape)} over {by(axes)}"
        yield name, model_of([node], {"x": shape}, weights)


def movement(rng):
    for shape, perm in TRANSPOSES:
        node = helper.make_node("Transpose", ["x"], ["y"], perm=perm)
        yield f"transpose {by(shape)} {by(perm)}", model_of([node], {"x": shape})
    for shapes, axis in CONCATENATIONS:
        inputs = {f"x{i}": shape for i, shape in enumerate(shapes)}
        node = helper.make_node("Concat", list(inputs), ["y"], axis=axis)
        yield f"concat {len(shapes)} of {by(shapes[0])} axis {axis}", model_of([node], inputs)


def pooling(rng):
    for op, channels, side, size, stride in POOLS:
        window = {"kernel_shape": [size] * 2, "strides": [stride] * 2}
        if size % 2:
            window["pads"] = [size // 2] * 4
        attributes = {} if op.startswith("Global") else window
        node = helper.make_node(op, ["x"], ["y"], **attributes)
        name = f"{op.lower()} {size}x{size}/{stride} {channels} {side}"
        yield name, model_of([node], {"x": [1, channels, side, side]})


def recurrent(rng):
    for op, gates in (("LSTM", 4), ("GRU", 3)):
        for steps, rows, units, direction in RECURRENT:
            count = 1 + (direction == "bidirectional")
            node = helper.make_node(
                op, ["x", "w", "r", "b"], ["y"], hidden_size=units, direction=direction
            )
            small = np.float32(0.5)  # so that the states neither vanish nor saturate
            weights = {
                "w": small * weight(rng, units, count * gates * units).reshape(count, -1, units),
                "r": small * weight(rng, units, count * gates * units).reshape(count, -1, units),
                "b": weight(rng, count, 2 * gates * units),
            }
            name = f"{op.lower()} {direction} {steps}x{rows} {units}"
            yield name, model_of([node], {"x": [steps, rows, units]}, weights)


def elementwise(rng):
    gelu = [
        helper.make_node("Div", ["x", "root"], ["a"]),
        helper.make_node("Erf", ["a"], ["e"]),
        helper.make_node("Add", ["e", "one"], ["f"]),
        helper.make_node("Mul", ["x", "f"], ["g"]),
        helper.make_node("Mul", ["g", "half"], ["y"]),
    ]
    constants = {"root": 2**0.5, "one": 1, "half": 0.5}
    weights = {name: np.array(value, np.float32) for name, value in constants.items()}
    yield "gelu 128x3072", model_of(gelu, {"x": [128, 3072]}, weights)
    shape = [1, 128, 56, 56]
    add = helper.make_node("Add", ["x", "z"], ["y"])
    yield "add 128x56x56", model_of([add], {"x": shape, "z": shape})


def cases():
    """(name, ModelProto) of every operator, with the same weights each time."""
    rng = np.random.default_rng(0)
    families = (matrix_products, convolutions, attention, recurrent, normalisations, elementwise)
    for family in (*families, reductions, movement, pooling):
        yield from family(rng)


def subjects(texts, folder):
    """(name, path, inputs) of the selected cases."""
    rng = np.random.default_rng(1)
    for name, model in cases():
        if texts and not any(text in name for text in texts):
            continue
        path = folder / "op.onnx"
        onnx.save(model, path)
        feeds = {}
        for value in model.graph.input:
            shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
            feeds[value.name] = rng.standard_normal(shape, dtype=np.float32)
        yield name, path, feeds


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("texts", nargs="*", metavar="TEXT")
    parser.add_argument("--list", action="store_true")
    bench.add_options(parser)
    parser.set_defaults(seconds=0.1)
    args = parser.parse_args()
    if args.list:
        print("\n".join(name for name, _ in cases()))
        return 0
    bench.finish_options(parser, args)
    with tempfile.TemporaryDirectory(prefix="nncc-ops-") as folder:
        return bench.benchmark(args, subjects(args.texts, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
