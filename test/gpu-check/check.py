#!/usr/bin/env python3
"""check.py [--seconds N] [--out FOLDER]: all that pack.py has put here, on this machine's GPU.

Every operator and model against stored results, compute-sanitizer on the small ones where it is installed, then times:
models, and operators beside a measured copy, PyTorch (eager and compiled), cuBLAS and ONNX Runtime, as far as they are
there. Needs Python 3.9 and NumPy, no compiler and no CUDA toolkit. A line of a Markdown table for each, at once; FOLDER
(default: $OUT, or the current one) has the table, gpu-check.md, and the raw numbers, gpu-check.json, of what was done
when it ends, or is ended. What the time did not suffice for is in the table as "not run". Exits with 1 where something
differs or fails."""

import argparse
import ctypes
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from report import Report

HERE = Path(__file__).resolve().parent
LATE = 124
TOOLS = ("memcheck", "racecheck", "synccheck", "initcheck")
PEERS = {"torch": "torch", "compile": "torch.compile", "cublas": "cuBLAS", "ort": "ONNX Runtime"}


def device_facts() -> dict:
    """As the driver tells them: nvidia-smi need not be there."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        sys.exit(f"gpu-check: no CUDA driver: {error}")
    name, version, values = ctypes.create_string_buffer(128), ctypes.c_int(), {}
    if error := driver.cuInit(0):
        sys.exit(f"gpu-check: the CUDA driver cannot be used: error {error}")
    driver.cuDeviceGetName(name, 128, 0)
    driver.cuDriverGetVersion(ctypes.byref(version))
    for what, attribute in (("major", 75), ("minor", 76), ("multiprocessors", 16)):
        value = ctypes.c_int()
        driver.cuDeviceGetAttribute(ctypes.byref(value), attribute, 0)
        values[what] = value.value
    return {"device": name.value.decode(), "capability": f"{values['major']}.{values['minor']}",
            "multiprocessors": values["multiprocessors"], "CUDA": f"{version.value // 1000}.{version.value // 10 % 100}"}  # fmt: skip


class Check:
    def __init__(self, args, facts: dict):
        self.args, self.cases, self.chip = args, facts["cases"], facts["chip"]
        self.end = time.monotonic() + args.seconds
        self.report = Report(args.out, {**device_facts(), "code": f"{facts['chip']} ({facts['images']})"})
        self.ms: dict[str, float] = {}
        self.copied = float("nan")  # bytes in a second
        if facts["left_out"]:
            self.report.add("models", "not run", "left out when this was packed: " + " ".join(facts["left_out"]))

    def left(self) -> float:
        return self.end - time.monotonic()

    def child(self, command: list, most: float) -> tuple[int, str, str]:
        """In a process of its own, and not for longer than there is time."""
        limit = max(1.0, min(most, self.left()))
        try:
            run = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=limit)
        except subprocess.TimeoutExpired as late:
            return LATE, (late.stdout or b"").decode(), f"ended after {limit:.0f} s"
        return run.returncode, run.stdout, run.stderr

    def case(self, name: str, case: dict, prefix: tuple = ()) -> dict:
        text = json.dumps({**case, "chip": self.chip})
        code, out, err = self.child([*prefix, sys.executable, HERE / "cases.py", text, self.args.burst], 120)
        lines = [line for line in out.splitlines() if line.startswith("{")]
        if lines and not code:
            return json.loads(lines[-1])
        if code == LATE and self.left() < 1:
            return {"not run": "the time was up"}
        return {"error": f"exit code {code}: {(err or out).strip()[-300:]}".replace("\n", " ")}

    def is_missing(self, name: str, found: dict) -> bool:
        for kind, result in (("error", "FAIL"), ("absent", "absent"), ("not run", "not run")):
            if kind in found:
                self.report.add(name, result, found[kind])
                return True
        return False

    def compare(self, name: str, case: dict) -> None:
        if case["kind"] == "failed":
            return self.report.add(name, "FAIL", "does not compile: " + case["detail"])
        if self.left() < 5:
            return self.report.add(name, "not run", "no time left")
        found = self.case(name, case)
        if self.is_missing(name, found):
            return None
        ms = found.get("median_ms", float("nan"))
        if "median_ms" in found:
            self.ms[name] = ms
        detail = f"{found['runs']} runs, first {found['first_ms']:.1f} ms" if "runs" in found else ""
        if "outputs" not in found:
            return self.report.add(name, "timed", detail, ms=ms, raw=found)
        accuracy = f"{found['outputs']} outputs, at most {found['worst']:.2g} of what is allowed"
        if found["wrong"]:
            accuracy = f"{found['wrong']} of {found['outputs']} outputs differ: {'; '.join(found['names'])}"
        self.report.add(name, "FAIL" if found["wrong"] else "ok", "; ".join(filter(None, (accuracy, detail))), ms=ms, raw=found)

    def sanitize(self) -> None:
        sanitizer = shutil.which("compute-sanitizer") or "/usr/local/cuda/bin/compute-sanitizer"
        if not Path(sanitizer).exists():
            return self.report.add("compute-sanitizer", "absent")
        for name in ("model-digits_cnn", "model-minilm"):
            case = {key: value for key, value in self.cases.get(name, {}).items() if key != "timed"}
            for tool in TOOLS if case else ():
                what = f"{tool} {name}"
                if self.left() < 30:
                    self.report.add(what, "not run", "no time left")
                    continue
                found = self.case(name, case, (sanitizer, "--tool", tool, "--error-exitcode", "9"))
                if not self.is_missing(what, found):
                    self.report.add(what, "FAIL" if found["wrong"] else "ok", raw=found)

    def measure_copy(self) -> None:
        name, case = next(((n, c) for n, c in self.cases.items() if c.get("op") == "Relu"), (None, None))
        if not case or self.left() < 5:
            return
        found = self.case("copy", {**case, "kind": "copy"})
        if self.is_missing("copy", found):
            return None
        self.copied = case["bytes"] / found["min_ms"] * 1e3
        self.report.add("copy", "timed", f"{case['bytes'] // 2} bytes, read and written", ms=found["median_ms"],
                        rate=f"{self.copied / 1e9:.0f} GB/s", raw=found)  # fmt: skip

    def benchmark(self, name: str, case: dict) -> None:
        if self.left() < 5:
            return self.report.add(name, "not run", "no time left")
        found = self.case(name, case)
        if self.is_missing(name, found):
            return None
        self.ms[name] = ms = found["median_ms"]
        self.report.add(name, "timed", str(case["shapes"]), ms=ms, rate=self.rate(case, ms), raw=found,
                        share=float("nan") if case["flops"] else case["bytes"] / ms * 1e3 / self.copied)  # fmt: skip

    @staticmethod
    def rate(case: dict, ms: float) -> str:
        if case.get("flops"):
            return f"{case['flops'] / ms / 1e9:.1f} TFLOP/s"
        return f"{case['bytes'] / ms / 1e6:.0f} GB/s" if "bytes" in case else ""

    def peer(self, key: str) -> None:
        name = PEERS[key]
        if self.left() < 10:
            return self.report.add(name, "not run", "no time left")
        code, out, err = self.child([sys.executable, HERE / "peers.py", key, self.args.burst], 120)
        for line in (json.loads(line) for line in out.splitlines() if line.startswith("{")):
            what = f"{line.get('case', '')} by {name}" if "case" in line else name
            if "median_ms" not in line:
                self.report.add(what, "absent", line.get("absent") or line["error"])
                continue
            case, ms, ours = self.cases[line["case"]], line["median_ms"], self.ms.get(line["case"], float("nan"))
            self.report.add(what, "timed", "share: nncc's speed beside it", ms=ms, rate=self.rate(case, ms),
                            share=ms / ours, raw=line)  # fmt: skip
        if code:
            self.report.add(name, "absent", f"exit code {code}: {err.strip()[-200:]}".replace("\n", " "))

    def run(self) -> int:
        of_kind = lambda *kinds: [(n, c) for n, c in self.cases.items() if c["kind"] in kinds]  # noqa: E731
        for name, case in of_kind("compared", "timed", "failed"):
            self.compare(name, case)
        self.measure_copy()
        for name, case in of_kind("bench"):
            self.benchmark(name, case)
        for key in ("cublas", "torch"):
            self.peer(key)
        self.sanitize()
        for key in ("ort", "compile"):
            self.peer(key)
        failures = self.report.failures()
        self.report.say(f"\n{len(self.report.records)} lines, {failures} failures")
        return 1 if failures else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=480, help="for all of it; default: %(default)s")
    parser.add_argument("--burst", type=float, default=0.5, help="seconds of one measurement; default: %(default)s")
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("OUT", ".")))
    args = parser.parse_args()
    return Check(args, json.loads((HERE / "cases.json").read_text())).run()


if __name__ == "__main__":
    sys.exit(main())
