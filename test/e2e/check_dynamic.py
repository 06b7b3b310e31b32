#!/usr/bin/env python3
"""Compile models without any size, run each library at several sizes, compare with ONNX Runtime.

  check_dynamic.py [NAME...] [--nncc PATH] [--set fast|full]

One line per model and sizes: the rule of agreement that it was judged by (see check_models.py) with
the share of the allowance that it used. All runs of a model are of one instance. Exit status 1 if
any run failed.
"""

import argparse
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "models"))

import models  # noqa: E402
from agreement import Mismatch, judge  # noqa: E402
from runner import OrtRunner, RunError, run_command  # noqa: E402

TEXTS = [{"batch": b, "sequence": s} for b, s in ((1, 1), (1, 16), (2, 33), (3, 128), (1, 512))]
IMAGES = [{"batch": b} for b in (1, 3, 8)]
SIZES = {
    "digits_mlp": IMAGES + [{"batch": 0}, {"batch": 500}],
    "digits_cnn": IMAGES + [{"batch": 0}, {"batch": 500}],
    "resnet18": IMAGES,
    "ppocr_cls": IMAGES,
    "ppocr_rec": [{"batch": b, "width": w} for b, w in ((1, 320), (2, 100), (1, 48), (3, 801))],
    "ppocr_det": [
        {"batch": b, "height": h, "width": w} for b, h, w in ((1, 96, 320), (2, 160, 64), (1, 640, 480))
    ],
    "minilm": TEXTS,
    "llama_tiny": [
        {"sequence": s, "past": p} for s, p in ((4, 0), (1, 17), (8, 8), (32, 32), (1, 300))
    ],
    "bert_base": TEXTS[:4],
    "bert_base_hf": TEXTS[:4],
    "distilbert": TEXTS[:4],
    "minilm.opset20": TEXTS,
    "gpt2_decode": [{"past": p} for p in (0, 1, 127, 500)],
    "crnn_ocr": [{"batch": b, "width": w} for b, w in ((1, 320), (2, 100), (1, 48), (3, 801))],
    "lstm_lm": [{"sequence": s} for s in (1, 2, 32, 101)],
    "dlrm": [{"batch": b} for b in (1, 16, 100)],
    "magika": IMAGES,
}
FAST = "digits_mlp digits_cnn resnet18 ppocr_cls ppocr_rec ppocr_det minilm llama_tiny crnn_ocr".split()
# Sizes that a model cannot have, and what the error names.
REFUSED = {"minilm": ({"batch": 1, "sequence": 600}, "embeddings/Add_1")}


def feeds_of(name, path, dims):
    return models.inputs(name, path, dims.get("batch"), dims)


def check_model(args, name, folder):
    """Yields (label, error or None) of each run."""
    import nncc

    path = models.get(name, args.dir)
    library = folder / f"{name}.so"
    run_command([args.nncc, "compile", path, "-o", library], timeout=args.timeout)
    model, reference = nncc.load(str(library)), OrtRunner()
    for dims in SIZES[name]:
        label = f"{name:14} " + " ".join(f"{key}={size}" for key, size in dims.items())
        feeds = feeds_of(name, path, dims)
        try:
            outputs = model(**feeds)
            _, rule = judge(path, feeds, outputs, reference(path, feeds))
            print(f"{label:48} {rule}", flush=True)
            yield None
        except (Mismatch, nncc.Error) as error:
            print(f"{label:48} FAILED {error}", flush=True)
            yield error
    if name in REFUSED:
        dims, wanted = REFUSED[name]
        try:
            model(**feeds_of(name, path, dims))
            error = "no error"
        except nncc.Error as found:
            error = str(found)
        print(f"{name:14} refuses: {error}", flush=True)
        yield None if wanted in error else error


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*SIZES, []])
    parser.add_argument("--nncc", type=Path, default=ROOT / "build" / "bin" / "nncc")
    parser.add_argument("--set", choices=("fast", "full"), default="fast")
    parser.add_argument("--dir", type=Path, default=models.CACHE, help="model cache")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one compilation")
    args = parser.parse_args()
    args.nncc = args.nncc.resolve()
    sys.path.insert(0, str(args.nncc.parent.parent / "lib" / "python"))
    errors = []
    for name in args.names or (FAST if args.set == "fast" else SIZES):
        with tempfile.TemporaryDirectory(prefix="nncc-e2e-") as folder:
            try:
                errors += check_model(args, name, Path(folder))
            except (RunError, RuntimeError, OSError) as error:
                print(f"{name} FAILED {error}", flush=True)
                errors.append(error)
    failed = sum(error is not None for error in errors)
    print(f"{len(errors) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
