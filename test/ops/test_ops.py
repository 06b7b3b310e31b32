#!/usr/bin/env python3
"""Every operator that nncc imports, on the rows of tables/*.py, against ONNX Runtime or the onnx
package's reference evaluator.

  test_ops.py NNCC [FAMILY...] [--filter REGEX] [--option OPTION] [--threads N] [-v]

The rows of a family are one model: one compilation, one run, so that hundreds of rows take
seconds. Inputs lie in memory as they never do by chance: off every alignment but that of a byte.
Two results agree when |got - want| <= 1e-4 |want| + 1e-5 max|want| for float32 (1e-10 and 1e-12 for
float64, 2e-3 and 1e-3 for float16), NaN is equal to NaN, infinities and integers are equal.

Where the model of a family does not compile, its rows are compiled one by one to say which.

With --open no size of an input is known at compile time. What cannot be compiled then is listed in
open-refused.txt: nncc has to say so, and everything else has to work.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnx.reference
import onnxruntime
from onnx import helper, numpy_helper
from table import Case, Const, Data

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OPSET = 24
SINCE = {"BitCast": 26, "CumProd": 26}  # operators that are newer
OPEN_REFUSED = HERE / "open-refused.txt"
TOLERANCE = {"f2": (2e-3, 1e-3), "f4": (1e-4, 1e-5), "f8": (1e-10, 1e-12)}  # relative, of largest

Row = tuple[str, Case]  # a prefix for the names of its values, and the row


def families() -> list[str]:
    return sorted(file.stem for file in (HERE / "tables").glob("*.py"))


def rows_of(family: str) -> list[Row]:
    table = importlib.import_module(f"tables.{family}")
    return [(f"{family}{i}_", case) for i, case in enumerate(table.cases(Data()))]


def make_model(rows: list[Row], outputs: dict[str, list[np.ndarray]] | None,
               is_open=False) -> onnx.ModelProto:
    """One model of all rows. Outputs are typed by `outputs`, the expected values, where given. Where
    it is open, no size of an input is known but those a row says, and none like another."""
    nodes, inputs, results, constants = [], [], [], []
    for prefix, case in rows:
        names = []
        for i, operand in enumerate(case.inputs):
            names.append("" if operand is None else f"{prefix}x{i}")
            if isinstance(operand, Const):
                constants.append(numpy_helper.from_array(operand.array, names[-1]))
            elif operand is not None:
                kind = helper.np_dtype_to_tensor_dtype(operand.dtype)
                shape = [f"{names[-1]}d{d}" if is_open and d not in case.known else size
                         for d, size in enumerate(operand.shape)]
                inputs.append(helper.make_tensor_value_info(names[-1], kind, shape))
        made = [f"{prefix}y{i}" for i in range(case.outputs)]
        nodes.append(helper.make_node(case.op, names, made, name=prefix + case.op,
                                      **case.attributes))
        for name, value in zip(made, outputs[prefix] if outputs else [None] * len(made)):
            if value is None:
                results.append(onnx.ValueInfoProto(name=name))
            else:
                kind = helper.np_dtype_to_tensor_dtype(value.dtype)
                shape = [None] * value.ndim if is_open else value.shape
                results.append(helper.make_tensor_value_info(name, kind, shape))
    graph = helper.make_graph(nodes, "rows", inputs, results, constants)
    opset = max([OPSET, *(SINCE.get(case.op, 0) for _, case in rows)])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def feeds_of(rows: list[Row]) -> dict[str, np.ndarray]:
    return {f"{prefix}x{i}": operand for prefix, case in rows
            for i, operand in enumerate(case.inputs) if isinstance(operand, np.ndarray)}


def expected(row: Row) -> list[np.ndarray]:
    case = row[1]
    if callable(case.want):
        values = case.want(*case.arrays())
        return list(values) if isinstance(values, tuple) else [np.asarray(values)]
    model, feeds = make_model([row], None), feeds_of([row])
    if case.want == "ort":
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        try:
            session = onnxruntime.InferenceSession(model.SerializeToString(), options,
                                                   providers=["CPUExecutionProvider"])
            return session.run(None, feeds)
        except Exception:  # it has no common base for what it does not implement
            pass
    with np.errstate(all="ignore"):
        values = onnx.reference.ReferenceEvaluator(model).run(None, feeds)
    return [np.asarray(value) for value in values]


def difference(got: np.ndarray, want: np.ndarray) -> str | None:
    """None where they agree."""
    if got.shape != want.shape or got.dtype != want.dtype:
        return f"{got.dtype}{list(got.shape)}, expected {want.dtype}{list(want.shape)}"
    if want.dtype.kind == "f":
        relative, of_largest = TOLERANCE[want.dtype.str[1:]]
        g, w = got.astype(np.float64), want.astype(np.float64)
        finite = np.isfinite(w)
        largest = np.abs(w[finite]).max(initial=0.0)
        with np.errstate(all="ignore"):
            good = np.abs(g - w) <= relative * np.abs(w) + of_largest * largest
        good = np.where(finite, good, (g == w) | (np.isnan(g) & np.isnan(w)))
    else:
        good = got == want
    if np.all(good):
        return None
    at = np.unravel_index(np.argmin(good), np.shape(good))
    place = ",".join(map(str, at))
    return (f"{np.size(good) - np.count_nonzero(good)} of {np.size(good)} elements differ, first "
            f"at [{place}]: {got[at]}, expected {want[at]}")


def misaligned(array: np.ndarray) -> np.ndarray:
    """A copy at an odd address."""
    memory = np.empty(array.nbytes + 65, dtype=np.uint8)
    offset = 1 + -memory.ctypes.data % 64
    copy = np.ndarray(array.shape, array.dtype, memory, offset)
    copy[...] = array
    return copy


class Refusal(str):
    """What nncc says of a row that it does not take with open sizes."""


class Compiled:
    """The model of some rows as a library, loaded."""

    def __init__(self, nncc_package, rows: list[Row], want: dict, args, folder: str):
        path = os.path.join(folder, f"{rows[0][0]}{len(rows)}.so")
        options = dict(option.split("=", 1) for option in args.option)
        library = nncc_package.compile(make_model(rows, want, args.open), path, **options)
        self.model = nncc_package.load(library, threads=args.threads)

    def run(self, rows: list[Row]) -> dict[str, np.ndarray]:
        feeds = {name: misaligned(array) for name, array in feeds_of(rows).items()}
        results = self.model.run(feeds)
        names = [output.name for output in self.model.outputs]
        values = list(results.values()) if isinstance(results, dict) else list(results)
        return dict(zip(names, values))


def check(rows: list[Row], want: dict, nncc_package, args, folder: str) -> dict[str, str]:
    """What is wrong, by the prefix of the row."""
    if not rows:
        return {}
    try:
        got = Compiled(nncc_package, rows, want, args, folder).run(rows)
    except nncc_package.Error as error:
        if len(rows) == 1:
            is_refused = args.open and error.status != nncc_package.Status.INTERNAL
            text = str(error).strip().replace("\n", " | ")
            return {rows[0][0]: Refusal(text) if is_refused else text}
        middle = len(rows) // 2
        found = check(rows[:middle], want, nncc_package, args, folder)
        found |= check(rows[middle:], want, nncc_package, args, folder)
        return found or {rows[0][0]: f"only together with other rows: {error}"}
    wrong = {}
    for prefix, _ in rows:
        for i, value in enumerate(want[prefix]):
            if text := difference(got[f"{prefix}y{i}"], value):
                wrong[prefix] = f"output {i}: {text}"
    return wrong


def without_rows() -> list[str]:
    """Operators that have a rule in the importer and no row in a table."""
    rules = "".join(file.read_text() for file in (ROOT / "compiler" / "import").glob("Rules*.cpp"))
    named = set(re.findall(r'onOp\("(\w+)"', rules))
    covered = {case.op for family in families() for _, case in rows_of(family)}
    old = {"Scatter", "Upsample"}  # not in an opset of today: compiler/import's tests have them
    # No tensors go in and come out of one alone: test/tools/test_sequences.py.
    values = {op for op in named if "Sequence" in op or op.startswith("Optional")}
    return sorted(named - covered - old - values)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nncc", type=Path)
    parser.add_argument("families", nargs="*", help=f"of {', '.join(families())}")
    parser.add_argument("--filter", default="", help="only rows whose text matches")
    parser.add_argument("--option", action="append", default=[], help="of nncc, e.g. target_cpu=x")
    parser.add_argument("--open", action="store_true", help="no size of an input is known")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("-v", action="store_true", help="a line for every row")
    args = parser.parse_args()
    os.environ["NNCC"] = str(args.nncc.resolve())
    sys.path.insert(0, str(args.nncc.resolve().parent.parent / "lib" / "python"))
    nncc_package = importlib.import_module("nncc")

    refused = set(OPEN_REFUSED.read_text().splitlines()) if args.open else set()
    passed, failed, refusals = 0, 0, 0
    for family in args.families or families():
        rows = [row for row in rows_of(family) if re.search(args.filter, str(row[1]))]
        if not rows:
            continue
        want = {row[0]: expected(row) for row in rows}
        is_known = {prefix: f"{family}: {case}" in refused for prefix, case in rows}
        with tempfile.TemporaryDirectory(prefix="nncc-ops-") as folder:
            others = [row for row in rows if not is_known[row[0]]]
            wrong = check(others, want, nncc_package, args, folder)
            for row in rows:
                if is_known[row[0]]:
                    found = check([row], want, nncc_package, args, folder).get(row[0])
                    if not isinstance(found, Refusal):
                        wrong[row[0]] = found or f"works: take it out of {OPEN_REFUSED.name}"
        for prefix, case in rows:
            if prefix in wrong:
                print(f"FAIL {family}: {case}: {wrong[prefix]}")
            elif args.v:
                print(f"{'no  ' if is_known[prefix] else 'ok  '} {family}: {case}")
        refusals += sum(is_known.values())
        passed, failed = passed + len(rows) - len(wrong), failed + len(wrong)
    if not args.families and not args.filter and (missing := without_rows()):
        print(f"FAIL operators without a row: {' '.join(missing)}")
        failed += 1
    as_known = f", {refusals} of them refused as they are known to be" if args.open else ""
    print(f"{passed} passed{as_known}, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
