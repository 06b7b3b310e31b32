#!/usr/bin/env python3
"""cases.py CASE: one case of cases.json on the GPU, in a process of its own, for an error of a kernel ends what the
process can do with the device. Prints one line of JSON."""

import json
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
try:
    import numpy as np
except ImportError:  # what pack.py --with-numpy has put here
    sys.path.append(str(HERE / "packages"))
    import numpy as np

import nncc  # noqa: E402

TOLERANCE = {2: (2e-3, 1e-3), 4: (1e-4, 1e-5), 8: (1e-10, 1e-12)}  # relative, of largest; by bytes of a float


def load(path: str) -> dict:
    with np.load(HERE / path) as file:
        return {name.replace("%", "/"): array for name, array in file.items()}


def excess(got, want) -> float:
    """The largest difference in units of what is allowed: up to 1 they agree."""
    if got.shape != want.shape or got.dtype.itemsize != want.dtype.itemsize:
        return float("inf")
    if want.dtype.kind != "f":
        return 0.0 if got.tobytes() == want.tobytes() else float("inf")
    relative, of_largest = TOLERANCE[want.dtype.itemsize]
    g, w = got.astype(np.float64), want.astype(np.float64)
    finite = np.isfinite(w)
    if not np.all(finite | (g == w) | (np.isnan(g) & np.isnan(w))):
        return float("inf")
    largest = np.abs(w[finite]).max(initial=0.0)
    with np.errstate(all="ignore"):
        ratio = np.abs(g - w) / (relative * np.abs(w) + of_largest * largest)
    ratio = np.where(g == w, 0.0, ratio)[finite]
    worst = float(ratio.max(initial=0.0))
    return float("inf") if np.isnan(worst) else worst


def times(call, seconds: float) -> dict:
    """Of calls that return when the work is done, in milliseconds."""
    begin = time.perf_counter()
    call()
    first = time.perf_counter() - begin
    for _ in range(3):
        call()
    found, end = [], time.perf_counter() + seconds
    while len(found) < 5 or (time.perf_counter() < end and len(found) < 10000):
        begin = time.perf_counter()
        call()
        found.append(1e3 * (time.perf_counter() - begin))
    return {"first_ms": 1e3 * first, "min_ms": min(found), "median_ms": sorted(found)[len(found) // 2], "runs": len(found)}


def given(model, case: dict) -> list:
    arrays = load(case["inputs"])
    names = {info.name: info.name if info.name in arrays else info.name.replace("/", "_") for info in model.inputs}
    values = [arrays[names[info.name]] for info in model.inputs]
    # Of a type that NumPy does not have only the bytes are stored.
    return [value.view(info.dtype) if value.dtype.kind == "V" else value for value, info in zip(values, model.inputs)]


def on_device(model, arrays: list, seconds: float) -> dict:
    """A run whose arrays are all on the device; from the second one on a CUDA graph."""
    binding = model.bind([model.to_device(array) for array in arrays], on_device=True)
    return times(binding, seconds)


def compared(case: dict, seconds: float) -> dict:
    model = nncc.load(HERE / case["library"], level=case["chip"])
    arrays, want = given(model, case), load(case["results"])
    got = dict(zip((info.name for info in model.outputs), model.run(arrays)))
    found = {name: excess(np.asarray(got[name]), value) for name, value in want.items()}
    wrong = sorted(name for name, ratio in found.items() if not ratio <= 1)
    rows = case.get("rows", {})
    result = {"outputs": len(found), "wrong": len(wrong), "worst": max(found.values(), default=0.0),
              "names": [rows.get(name.rpartition("y")[0], name) for name in wrong[:5]]}  # fmt: skip
    if case.get("timed"):
        result |= on_device(model, arrays, seconds)
    return result


def timed(case: dict, seconds: float) -> dict:
    model = nncc.load(HERE / case["library"], level=case["chip"])
    return on_device(model, given(model, case), seconds)


def bench(case: dict, seconds: float) -> dict:
    model = nncc.load(HERE / case["library"], level=case["chip"])
    random = np.random.default_rng(7)
    arrays = [random.standard_normal(shape, np.float32).astype(info.dtype) for shape, info in zip(case["shapes"], model.inputs)]
    return on_device(model, arrays, seconds)


def copy(case: dict, seconds: float) -> dict:
    """Bytes from one place on the device to another: what any kernel's traffic is measured against."""
    model = nncc.load(HERE / case["library"], level=case["chip"])
    array = np.zeros(case["bytes"] // 4, np.float32)
    source, target = model.to_device(array), model.to_device(array)
    return times(lambda: target.copy_from(source), seconds)


def main() -> int:
    case, seconds = json.loads(sys.argv[1]), float(sys.argv[2])
    kinds = {"compared": compared, "timed": timed, "bench": bench, "copy": copy}
    try:
        result = kinds[case["kind"]](case, seconds)
    except Exception as error:  # whatever it is, the table tells it
        kind = "absent" if "need the package ml_dtypes" in str(error) else "error"
        result = {kind: f"{type(error).__name__}: {error}".replace("\n", " ")[:300]}
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
