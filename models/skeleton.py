#!/usr/bin/env python3
"""Keep an ONNX model's graph without its weights, and regenerate them from a seed.

  skeleton.py strip IN OUT         drop the data of large initializers
  skeleton.py materialize IN OUT   fill them in again, deterministically

A stripped tensor keeps its name, type and dims; its data is replaced by an external-data
record with location "#seed" and the statistics (mean, std, lo, hi) of the data that was
there, so that the regenerated weights have the scale of the original initialisation (He-like
for a He-initialised model) and activations stay sane.  When no finite statistics exist, the
scale is sqrt(2 / fan_in).  Values come from numpy's Philox generator keyed by SHA-256 of the
tensor's name: clip(mean + std * normal, lo, hi), rounded for 8-bit integers.

Kept as they are: tensors of at most 1024 elements, wide integers and booleans, the scales and
zero points of quantize/dequantize nodes, tensors with few distinct values (masks, constants).
"""
import argparse
import hashlib
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

LOCATION = "#seed"
FLOATS = {
    TensorProto.FLOAT: np.float32,
    TensorProto.FLOAT16: np.float16,
    TensorProto.DOUBLE: np.float64,
}
BYTES = {TensorProto.INT8: np.int8, TensorProto.UINT8: np.uint8}
KEEP = 1024  # elements


def graphs(graph):
    """The graph and every subgraph in its nodes' attributes."""
    yield graph
    for node in graph.node:
        for a in node.attribute:
            for g in ([a.g] if a.type == onnx.AttributeProto.GRAPH else a.graphs):
                yield from graphs(g)


def tensors(model):
    """(key, TensorProto) of every initializer and Constant node's value."""
    for g in graphs(model.graph):
        for t in g.initializer:
            yield t.name, t
        for n in g.node:
            if n.op_type == "Constant":
                for a in n.attribute:
                    if a.name == "value":
                        yield n.output[0], a.t


def quant_params(model):
    """Names used as a scale or a zero point."""
    names = set()
    for g in graphs(model.graph):
        for n in g.node:
            if n.op_type in ("QuantizeLinear", "DequantizeLinear"):
                names.update(n.input[1:])
    return names


def load(path):
    model = onnx.load(path, load_external_data=False)
    base = os.path.dirname(os.path.abspath(path))
    for _, t in tensors(model):
        if t.data_location == TensorProto.EXTERNAL and record(t).get("location") != LOCATION:
            onnx.external_data_helper.load_external_data_for_tensor(t, base)
            t.data_location = TensorProto.DEFAULT
            del t.external_data[:]
    return model


def record(t):
    return {e.key: e.value for e in t.external_data}


def drop_notes(model):
    """Remove exporter notes (stack traces and the like), which can outweigh the graph."""
    model.doc_string = ""
    del model.metadata_props[:]
    for g in graphs(model.graph):
        g.doc_string = ""
        del g.metadata_props[:]
        for x in [*g.node, *g.input, *g.output, *g.value_info, *g.initializer]:
            x.doc_string = ""
            del x.metadata_props[:]
    for f in model.functions:
        del f.metadata_props[:]
        for n in f.node:
            n.doc_string = ""
            del n.metadata_props[:]


def strip(model):
    """Drop large tensors' data in place; returns (dropped, kept) bytes."""
    keep, dropped, kept = quant_params(model), 0, 0
    for name, t in tensors(model):
        count = int(np.prod(t.dims, dtype=np.int64))
        if t.data_location == TensorProto.EXTERNAL:
            continue                                     # stripped before
        if count <= KEEP or name in keep or t.data_type not in {**FLOATS, **BYTES}:
            kept += t.ByteSize()
            continue
        a = numpy_helper.to_array(t)
        f = a.astype(np.float64)
        few = len(np.unique(a.ravel()[:4096])) <= 8 and len(np.unique(a)) <= 8
        if few or not np.isfinite(f).all():
            kept += t.ByteSize()
            continue
        dropped += a.nbytes
        empty = TensorProto(
            name=t.name, data_type=t.data_type, dims=t.dims, data_location=TensorProto.EXTERNAL
        )
        empty.external_data.add(key="location", value=LOCATION)
        for k, v in {"mean": f.mean(), "std": f.std(), "lo": f.min(), "hi": f.max()}.items():
            empty.external_data.add(key=k, value=f"{v:.9g}")
        t.CopyFrom(empty)
    drop_notes(model)
    return dropped, kept


def generate(name, dims, dtype, stats):
    """The tensor's regenerated data."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "little")
    rng = np.random.Generator(np.random.Philox(key=key))
    shape = tuple(dims)
    x = rng.standard_normal(int(np.prod(shape, dtype=np.int64)), dtype=np.float32)
    if "std" in stats:
        mean, std, lo, hi = (np.float32(stats[k]) for k in ("mean", "std", "lo", "hi"))
        x = np.clip(x * std + mean, lo, hi)
    else:
        fan_in = np.prod(shape[1:], dtype=np.int64) if len(shape) > 2 else shape[0]
        x = x * np.float32(np.sqrt(2.0 / max(1, int(fan_in))))
    if np.issubdtype(dtype, np.integer):
        x = np.rint(x)
    return x.reshape(shape).astype(dtype)


def materialize(model):
    """Fill in every stripped tensor in place; returns the number of bytes made."""
    made = 0
    for name, t in tensors(model):
        if t.data_location != TensorProto.EXTERNAL:
            continue
        stats = record(t)
        if stats.get("location") != LOCATION:
            raise ValueError(f"{name}: external data that is not a skeleton's")
        a = generate(name, t.dims, {**FLOATS, **BYTES}[t.data_type], stats)
        t.CopyFrom(numpy_helper.from_array(a, t.name))
        made += a.nbytes
    return made


def save(model, path):
    """Write one file, or, past protobuf's 2 GiB, the data beside it."""
    big = model.ByteSize() >= 2**31 - 2**20
    where = {"save_as_external_data": True, "location": os.path.basename(path) + ".data"}
    onnx.save(model, path, **(where if big else {}))


def rebatch(model, batch):
    """Change a graph that was exported for batch 1 to another batch, in place.

    Besides the first dimension of inputs and outputs, an export with a fixed batch holds it in
    the target shapes of Reshape nodes and in what PyTorch's `expand(1, -1, -1)` becomes. Whether
    that was all is for the caller's runs to show: the rows of a batch must be what the same rows
    give one by one.
    """
    constants = dict(tensors(model))
    for value in list(model.graph.input) + list(model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = batch
    targets = {node.input[1] for node in model.graph.node if node.op_type == "Reshape"}
    for name, t in constants.items():
        if t.data_type != TensorProto.INT64 or len(t.dims) != 1 or t.dims[0] < 2:
            continue
        a = numpy_helper.to_array(t).copy()
        expansion = len(a) > 2 and (a[1:] == -1).all()
        if a[0] == 1 and (name in targets or expansion):
            a[0] = batch
            t.CopyFrom(numpy_helper.from_array(a, t.name))
    del model.graph.value_info[:]


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sub = ap.add_subparsers(dest="action", required=True)
    for name in ("strip", "materialize"):
        p = sub.add_parser(name)
        p.add_argument("input")
        p.add_argument("output")
    a = ap.parse_args()
    model = load(a.input)
    if a.action == "strip":
        dropped, kept = strip(model)
        onnx.save(model, a.output)
        size = os.path.getsize(a.output)
        print(f"{a.output}: {size} bytes; dropped {dropped}, kept {kept} bytes of data")
    else:
        made = materialize(model)
        save(model, a.output)
        print(f"{a.output}: made {made} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
