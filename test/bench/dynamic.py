#!/usr/bin/env python3
"""What open sizes cost: one library for all sizes against a library compiled for each.

  dynamic.py [NAME...] [--shapes 50] [--rounds 7] [--threads 1]

Seeded random sizes of each model's open dimensions. At each of them both libraries run in turn, on
the same inputs; their outputs must agree. Per model: the 50th and 90th percentile, over the sizes,
of the ratio of median latencies, and the worst one. Above 1 the library of open sizes is slower.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "models"))

import models  # noqa: E402
from runner import run_command  # noqa: E402

# For each open dimension the least and the greatest size, and what it is a multiple of.
RANGES = {
    "minilm": {"batch": (1, 4, 1), "sequence": (4, 256, 1)},
    "llama_tiny": {"sequence": (1, 64, 1), "past": (0, 256, 1)},
    "ppocr_det": {"batch": (1, 1, 1), "height": (64, 480, 32), "width": (64, 480, 32)},
    "ppocr_rec": {"batch": (1, 4, 1), "width": (32, 640, 1)},
    "crnn_ocr": {"batch": (1, 4, 1), "width": (48, 640, 1)},
    "resnet18": {"batch": (1, 4, 1)},
}


def median_seconds(model, feeds, rounds):
    """[seconds] of single runs, after one to bind the sizes."""
    model(**feeds)
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        model(**feeds)
        times.append(time.perf_counter() - begin)
    return times


def compare(args, name, folder):
    """[(dims, seconds of open sizes, seconds of fixed ones)]"""
    import nncc

    path = models.get(name)
    run_command([args.nncc, "compile", path, "-o", folder / "open.so"])
    opened = nncc.load(str(folder / "open.so"), threads=args.threads)
    rng = np.random.default_rng(0)
    rows = []
    for i in range(args.shapes):
        dims = {
            dim: int(rng.integers(low // step, high // step + 1)) * step
            for dim, (low, high, step) in RANGES[name].items()
        }
        feeds = models.inputs(name, path, dims.get("batch"), dims)
        shapes = [f"--shape={key}:{'x'.join(map(str, x.shape))}" for key, x in feeds.items()]
        library = folder / f"fixed{i}.so"
        run_command([args.nncc, "compile", path, *shapes, "-o", library])
        fixed = nncc.load(str(library), threads=args.threads)
        for output, wanted in zip(opened(**feeds).values(), fixed(**feeds).values()):
            np.testing.assert_allclose(output, wanted, 1e-3, 1e-4 * np.abs(wanted).max(initial=0))
        times = [[], []]
        for _ in range(args.rounds):
            for model, sink in ((opened, times[0]), (fixed, times[1])):
                sink += median_seconds(model, feeds, 3)
        rows.append((dims, float(np.median(times[0])), float(np.median(times[1]))))
        library.unlink()
    return rows


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", default=["minilm", "ppocr_det"])
    parser.add_argument("--nncc", type=Path, default=ROOT / "build" / "bin" / "nncc")
    parser.add_argument("--shapes", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    for name in args.names:
        if name not in RANGES:
            parser.error(f"no ranges for {name}; known: {', '.join(RANGES)}")
    args.nncc = args.nncc.resolve()
    sys.path.insert(0, str(args.nncc.parent.parent / "lib" / "python"))
    print(f"{'model':12} shapes  p50   p90   worst   at")
    for name in args.names:
        with tempfile.TemporaryDirectory(prefix="nncc-bench-") as folder:
            rows = compare(args, name, Path(folder))
        ratios = np.array([opened / fixed for _, opened, fixed in rows])
        worst = rows[int(ratios.argmax())]
        at = " ".join(f"{key}={size}" for key, size in worst[0].items())
        print(
            f"{name:12} {len(rows):6} {np.percentile(ratios, 50):5.2f} "
            f"{np.percentile(ratios, 90):5.2f} {ratios.max():7.2f}   {at}: "
            f"{worst[1] * 1e3:.2f} ms against {worst[2] * 1e3:.2f} ms",
            flush=True,
        )


if __name__ == "__main__":
    main()
