"""The ONNX backend test suite as files: exporting it, finding its cases, describing them."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

KINDS = ("node", "simple", "real", "pytorch-converted", "pytorch-operator")
DEFAULT_RTOL, DEFAULT_ATOL = 1e-3, 1e-7
SUITE_FORMAT = 1  # part of the cache directory's name: bump when the export changes
CACHE = Path(__file__).resolve().parents[2] / ".cache"


def encode(value, type_proto: onnx.TypeProto, name: str) -> bytes:
    """Serialize one input or output value as its declared type's proto."""
    which = type_proto.WhichOneof("value")
    if which == "sequence_type":
        return numpy_helper.from_list(value, name).SerializeToString()
    if which == "optional_type":
        return numpy_helper.from_optional(value, name).SerializeToString()
    if which != "tensor_type":
        raise ValueError(f"{name}: no file format for {which}")
    if isinstance(value, onnx.TensorProto):
        proto = onnx.TensorProto()
        proto.CopyFrom(value)
        proto.name = name
        return proto.SerializeToString()
    return numpy_helper.from_array(np.asarray(value), name).SerializeToString()


def free_inputs(graph: onnx.GraphProto) -> list[onnx.ValueInfoProto]:
    """The graph inputs a caller supplies: those that are not initializers."""
    initialized = {t.name for t in graph.initializer}
    return [i for i in graph.input if i.name not in initialized]


def write_case(case_dir: Path, model: onnx.ModelProto, inputs, outputs,
               rtol: float, atol: float) -> None:
    """Write one case with one data set."""
    data_dir = case_dir / "test_data_set_0"
    data_dir.mkdir(parents=True)
    (case_dir / "model.onnx").write_bytes(model.SerializeToString())
    # Data sets hold present values only, in the order of the graph's inputs.
    for prefix, values, infos in (("input", inputs, free_inputs(model.graph)),
                                  ("output", outputs, model.graph.output)):
        for n, (value, info) in enumerate(zip(values, infos)):
            data = encode(value, info.type, info.name)
            (data_dir / f"{prefix}_{n}.pb").write_bytes(data)
    if (rtol, atol) != (DEFAULT_RTOL, DEFAULT_ATOL):
        (case_dir / "data.json").write_text(json.dumps({"rtol": rtol, "atol": atol}))


def export_real_case(case, case_dir: Path, package_root: Path) -> None:
    """Write a "real" case: a light model, its ramp input, its stored output."""
    model_path = package_root.parent / case.url
    model = onnx.load(model_path)
    inputs = []
    for info in free_inputs(model.graph):
        shape = [d.dim_value if d.HasField("dim_value") else 1
                 for d in info.type.tensor_type.shape.dim]
        count = int(np.prod(shape))
        inputs.append((np.arange(count).reshape(shape) / count).astype(np.float32))
    outputs = []
    for n in range(len(model.graph.output)):
        stored = model_path.with_name(f"{model_path.stem}_output_{n}.pb")
        outputs.append(onnx.TensorProto.FromString(stored.read_bytes()))
    write_case(case_dir, model, inputs, outputs, case.rtol, case.atol)


def export_suite(directory: Path) -> Counter:
    """Write every case of the installed onnx package's backend test suite."""
    from onnx.backend.test.loader import load_model_tests

    package_root = Path(onnx.__file__).parent
    counts: Counter = Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kind in KINDS:
            for case in load_model_tests(kind=kind):
                case_dir = directory / kind / case.name
                if case.model_dir is not None:
                    shutil.copytree(case.model_dir, case_dir)
                elif case.model is None:
                    export_real_case(case, case_dir, package_root)
                else:
                    (inputs, outputs), = case.data_sets
                    write_case(case_dir, case.model, inputs, outputs, case.rtol, case.atol)
                counts[kind] += 1
    return counts


def default_suite() -> Path:
    """The cached export for this onnx version, made now if it is not there.

    Some cases draw unseeded random data when they are generated, so the export
    is made once and kept: every later run then sees the same numbers.
    """
    suite = CACHE / f"onnx-suite-{onnx.__version__}-{SUITE_FORMAT}"
    if not suite.is_dir():
        suite.parent.mkdir(parents=True, exist_ok=True)
        print(f"writing the suite of onnx {onnx.__version__} to {suite} ...", file=sys.stderr)
        with tempfile.TemporaryDirectory(dir=suite.parent) as scratch:
            made = Path(scratch) / "suite"
            export_suite(made)
            try:
                made.rename(suite)
            except OSError:  # another run finished first
                if not suite.is_dir():
                    raise
    return suite


# --------------------------------------------------------------------------
# The cases


@dataclass
class Case:
    """One test case on disk.  ``op`` is the operator it is about."""

    kind: str
    name: str
    path: Path
    rtol: float = DEFAULT_RTOL
    atol: float = DEFAULT_ATOL
    domain: str = ""
    op: str = ""
    outputs: list = field(default_factory=list)  # TypeProtos

    @property
    def id(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def model(self) -> Path:
        return self.path / "model.onnx"

    def data_sets(self) -> list[Path]:
        return sorted(self.path.glob("test_data_set_*"),
                      key=lambda p: int(p.name.rsplit("_", 1)[1]))


def find_cases(suite: Path, kinds: list[str], pattern: str | None) -> list[Case]:
    """The cases of a suite directory whose kind and name are asked for."""
    regex = re.compile(pattern) if pattern else None
    cases = []
    for model in sorted(suite.glob("*/*/model.onnx")):
        case = Case(model.parent.parent.name, model.parent.name, model.parent)
        if kinds and case.kind not in kinds:
            continue
        if regex and not regex.search(case.id):
            continue
        settings = case.path / "data.json"
        if settings.exists():
            given = json.loads(settings.read_text())
            case.rtol = given.get("rtol", DEFAULT_RTOL)
            case.atol = given.get("atol", DEFAULT_ATOL)
        cases.append(case)
    return cases


def describe_cases(cases: list[Case]) -> None:
    """Fill in each case's output types, domain and operator.

    A case is about the one operator its graph uses; an ``_expanded`` case (the
    operator's function body in its place) is about the operator of the case it
    expands; any other graph is "(graph)".
    """
    by_id = {}
    for case in cases:
        model = onnx.load(case.model, load_external_data=False)
        domains = [n.domain or "ai.onnx" for n in model.graph.node]
        ops = {n.op_type for n in model.graph.node}
        case.outputs = [value.type for value in model.graph.output]
        case.domain = next((d for d in domains if d != "ai.onnx"), "ai.onnx")
        case.op = ops.pop() if len(ops) == 1 else "(graph)"
        by_id[case.id] = case
    for case in cases:
        base_name, expanded, _ = case.name.partition("_expanded")
        if case.kind == "node" and expanded:
            base = by_id.get(f"node/{base_name}")
            base_model = case.path.parent / base_name / "model.onnx"
            if base is not None:
                case.op, case.domain = base.op, base.domain
            elif base_model.exists():
                node = onnx.load(base_model, load_external_data=False).graph.node[0]
                case.op, case.domain = node.op_type, node.domain or "ai.onnx"
