#!/usr/bin/env python3
"""Time nncc beside ONNX Runtime and OpenVINO on the same models, in interleaved rounds.

  bench.py [NAME...] [--set quick|full|all] [--nncc PATH] [--threads 1,2] [--batch 1,8] [--markdown]
  bench.py path/to/model.onnx --dim sequence=128

Every runtime and thread count is a process of its own, loaded before timing starts; all map the
same input buffers. A round gives each one short burst, in an order that rotates, so that a noisy
second of the machine hits all alike. Afterwards the outputs of the last timed runs are compared
with ONNX Runtime's (test/e2e/agreement.py); a result that differs is marked, and if it is nncc's,
the exit status is 1.

`speed-up` is the best peer's time over nncc's, above 1 where nncc is faster, from the medians, and
`at least` its lower 95 % bound, by resampling the rounds. Batches other than 1 are timed for
convolutional networks alone. `of peak` is the model's matrix and convolution work per second over what fma_peak.cpp reached in
this run. The details: load (session ready for a run), first run, peak memory of the process over
what it has without the runtime and the model, compile time, size of library and weights.

`--memory` adds a table of that peak memory, of nncc's arena for values between kernels, and of the
most that lives in it at the same time, which no arena can be smaller than.
"""

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT / "models"), str(ROOT / "test" / "e2e"), str(HERE)]

import flops  # noqa: E402
import models  # noqa: E402
from agreement import Mismatch, judge  # noqa: E402
from runner import Cost, RunError, run_command  # noqa: E402

QUICK = "digits_cnn mobilenetv2 resnet18 ppocr_rec minilm".split()
FULL = QUICK + "resnet50 densenet121 deit_small bert_base bert_base_hf ppocr_cls".split()
ALL = FULL + (
    "mobilenetv3_large efficientnet_b0 convnext_tiny yolov8n_like unet_small ppocr_det vit_base"
    " distilbert gpt2_prefill gpt2_decode gpt2_decode.w8 gpt2_decode.w4 llama_tiny"
    " whisper_tiny_enc lstm_lm crnn_ocr vad_stream"
    " dlrm magika resnet50.int8 mobilenetv2.int8 bert_base.int8"
).split()
IMAGES = (
    "mobilenetv2 resnet18 resnet50 densenet121 mobilenetv3_large efficientnet_b0 convnext_tiny"
    " resnet50.int8 mobilenetv2.int8"
).split()
NAMES = {"nncc": "nncc", "ort": "ONNX Runtime", "ov": "OpenVINO"}


@dataclass
class Row:
    """One runtime at one thread count on one model."""

    model: str
    peer: str
    threads: int
    times: list = field(default_factory=list)
    bursts: list = field(default_factory=list)  # the median of each
    load_ms: float = math.nan
    first_ms: float = math.nan
    base_mb: float = math.nan  # the process before it knows of a runtime
    peak_mb: float = math.nan
    arena_mb: float = math.nan
    live_mb: float = math.nan
    version: str = ""
    compilation: Cost = None
    size_mb: float = math.nan
    check: str = ""
    error: str = ""
    share: float = math.nan  # of the machine's peak

    @property
    def median(self):
        return statistics.median(self.times) if self.times else math.nan

    @property
    def least(self):
        return min(self.times, default=math.nan)

    @property
    def memory_mb(self):
        """At most, over an empty process."""
        return self.peak_mb - self.base_mb


class Worker:
    """A peer's process."""

    def __init__(self, row, model, inputs, args, folder):
        self.row, self.saved = row, folder / f"{row.peer}.{row.threads}.npz"
        env = dict(os.environ, OMP_NUM_THREADS=str(row.threads))
        places = [str(args.python_path), env.get("PYTHONPATH", "")]
        env["PYTHONPATH"] = os.pathsep.join(p for p in places if p)
        words = [sys.executable, HERE / "peers.py", row.peer, model, inputs, str(row.threads)]
        self.log = open(folder / f"{row.peer}.{row.threads}.log", "w+")
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
            env=env,
        )  # fmt: skip
        answer = self.answer()
        row.error = answer.pop("error", "")
        for name, value in answer.items():
            setattr(row, name, value)

    def answer(self):
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.log.seek(0)
        said = self.log.read().strip()[-200:]
        return {"error": f"process ended with {self.process.wait()}: {said}"}

    def ask(self, **command):
        try:
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self.answer()
        if "error" in answer:
            self.row.error = answer["error"]
        return answer

    def burst(self, seconds):
        answer = self.ask(seconds=seconds)
        times = answer.get("times", [])
        self.row.times += times
        self.row.bursts += [statistics.median(times)] if times else []
        self.row.peak_mb = answer.get("peak_mb", self.row.peak_mb)

    def outputs(self):
        self.ask(save=str(self.saved))
        with np.load(self.saved) as archive:
            return dict(archive)

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()


# ------------------------------------------------------------------------------ the machine


class Peak:
    """What the processor can do at most, measured along with the models: the best so far."""

    def __init__(self, folder):
        self.program, self.best = folder / "fma_peak", {}
        compilers = ["clang++-22", "/usr/lib/llvm-22/bin/clang++", "clang++", "c++"]
        compiler = next((c for c in compilers if shutil.which(c)), None)
        words = [compiler, "-O3", "-march=native", "-pthread", HERE / "fma_peak.cpp"]
        done = compiler and subprocess.run(
            [*words, "-o", self.program], capture_output=True, text=True
        )
        self.known = bool(done) and done.returncode == 0

    def measure(self, threads):
        if not self.known:
            return
        words = [self.program, str(threads), "0.2"]
        line = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        for item in line.split():
            name, _, value = item.partition("=")
            if name.endswith(("gflops", "gops", "gbs")):
                key = (threads, name)
                self.best[key] = max(self.best.get(key, 0.0), float(value))

    def share(self, work, quantised, threads, ms):
        """Part of the peak that `work` operations in `ms` are; nan where not known."""
        rate = self.best.get((threads, "dot8_gops" if quantised else "fma_gflops"))
        return work / ms / 1e6 / rate if work and rate else math.nan


def describe_machine(peak, threads):
    info = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.split(":", 1)[1].strip() for line in info if "model name" in line), "?")
    print(f"{cpu}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    for t in threads:
        found = {k[1]: v for k, v in peak.best.items() if k[0] == t}
        print(f"  {t} thread{'s' * (t > 1)}: " + ", ".join(f"{v} {k}" for k, v in found.items()))


# ------------------------------------------------------------------------------- one model


def make_static(path, feeds, out):
    """A copy with every input dimension fixed: what all runtimes are given."""
    model = onnx.load(path)
    for value in model.graph.input:
        if value.name in feeds:
            for dim, size in zip(value.type.tensor_type.shape.dim, feeds[value.name].shape):
                dim.dim_value = size
    for value in model.graph.output:
        for dim in value.type.tensor_type.shape.dim:
            if not dim.HasField("dim_value") or dim.dim_value < 1:
                dim.Clear()
    del model.graph.value_info[:]
    onnx.save(model, out)


def write_inputs(feeds, folder):
    folder.mkdir()
    for n, array in enumerate(feeds.values()):
        np.save(folder / f"{n}.npy", array)
    (folder / "names.json").write_text(json.dumps(list(feeds)))


def compile_model(args, model, folder):
    """(library, Cost, MiB of library and weights)."""
    library = folder / "model.so"
    cost = run_command([args.nncc, "compile", model, "-o", library, *args.option], args.timeout)
    size = sum(file.stat().st_size for file in folder.glob("model.so*"))
    size += sum(file.stat().st_size for file in folder.glob("model.weights*"))
    return library, cost, size / 2**20


def arena_of(args, library):
    """MiB of the arena and of the largest live set in it."""
    words = [args.nncc, "inspect", library, "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    memory = json.loads(done.stdout)["memory"]
    return memory["arena_bytes"] / 2**20, memory.get("live_bytes", 0) / 2**20


def verify(workers, path, feeds):
    """Compare everybody's last outputs with ONNX Runtime's, for the same number of threads."""
    found = {(w.row.peer, w.row.threads): w.outputs() for w in workers if not w.row.error}
    for worker in workers:
        row = worker.row
        want = found.get(("ort", row.threads))
        if row.error or row.peer == "ort" or want is None:
            continue
        got = found[row.peer, row.threads]
        if row.peer == "ov" and set(got) != set(want):  # it may rename outputs
            got = dict(zip(want, got.values()))
        try:
            row.check = judge(path, feeds, {n: got[n] for n in want if n in got}, want)[1]
        except Mismatch as problem:
            row.check = f"DIFFERS {problem}"


def time_model(args, label, path, feeds, peak):
    """Rows of one model: every runtime at every thread count, interleaved."""
    folder = Path(tempfile.mkdtemp(prefix="nncc-bench-"))
    workers, rows = [], []
    try:
        model = folder / "model.onnx"
        make_static(path, feeds, model)
        write_inputs(feeds, folder / "inputs")
        work, quantised = flops.count(model)
        library, compilation, size_mb, trouble = None, None, model.stat().st_size / 2**20, ""
        if "nncc" in args.peers:
            try:
                library, compilation, library_mb = compile_model(args, model, folder)
            except RunError as error:
                trouble = str(error)
        for threads in args.threads:
            for peer in args.peers:
                row = Row(label, peer, threads, size_mb=size_mb)
                rows.append(row)
                if peer == "nncc":
                    row.error, row.compilation = trouble, compilation
                    if trouble:
                        continue
                    row.size_mb = library_mb
                    row.arena_mb, row.live_mb = arena_of(args, library)
                given = library if peer == "nncc" else model
                workers.append(Worker(row, given, folder / "inputs", args, folder))
        for turn in range(args.rounds):
            for threads in args.threads:
                if turn % 4 == 0:
                    peak.measure(threads)
            live = [w for w in workers if not w.row.error]
            shift = turn % max(1, len(live))
            for worker in live[shift:] + live[:shift]:
                worker.burst(args.seconds)
                time.sleep(0.02)  # the threads of some runtimes spin on for a moment
        verify(workers, model, feeds)
        for row in rows:
            row.share = peak.share(work, quantised, row.threads, row.least)
    finally:
        for worker in workers:
            worker.close()
        shutil.rmtree(folder, ignore_errors=True)
    return rows


# -------------------------------------------------------------------------------- reports


def table(header, lines, markdown):
    """Columns as wide as their content; the first is left-aligned."""
    if markdown:
        print("| " + " | ".join(header) + " |")
        print("|---" + "|---:" * (len(header) - 1) + "|")
        for line in lines:
            print("| " + " | ".join(line) + " |")
        return
    widths = [max(len(line[i]) for line in [header, *lines]) for i in range(len(header))]
    for line in [header, *lines]:
        cells = [c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths))]
        print("  ".join(cells))


def number(value, form="{:.3g}"):
    return "-" if value is None or math.isnan(value) else form.format(value)


def by_case(rows):
    """{(model, threads): {peer: Row}}."""
    cases = {}
    for row in rows:
        cases.setdefault((row.model, row.threads), {})[row.peer] = row
    return cases


def speed_up(case, measure):
    """The best peer's time over nncc's; nan where one of them is missing."""
    peers = [measure(r) for p, r in case.items() if p != "nncc" and r.times]
    ours = measure(case["nncc"]) if "nncc" in case else math.nan
    return min(peers) / ours if peers and not math.isnan(ours) else math.nan


def lower_bound(case, samples=1000):
    """Of the speed-up: 95 % of the times at least this, were the rounds drawn again."""
    ours = case["nncc"].bursts if "nncc" in case else []
    peers = [r.bursts for p, r in case.items() if p != "nncc" and len(r.bursts) == len(ours)]
    if not ours or not peers:
        return math.nan
    rounds = np.random.default_rng(0).integers(0, len(ours), (samples, len(ours)))
    best = np.min([np.median(np.array(peer)[rounds], axis=1) for peer in peers], axis=0)
    return float(np.quantile(best / np.median(np.array(ours)[rounds], axis=1), 0.025))


def report_times(args, rows):
    cases = by_case(rows)
    header = ["model", "threads"]
    for peer in args.peers:
        header += [f"{NAMES[peer]} ms", "min"]
    if "nncc" in args.peers:
        header += ["speed-up", "at least", "by min", "of peak"]
    lines = []
    for (model, threads), case in cases.items():
        line = [model, str(threads)]
        for row in case.values():
            line += [number(row.median, "{:.3f}"), number(row.least, "{:.3f}")]
        if "nncc" in args.peers:
            line.append(number(speed_up(case, lambda r: r.median), "{:.2f}"))
            line.append(number(lower_bound(case), "{:.2f}"))
            line.append(number(speed_up(case, lambda r: r.least), "{:.2f}"))
            line.append(number(case["nncc"].share, "{:.0%}"))
        lines.append(line)
    table(header, lines, args.markdown)
    for threads in args.threads if "nncc" in args.peers else []:
        found = [speed_up(c, lambda r: r.median) for (_, t), c in cases.items() if t == threads]
        found = [value for value in found if not math.isnan(value)]
        if found:
            mean = math.exp(statistics.fmean(math.log(value) for value in found))
            print(f"geometric mean of the speed-up, {threads} T: {mean:.3f}")


def report_details(args, rows):
    header = ["model", "runtime", "threads", "load ms", "first ms", "memory MB", "of peak"]
    header += ["compile s", "compile MB", "size MB", "check"]
    lines = []
    for row in rows:
        cost = row.compilation or Cost(math.nan, math.nan)
        line = [row.model, f"{row.peer} {row.version}", str(row.threads)]
        line += [number(row.load_ms), number(row.first_ms), number(row.memory_mb, "{:.0f}")]
        line += [number(row.share, "{:.0%}"), number(cost.seconds), number(cost.peak_mb, "{:.0f}")]
        lines.append([*line, number(row.size_mb), row.check.split()[0] if row.check else "-"])
    table(header, lines, args.markdown)


def report_memory(args, rows):
    header = ["model", "threads", "arena MB", "live MB", "arena / live"]
    lines = []
    for (model, threads), case in by_case(rows).items():
        ours = case.get("nncc", Row(model, "nncc", threads))
        share = ours.arena_mb / ours.live_mb if ours.live_mb else math.nan
        line = [model, str(threads), number(ours.arena_mb), number(ours.live_mb)]
        line += [number(share, "{:.3f}")]
        lines.append(line + [number(row.memory_mb, "{:.1f}") for row in case.values()])
    table([*header, *(f"{NAMES[peer]} MB" for peer in args.peers)], lines, args.markdown)


def report(args, rows):
    print()
    report_times(args, rows)
    for wanted, report_more in ((args.memory, report_memory), (args.details, report_details)):
        if wanted:
            print()
            report_more(args, rows)
    if args.json:
        facts = [dict(vars(row), median_ms=row.median, min_ms=row.least) for row in rows]
        for fact in facts:
            fact["compilation"] = vars(fact["compilation"]) if fact["compilation"] else None
        args.json.write_text(json.dumps(facts, indent=1) + "\n")
    bad = [row for row in rows if row.error or row.check.startswith("DIFFERS")]
    for row in bad:
        print(f"{row.model} {row.peer} {row.threads}: {row.error or row.check}", file=sys.stderr)
    return 1 if any(row.peer == "nncc" for row in bad) else 0


# ---------------------------------------------------------------------------- the command


def numbers(text):
    return [int(n) for n in text.split(",")]


def add_options(parser):
    """The options that bench.py and ops.py share."""
    parser.add_argument("--nncc", type=Path, default=ROOT / "build" / "bin" / "nncc")
    parser.add_argument(
        "--python-path", type=Path, help="of package nncc; default: lib/python beside nncc's bin"
    )
    parser.add_argument("--peers", default="nncc,ort,ov", help="default: %(default)s")
    parser.add_argument("--threads", type=numbers, default=[1, 2], metavar="N,N")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.4, help="of one burst")
    parser.add_argument("--option", action="append", default=[], help="one more for nncc compile")
    parser.add_argument("--timeout", type=float, default=600, help="seconds of a compilation")
    parser.add_argument("--details", action="store_true", help="load, first run, memory, sizes")
    parser.add_argument("--memory", action="store_true", help="arena, live set, peak memory")
    parser.add_argument("--markdown", action="store_true", help="tables as Markdown")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all numbers")


def finish_options(parser, args):
    args.peers = args.peers.split(",")
    unknown = [peer for peer in args.peers if peer not in NAMES]
    if unknown:
        parser.error(f"no peer named {', '.join(unknown)}; there are {', '.join(NAMES)}")
    if "nncc" in args.peers:
        if not args.nncc.exists():
            parser.error(f"no such file: {args.nncc}")
        args.nncc = args.nncc.resolve()
    args.python_path = args.python_path or args.nncc.parent.parent / "lib" / "python"


def benchmark(args, subjects):
    """Times (label, path, inputs) of every subject and reports; the exit status."""
    with tempfile.TemporaryDirectory(prefix="nncc-peak-") as folder:
        peak, rows = Peak(Path(folder)), []
        for threads in args.threads:
            peak.measure(threads)
        for label, path, feeds in subjects:
            done = time_model(args, label, path, feeds, peak)
            rows += done
            if not args.markdown:
                cells = [f"{r.peer}/{r.threads} {number(r.median, '{:.3f}')}" for r in done]
                print(f"{label:18} " + "  ".join(cells) + " ms", flush=True)
        describe_machine(peak, args.threads)
        return report(args, rows)


def subjects(args):
    for name in args.names:
        if name.endswith(".onnx"):
            path, name = Path(name), Path(name).stem
            models.MANIFEST[name] = models.Entry(name, "file", "", {"batch": args.batch[0] or 1})
        else:
            path = None
        for batch in args.batch:
            if batch not in (None, 1) and name not in IMAGES and len(args.batch) > 1:
                continue
            file = path or models.get(name, args.dir, batch)
            label = name if batch in (None, 1) else f"{name} x{batch}"
            yield label, file, models.inputs(name, file, batch, models.pairs(args.dim))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="of models.py list, or a file")
    parser.add_argument("--set", choices=("quick", "full", "all"), default="quick")
    parser.add_argument("--batch", type=numbers, default=[None], metavar="N,N")
    parser.add_argument("--dim", action="append", default=[], metavar="NAME=N")
    parser.add_argument("--dir", type=Path, default=models.CACHE, help="model cache")
    add_options(parser)
    args = parser.parse_args()
    finish_options(parser, args)
    args.names = args.names or {"quick": QUICK, "full": FULL, "all": ALL}[args.set]
    return benchmark(args, subjects(args))


if __name__ == "__main__":
    sys.exit(main())
