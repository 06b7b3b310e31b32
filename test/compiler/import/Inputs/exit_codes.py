"""exit_codes.py NNCC FOLDER: for every model in it that does not compile, its name, the exit code and the first error."""
import pathlib
import subprocess
import sys

for path in sorted(pathlib.Path(sys.argv[2]).glob("*.onnx")):
    command = [sys.argv[1], path, "--stop-after=import", "-o", path.with_suffix(".mlir")]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        print(f"{path.name}: {run.returncode}: {run.stderr.splitlines()[0]}", flush=True)
