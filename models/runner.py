"""Run a model on named arrays: with nncc's command line, or with ONNX Runtime.

Both runners are callable: runner(model_path, {input: array}) -> {output: array}, and both count
their runs and the seconds spent in them.
"""

import hashlib
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np


class RunError(RuntimeError):
    """A command failed or left no outputs."""

    def __init__(self, message, code=None):
        super().__init__(message)
        self.code = code


@dataclass
class Cost:
    """What one process needed."""

    seconds: float
    peak_mb: float


def resident_peak(pid):
    """The most memory that a live process or a child of it has held, in MiB; 0 when it is gone.

    (nncc compiles in a child. A child's ru_maxrss begins with what its parent held when it was
    started.)
    """
    peak = 0.0
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                peak = int(line.split()[1]) / 1024
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            peak = max(peak, resident_peak(int(child)))
    except OSError:
        pass
    return peak


def run_command(words, timeout=None):
    """Run a command to its end; RunError with the end of its output if it fails."""
    with tempfile.TemporaryFile() as log:
        begin = time.perf_counter()
        try:
            process = subprocess.Popen(
                [str(w) for w in words], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        except OSError as error:
            raise RunError(f"cannot start {words[0]}: {error.strerror}") from error
        peak, late = 0.0, False
        while process.poll() is None:
            peak = max(peak, resident_peak(process.pid))
            seconds = time.perf_counter() - begin
            if timeout and seconds > timeout and not late:
                late = True
                process.kill()
            time.sleep(min(0.02, 0.001 + seconds / 20))
        seconds = time.perf_counter() - begin
        log.seek(0)
        said = log.read().decode("utf-8", "replace").strip()
    if process.returncode != 0:
        code = process.returncode
        how = f"signal {-code}" if code < 0 else f"exit status {code}"
        how = f"no end after {timeout:g} s" if late else how
        command = " ".join(str(w) for w in words)
        raise RunError(f"{how} from: {command}\n{said[-2000:]}", code)
    return Cost(seconds, peak)


class OrtRunner:
    """ONNX Runtime on the CPU."""

    name = "ONNX Runtime"

    def __init__(self, threads=0):
        self.threads = threads
        self.calls, self.seconds = 0, 0.0
        self._sessions = {}

    def session(self, model):
        import onnxruntime as ort

        if model not in self._sessions:
            options = ort.SessionOptions()
            options.log_severity_level = 3  # errors only
            options.intra_op_num_threads = self.threads
            self._sessions[model] = ort.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
        return self._sessions[model]

    def __call__(self, model, feeds):
        session = self.session(Path(model))
        declared = {value.name for value in session.get_inputs()}
        names = [value.name for value in session.get_outputs()]
        begin = time.perf_counter()
        outputs = session.run(names, {k: v for k, v in feeds.items() if k in declared})
        self.seconds += time.perf_counter() - begin
        self.calls += 1
        return dict(zip(names, outputs))


class NnccRunner:
    """nncc: one library per model and set of input shapes, kept in a folder, then run.

    `compiled` maps the library's path to the Cost of its compilation (none if it was there);
    `notify` is told each step in words.
    """

    name = "nncc"

    def __init__(self, nncc, folder, threads=0, options=(), timeout=None, notify=None):
        self.nncc, self.folder = Path(nncc).resolve(), Path(folder)
        self.threads, self.options, self.timeout = threads, list(options), timeout
        self.calls, self.seconds = 0, 0.0
        self.compiled, self.notify = {}, notify or (lambda text: None)
        self.last = None  # Cost of the last run
        self.folder.mkdir(parents=True, exist_ok=True)

    def library(self, model, feeds):
        """The compiled library for these shapes."""
        model = Path(model)
        shapes = [f"{name}:{'x'.join(map(str, v.shape))}" for name, v in feeds.items() if v.ndim]
        tool, source = self.nncc.stat(), model.stat()
        key = repr((shapes, self.options, tool.st_mtime_ns, source.st_mtime_ns, str(model)))
        digest = hashlib.sha256(key.encode()).hexdigest()[:12]
        path = self.folder / f"{model.stem}-{digest}.so"
        if not path.exists():
            words = [self.nncc, "compile", model.resolve(), "-o", path, *self.options]
            for shape in shapes:
                words += ["--shape", shape]
            self.compiled[path] = run_command(words, self.timeout)
            if not path.exists():
                raise RunError(f"exit status 0, but {path} was not written")
            cost, size = self.compiled[path], path.stat().st_size / 2**20
            given = " ".join(f"--shape {shape}" for shape in shapes)
            self.notify(
                f"nncc compile {model.name} {given}: {cost.seconds:.1f} s, {cost.peak_mb:.0f} MB"
                f" of memory, {size:.1f} MB library"
            )
        else:
            self.notify(f"nncc compile {model.name}: done before, {path.name}")
        return path

    def __call__(self, model, feeds):
        return self.run(self.library(model, feeds), feeds)

    def run(self, library, feeds, threads=None):
        """Outputs of a compiled library."""
        threads = self.threads if threads is None else threads
        with tempfile.TemporaryDirectory(prefix="nncc-") as scratch:
            given, written = Path(scratch, "in.npz"), Path(scratch, "out.npz")
            np.savez(given, **feeds)
            words = [self.nncc, "run", library, "--inputs", given, "--outputs", written]
            if threads:
                words += ["--threads", threads]
            self.last = run_command(words, self.timeout)
            if not written.exists():
                raise RunError(f"no outputs written by {self.nncc} run {library}")
            with np.load(written) as archive:
                outputs = dict(archive)
        self.calls += 1
        self.seconds += self.last.seconds
        return outputs
