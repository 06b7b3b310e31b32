"""The check of a machine with a GPU, tools/gpu-check.sh, on the emulator of one: all of it but the hardware, with small
cases, and stand-ins for PyTorch and compute-sanitizer."""

import json
import os
import subprocess
import sys

import numpy as np
from support import NNCC, ROOT, ToolTest, main

EMULATOR = os.path.join(os.environ["NNCC_BUILD"], "lib", "gpu-emulator")
TORCH = """
import numpy, types
float32, float16, bfloat16 = "f4", "f2", "f4"
cuda = types.SimpleNamespace(is_available=lambda: True, synchronize=lambda: None)
backends = types.SimpleNamespace(cuda=types.SimpleNamespace(matmul=types.SimpleNamespace(allow_tf32=False)))
class Tensor(numpy.ndarray):
    t = lambda self: self.T
    contiguous = numpy.ndarray.copy
randn = lambda *shape, device, dtype: numpy.ones(shape, dtype).view(Tensor)
matmul, add, ones_like = numpy.matmul, numpy.add, numpy.ones_like
relu = lambda x: x
softmax = lambda x, axis: x
functional = types.SimpleNamespace(gelu=relu, layer_norm=lambda x, shape, w, b: x * w + b)
nn = types.SimpleNamespace(functional=functional)
def compile(function):
    raise RuntimeError("nothing compiles here")
"""


class Check(ToolTest):
    def test_check(self):
        pack = self.folder / "pack"
        # As a user would, from a folder that is not the tree's.
        made = subprocess.run(
            [ROOT / "tools/gpu-check.sh", "pack", pack, "--nncc", NNCC, "--images=bitcode", "--small", "--every=8",
             "--families", "select", "--models", "digits_mlp", "digits_cnn"],
            capture_output=True, text=True, cwd=self.folder)  # fmt: skip
        self.assertEqual(made.returncode, 0, made.stdout + made.stderr)
        self.assertIn("14 cases, ", made.stdout)
        moved = self.folder / "moved"
        pack.rename(moved)
        (self.folder / "torch.py").write_text(TORCH)
        sanitizer = self.folder / "compute-sanitizer"
        sanitizer.write_text('#!/bin/sh\nshift 4\nexec "$@"\n')
        sanitizer.chmod(0o755)

        table, records = self.check(moved, 0, "--burst=0.001")
        found = {record["what"]: record["result"] for record in records}
        for what in ("ops-select", "model-digits_mlp", "model-digits_cnn", "memcheck model-digits_cnn"):
            self.assertEqual(found[what], "ok", table)
        for what in ("copy", "bench-matmul-tf32", "bench-softmax", "bench-add by torch", "bench-transpose by torch"):
            self.assertEqual(found[what], "timed", table)
        self.assertEqual(found["bench-add by torch.compile"], "absent", table)
        self.assertEqual(found["ONNX Runtime"], "absent", table)  # that is here is the one for processors
        self.assertNotIn("FAIL", found.values(), table)
        self.assertIn("device nncc emulator sm_90; capability 9.0; ", table)
        self.assertTrue(all(line.count("|") == 7 for line in table.splitlines() if line.startswith("|")), table)

        table, records = self.check(moved, 0, "--seconds=0")  # what is there when the time is up is kept
        self.assertEqual({record["result"] for record in records}, {"not run"}, table)

        results = moved / "arrays" / "model-digits_mlp-out.npz"
        with np.load(results) as file:
            np.savez(results, **{name: array + 1 for name, array in file.items()})
        (moved / "libraries" / "model-digits_cnn.so").write_text("no library")
        cases = json.loads((moved / "cases.json").read_text())
        cases["cases"] = {name: case for name, case in cases["cases"].items() if name.startswith("model")}
        cases["cases"]["ops-none"] = {"kind": "failed", "detail": "no such operator"}
        (moved / "cases.json").write_text(json.dumps(cases))
        table, records = self.check(moved, 1, "--burst=0.001")
        failed = {record["what"] for record in records if record["result"] == "FAIL"}
        self.assertLessEqual({"model-digits_mlp", "model-digits_cnn", "ops-none"}, failed, table)
        self.assertIn("1 of 1 outputs differ: logits", table)

    def check(self, pack, code, *options):
        out = self.folder / "out"
        environment = {**os.environ, "LD_LIBRARY_PATH": EMULATOR, "OUT": str(out), "PYTHONPATH": str(self.folder),
                       "PATH": f"{self.folder}:{os.environ['PATH']}"}  # fmt: skip
        run = subprocess.run([sys.executable, pack / "check.py", *options], capture_output=True, text=True, env=environment)
        self.assertEqual(run.returncode, code, run.stdout + run.stderr)
        self.assertEqual((out / "gpu-check.md").read_text(), run.stdout)
        return run.stdout, json.loads((out / "gpu-check.json").read_text())["records"]

    def test_without_a_driver(self):
        (self.folder / "libcuda.so.1").write_text("no library")
        run = subprocess.run([sys.executable, ROOT / "test/gpu-check/check.py", "--help"], capture_output=True, text=True)
        self.assertIn("--seconds", run.stdout)
        environment = {**os.environ, "LD_LIBRARY_PATH": str(self.folder)}
        program = "import sys; sys.path.insert(0, sys.argv[1]); import check; check.device_facts()"
        run = subprocess.run([sys.executable, "-c", program, ROOT / "test/gpu-check"], capture_output=True, text=True,
                             env=environment)  # fmt: skip
        self.assertEqual(run.returncode, 1)
        self.assertIn("gpu-check: no CUDA driver: ", run.stderr)


if __name__ == "__main__":
    main()
