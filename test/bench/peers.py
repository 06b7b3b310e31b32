"""One runtime in a process of its own, which `bench.py` starts and times.

It loads the model, then answers one JSON command per line on stdin with one JSON line on stdout:
{"seconds": s} runs the model for that long and returns the times; {"save": file} writes the
outputs of the last timed run as .npz. Inputs are .npy files that every process maps: the same
pages for all.
"""

import argparse
import contextlib
import json
import os
import sys
import time
from pathlib import Path

import numpy as np


class OnnxRuntime:
    """CPU execution provider, all graph optimisations, inputs and outputs bound once."""

    def __init__(self, model, threads, inputs):
        import onnxruntime as ort

        self.version = ort.__version__
        self.ort, self.model, self.threads, self.inputs = ort, model, threads, inputs

    def load(self):
        options = self.ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self.threads, 1
        options.log_severity_level = 3
        session = self.ort.InferenceSession(
            self.model, options, providers=["CPUExecutionProvider"]
        )
        self.names = [value.name for value in session.get_outputs()]
        self.session, self.binding = session, session.io_binding()
        for value in session.get_inputs():
            self.binding.bind_cpu_input(value.name, self.inputs[value.name])

    def first(self):
        for name in self.names:
            self.binding.bind_output(name, "cpu")
        self.run()
        values = self.binding.get_outputs()
        for name, value in zip(self.names, values):  # from now on into the same buffers
            self.binding.bind_ortvalue_output(name, value)

    def run(self):
        self.session.run_with_iobinding(self.binding)

    def outputs(self):
        return dict(zip(self.names, self.binding.copy_outputs_to_cpu()))


class OpenVino:
    """CPU plug-in, latency mode, one stream, f32 inference, shared inputs and outputs."""

    def __init__(self, model, threads, inputs):
        import openvino as ov

        self.version = ov.__version__.split("-")[0]
        self.ov, self.model, self.threads, self.inputs = ov, model, threads, inputs

    def load(self):
        config = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": self.threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
        }
        core = self.ov.Core()
        compiled = core.compile_model(core.read_model(self.model), "CPU", config)
        self.request = compiled.create_infer_request()
        self.feeds = {
            name: self.inputs[name]
            for port in compiled.inputs
            for name in port.get_names()
            if name in self.inputs
        }
        self.ports = list(compiled.outputs)

    def first(self):
        self.run()

    def run(self):
        self.result = self.request.infer(self.feeds, share_inputs=True, share_outputs=True)

    def outputs(self):
        return {port.get_any_name(): np.array(self.result[port]) for port in self.ports}


class Nncc:
    """A compiled library through the Python package, inputs and outputs bound once."""

    def __init__(self, model, threads, inputs):
        import nncc

        self.nncc, self.version = nncc, getattr(nncc, "__version__", "")
        self.library, self.threads, self.inputs = model, threads, inputs

    def load(self):
        self.model = self.nncc.load(self.library, threads=self.threads)

    def first(self):
        self.run = self.model.bind(self.inputs)
        self.run()

    def outputs(self):
        names = [info.name for info in self.model.outputs]
        return {name: np.array(value) for name, value in zip(names, self.run())}


PEERS = {"nncc": Nncc, "ort": OnnxRuntime, "ov": OpenVino}


def memory(field):
    """A line of /proc/self/status in MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    return 0.0


def mapped_inputs(folder):
    """{name: array} of a folder that bench.py wrote; pages are shared between processes."""
    names = json.loads((folder / "names.json").read_text())
    arrays = {}
    for n, name in enumerate(names):
        path = folder / f"{n}.npy"
        array = np.load(path)
        # A scalar cannot be mapped, and copy-on-write keeps the array writable for those who ask.
        arrays[name] = np.load(path, mmap_mode="c") if array.ndim and array.size else array
    return {name: np.asarray(array) for name, array in arrays.items()}


def milliseconds(function):
    begin = time.perf_counter()
    function()
    return (time.perf_counter() - begin) * 1e3


def start(args):
    """The loaded peer and what loading cost."""
    inputs = mapped_inputs(args.inputs)
    base = memory("VmRSS")  # of an empty process: Python and NumPy
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # resets the high-water mark
    peer = PEERS[args.peer](args.model, args.threads, inputs)
    load = milliseconds(peer.load)
    first = milliseconds(peer.first)
    return peer, {"load_ms": load, "first_ms": first, "base_mb": base, "version": peer.version}


def burst(peer, seconds):
    peer.run()  # not counted: wakes threads and caches
    times, end = [], time.perf_counter() + seconds
    while len(times) < 2 or time.perf_counter() < end:
        times.append(milliseconds(peer.run))
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=list(PEERS))
    parser.add_argument("model", help="an .onnx with fixed shapes; for nncc a compiled library")
    parser.add_argument("inputs", type=Path)
    parser.add_argument("threads", type=int)
    args = parser.parse_args()
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries' chatter goes to stderr

    def say(**answer):
        out.write(json.dumps(answer) + "\n")
        out.flush()

    try:
        peer, facts = start(args)
    except Exception as error:  # whatever a library raises is this peer's result
        say(error=f"{type(error).__name__}: {error}"[:300])
        return 1
    say(**facts)
    for line in sys.stdin:
        command = json.loads(line)
        if "save" in command:
            np.savez(command["save"], **peer.outputs())
            say()
        else:
            say(times=burst(peer, command["seconds"]), peak_mb=memory("VmHWM"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
