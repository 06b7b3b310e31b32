"""Tests of an installed nncc: INSTALLED is its prefix, ARGUMENTS what else the test was given."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import onnx
from onnx import TensorProto, helper

HERE = Path(__file__).resolve().parent
INSTALLED, ARGUMENTS = Path(sys.argv[1]), sys.argv[2:]


def build_plugin(folder, to):
    """Builds HERE/folder against the installed nncc; ARGUMENTS are CMAKE GENERATOR OPTION..."""
    cmake, generator, *options = ARGUMENTS
    configure = [cmake, "-S", HERE / folder, "-B", to, "-G", generator,
                 "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_PREFIX_PATH={INSTALLED}", *options]  # fmt: skip
    for command in (configure, [cmake, "--build", to]):
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            raise SystemExit(run.stdout + run.stderr)


class InstalledTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_tool(self, *command, code=0, errors=()):
        """Runs a command in the test's folder; compares its exit code, looks for each of `errors`
        in what it says, and returns the process."""
        command = [str(word) for word in command]
        run = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=self.folder)
        said = run.stdout + run.stderr
        self.assertEqual(run.returncode, code, f"{command}\n{said}")
        for error in errors:
            self.assertIn(error, run.stderr, f"{command}\n{said}")
        return run

    def nncc(self, *arguments, **expected):
        return self.run_tool(INSTALLED / "bin" / "nncc", *arguments, **expected)

    def nncc_opt(self, *arguments, **expected):
        return self.run_tool(INSTALLED / "bin" / "nncc-opt", *arguments, **expected)

    def model(self, *operators):
        """A file with x[2, 5] -> the unary operators one after the other -> y."""
        names = ["x", *(f"t{i}" for i in range(1, len(operators))), "y"]
        nodes = [
            helper.make_node(operator, [source], [result], name=f"node_{result}")
            for operator, source, result in zip(operators, names, names[1:])
        ]
        values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2, 5]) for n in ("x", "y")]
        graph = helper.make_graph(nodes, "chain", values[:1], values[1:])
        path = self.folder / "model.onnx"
        opsets = [helper.make_opsetid("", 17)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
        return path

    def operators(self, *arguments):
        """The nn operations at the end of the graph stage, and the standard error."""
        errors = self.nncc(*arguments, "--stop-after=graph", "-o", "graph.mlir").stderr
        words = (self.folder / "graph.mlir").read_text().replace('"', " ").split()
        return [word for word in words if word.startswith("nn.") and word != "nn.name"], errors


def main():
    unittest.main(argv=sys.argv[:1])
