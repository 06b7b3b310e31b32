#!/usr/bin/env python3
"""The conformance runner against adapters that crash, hang, lie and write garbage."""

import collections
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CASES = "node/test_(abs|matmul_2d)$"
EXPECTED = {
    "good": "pass",
    "tiny": "pass",
    "segv": "crash",
    "abort": "crash",
    "hang": "timeout",
    "silent3": "error",
    "said3": "unsupported",
    "exit1": "error",
    "nothing": "error",
    "garbage": "error",
    "extra": "wrong",
    "wrongval": "wrong",
    "wrongtype": "wrong",
    "wrongshape": "wrong",
    "nan": "wrong",
    "empty": "wrong",
}


def statuses(mode):
    """How often each status came out of a run against this adapter, and the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "result.tsv")
        run = f"{HERE}/bad_adapter.sh {mode} {{model}} {{inputs}} {{outputs}}"
        words = [sys.executable, HERE / "onnx_conformance.py", "--run", run, "--filter", CASES]
        # The adapter's python3 must be this interpreter, which has onnx.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        done = subprocess.run(
            [*words, "--timeout", "2" if mode == "hang" else "20", "--tsv", table],
            capture_output=True,
            text=True,
            env=dict(os.environ, PATH=path),
        )
        if not table.exists():
            sys.exit(f"{mode}: the runner failed\n{done.stderr}")
        rows = [line.split("\t") for line in table.read_text().splitlines()[1:]]
        return collections.Counter(row[4] for row in rows), done.returncode


def main():
    failed = 0
    for mode, status in EXPECTED.items():
        found, code = statuses(mode)
        right = found == {status: 2} and code == (0 if status in ("pass", "unsupported") else 1)
        failed += not right
        print(f"{mode:12} {dict(found)} exit {code} {'' if right else 'WRONG, expected ' + status}")
    print(f"{len(EXPECTED) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
