#!/usr/bin/env python3
"""Compile whole models with nncc, run them, and compare every output with ONNX Runtime's.

  check_models.py [NAME...] [--nncc PATH] [--set fast|full|all] [--threads 1,2] [--batch 1,4]

Two results agree when for every element |got - want| <= 1e-4 |want| + 1e-5 max|want|. Where they
do not, both are compared with the model evaluated in float64, and nncc may be at most twice as
far from it as ONNX Runtime is. Integer outputs are equal. Every thread count gives the same bits.
The trained digit classifiers must also be right on 97 % of their 500 test images.

One line per model and batch: the largest absolute difference from ONNX Runtime; the rule it was
judged by with the share of the allowance that it used; seconds and peak memory of the
compilation, peak memory of a run, size of the library with its weights. Exit status 1 if any
model failed.
"""

import argparse
import re
import shutil
import sys
import tempfile
import time
import xml.etree.ElementTree as xml
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "models"))

import models  # noqa: E402
from agreement import Mismatch, judge  # noqa: E402
from runner import NnccRunner, OrtRunner, RunError  # noqa: E402

FAST = "digits_mlp digits_cnn mobilenetv2 resnet18 ppocr_cls ppocr_rec minilm crnn_ocr vad_stream".split()
FULL = FAST + (
    "resnet50 resnet50.dynamo densenet121 mobilenetv3_large efficientnet_b0 convnext_tiny unet_small yolov8n_like"
    " bert_base bert_base_hf distilbert minilm.opset20 deit_small vit_base whisper_tiny_enc"
    " gpt2_prefill gpt2_decode llama_tiny lstm_lm dlrm magika ppocr_det"
    " silero_vad silero_vad_op15 silero_vad_half silero_vad_ifless silero_vad_static silero_vad_sequence"
    " resnet50.int8 mobilenetv2.int8 bert_base.int8"
).split()
ACCURACY = 0.97


def size_mb(library):
    """The library and its weights file, if it has one."""
    files = library.parent.glob(library.stem + "*")
    return sum(file.stat().st_size for file in files) / 2**20


def check_model(args, name, batch, folder):
    """One row of the table."""
    path = models.get(name, args.dir, batch)
    feeds = models.inputs(name, path, batch)
    want = OrtRunner()(path, feeds)
    nncc = NnccRunner(args.nncc, folder, options=args.option, timeout=args.timeout)
    library = nncc.library(path, feeds)
    compilation = nncc.compiled[library]
    first, run_mb = None, 0.0
    for threads in args.threads:
        got = nncc.run(library, feeds, threads)
        run_mb = max(run_mb, nncc.last.peak_mb)
        if first is None:
            first = got
            difference, rule = judge(path, feeds, got, want)
        elif any(not np.array_equal(first[n], got[n], equal_nan=True) for n in first):
            raise Mismatch(f"{threads} threads do not give the same bits as {args.threads[0]}")
    return (
        f"{difference:9.2e}  {rule:9} {compilation.seconds:8.1f} {compilation.peak_mb:8.0f}"
        f" {run_mb:8.0f} {size_mb(library):8.1f}"
    )


def check_accuracy(args, name, folder):
    """Accuracy of a digit classifier on its test images, as a row of the table."""
    path = models.get(name, args.dir)
    with np.load(models.HERE / "digits" / "digits_test.npz") as data:
        x, label = data["x"], data["label"]
    nncc = NnccRunner(args.nncc, folder, options=args.option, timeout=args.timeout)
    found = nncc(path, {"x": x})["logits"].argmax(axis=1)
    right = float((found == label).mean())
    if right < ACCURACY:
        raise Mismatch(f"{right:.1%} of {len(label)} images right, at least {ACCURACY:.0%} wanted")
    return f"{right:.1%} of {len(label)} images right"


def checks(args):
    """(label, function of a work folder) of everything to be checked."""
    for name in args.names:
        entry = models.entry(name)
        if args.no_download and entry.source in ("pypi", "minilm"):
            continue
        batches = [entry.dims["batch"]] if entry.fixed else args.batch
        for batch in batches:
            yield f"{name:18} {batch:5}", lambda d, n=name, b=batch: check_model(args, n, b, d)
        if entry.source == "digits":
            yield f"{name:18} {500:5}", lambda d, n=name: check_accuracy(args, n, d)


def write_junit(path, results):
    """{label: None or what went wrong} as JUnit XML."""
    suite = xml.Element("testsuite", name="e2e", tests=str(len(results)))
    for label, error in results.items():
        name = "-b".join(label.split())
        case = xml.SubElement(suite, "testcase", classname="e2e", name=name)
        if error is not None:
            text = re.sub(r"[^\t\n -\ud7ff]", "?", error)  # XML cannot hold control characters
            xml.SubElement(case, "failure", message=text)
    xml.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def numbers(text):
    return [int(n) for n in text.split(",")]


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="models of models.py list")
    parser.add_argument("--nncc", type=Path, default=ROOT / "build" / "bin" / "nncc")
    parser.add_argument("--set", choices=("fast", "full", "all"), default="fast")
    parser.add_argument("--threads", type=numbers, default=[1, 2], metavar="N,N")
    parser.add_argument("--batch", type=numbers, default=[1, 4], metavar="N,N")
    parser.add_argument("--dir", type=Path, default=models.CACHE, help="model cache")
    parser.add_argument("--option", action="append", default=[], help="one more for nncc compile")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one command")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    parser.add_argument("--no-download", action="store_true", help="leave fetched models out")
    args = parser.parse_args()
    args.names = args.names or {"fast": FAST, "full": FULL, "all": list(models.MANIFEST)}[args.set]
    unknown = [name for name in args.names if name not in models.MANIFEST]
    if unknown:
        parser.error(f"no models named {', '.join(unknown)}")
    if not args.nncc.exists():
        parser.error(f"no such file: {args.nncc}")
    return args


def main():
    args = parse_args()
    print(f"{'model':18} batch  max |d|    rule      compile s       MB   run MB  size MB")
    results, begin = {}, time.monotonic()
    for label, check in checks(args):
        folder = Path(tempfile.mkdtemp(prefix="nncc-e2e-"))  # a library is as large as its weights
        try:
            print(f"{label}  {check(folder)}", flush=True)
            results[label] = None
        except (Mismatch, RunError, RuntimeError, ValueError, OSError) as error:
            results[label] = str(error)
            print(f"{label}  FAILED {error}", flush=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    if args.junit:
        write_junit(args.junit, results)
    failed = sum(error is not None for error in results.values())
    seconds = time.monotonic() - begin
    print(f"{len(results) - failed} passed, {failed} failed ({seconds:.0f} s)")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
