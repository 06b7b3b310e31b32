#!/usr/bin/env python3
"""check_models.py NNCC [--target=TARGET] [MODEL...]: whole models on a GPU against ONNX Runtime.

Without a target on the emulator: LD_LIBRARY_PATH has the emulator, which also reports every race, access out of bounds and read of
what nobody has written. Quantized models are not among them: where a code is rounded the other way
once, all that follows differs. test_quantized.py has their parts.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
MODELS = ["digits_mlp", "digits_cnn", "dlrm", "vad_stream", "magika", "ppocr_cls", "crnn_ocr", "lstm_lm",
          "mobilenetv2", "minilm", "gpt2_decode.w4"]  # fmt: skip
EMULATED = ["--target=nvptx:sm_90a", "--gpu-images=bitcode"]


def get(model: str, folder: str) -> tuple[str, str]:
    """The model and inputs for it."""
    inputs = os.path.join(folder, "inputs.npz")
    for arguments in (["get", model], ["inputs", model, "-o", inputs]):
        run = subprocess.run([sys.executable, str(ROOT / "models/models.py"), *arguments],
                             check=True, capture_output=True, text=True)  # fmt: skip
        path = path if arguments[0] == "inputs" else run.stdout.split()[-1]
    return path, inputs


def problem_of(nncc: str, target: list[str], model: str, folder: str) -> str | None:
    path, inputs = get(model, folder)
    compare = subprocess.run(
        [nncc, "compare", path, "--reference=ort", "--python", sys.executable, "--inputs",
         inputs, *target], capture_output=True, text=True)  # fmt: skip
    return compare.stdout + compare.stderr if compare.returncode else None


def main() -> int:
    nncc, *models = sys.argv[1:]
    target = [models.pop(0)] if models[:1] and models[0].startswith("--target=") else EMULATED
    models = models or MODELS
    failed = 0
    for model in models:
        begin = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="nncc-gpu-") as folder:
            problem = problem_of(nncc, target, model, folder)
        failed += problem is not None
        print(f"{'FAIL' if problem else 'ok  '} {model}, {time.monotonic() - begin:.1f} s", flush=True)
        if problem:
            print(problem)
    print(f"{len(models) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
