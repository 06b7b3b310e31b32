"""Running the tool in tests: `NNCC` and `ECHO` (echo.c as a library) come from the command line."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NNCC, ECHO = sys.argv[1:3]
MLP = ROOT / "models" / "digits" / "digits_mlp.onnx"  # x[batch, 1, 8, 8] -> logits[batch, 10]


class ToolTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def nncc(self, *arguments, code=0, error=None) -> str:
        """The standard output; compares the exit code and looks for `error` in the errors."""
        command = [NNCC, *map(str, arguments)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=self.folder)
        self.assertEqual(run.returncode, code, f"{command}\n{run.stdout}{run.stderr}")
        if code:
            self.assertIn("nncc: error: ", run.stderr)
        if error is not None:
            self.assertIn(error, run.stderr)
        return run.stdout


def main():
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=1)
