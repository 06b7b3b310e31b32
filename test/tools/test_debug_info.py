"""Profilers and debuggers show which nodes a kernel computes, and its code does not change by it."""

import json
import re
import shutil
import subprocess

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from support import NNCC, ToolTest, main

TOOLS = {name: shutil.which(name) or shutil.which(name + "-22") for name in ("llvm-symbolizer", "llvm-objcopy", "llvm-nm", "gdb")}


def layers(path):
    """Two layers with names of their own, and a third one that is the same kernel as the second."""
    weights = np.random.default_rng(0).standard_normal((3, 32, 32)).astype("float32")
    nodes, constants, value = [], [], "x"
    for i, (name, matrix) in enumerate(zip(("/first", "/second", "/third"), weights)):
        constants.append(numpy_helper.from_array(matrix, f"w{i}"))
        nodes.append(helper.make_node("MatMul", [value, f"w{i}"], [f"p{i}"], name=f"{name}/MatMul"))
        value = f"y{i}"
        nodes.append(helper.make_node("Tanh" if i else "Relu", [f"p{i}"], [value], name=f"{name}/Act"))
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [5, 32]) for name in ("x", value)]
    graph = helper.make_graph(nodes, "layers", values[:1], values[1:], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


class DebugInfo(ToolTest):
    def setUp(self):
        super().setUp()
        layers(self.folder / "layers.onnx")

    def command(self, tool, *words):
        if not TOOLS[tool]:
            self.skipTest(f"{tool} is not there")
        run = subprocess.run([TOOLS[tool], *words], capture_output=True, text=True, errors="replace", timeout=120,
                             cwd=self.folder)  # fmt: skip
        self.assertEqual(run.returncode, 0, f"{tool} {words}\n{run.stdout}{run.stderr}")
        return run.stdout

    def kernels(self, library):
        return [kernel["name"] for kernel in json.loads(self.nncc("inspect", library, "--json"))["kernels"]]

    def code(self, library):
        self.command("llvm-objcopy", f"--dump-section=.text={library}.text", library, "/dev/null")
        return (self.folder / f"{library}.text").read_bytes()

    def test_symbols(self):
        self.nncc("layers.onnx")
        names = self.kernels("layers.so")
        self.assertEqual(len(names), 2)
        self.assertRegex(names[0], r"^nncc_layers_\w+\.first_MatMul\.and_1_more$")
        self.assertRegex(names[1], r"^nncc_layers_\w+\.second_MatMul\.and_1_more$")

    def test_lines(self):
        self.nncc("layers.onnx")
        first, second = self.kernels("layers.so")
        table = self.command("llvm-nm", "layers.so")
        addresses = [re.search(rf"(\w+) t {re.escape(name)}", table)[1] for name in (first, second)]
        said = self.command("llvm-symbolizer", "--obj=layers.so", "--functions=short", *(f"0x{at}" for at in addresses))
        self.assertRegex(said, r"(?s)^/first/MatMul;/first/Act\nlayers\.onnx\.calls:1:0\n\n"
                               r"/second/MatMul;/second/Act \(first of 2 calls\)\nlayers\.onnx\.calls:2:0\n")  # fmt: skip

    def test_backtrace(self):
        self.nncc("layers.onnx")
        said = self.command("gdb", "-batch", "-nx", "-ex", "set breakpoint pending on", "-ex", "set follow-fork-mode child",
                            "-ex", "break layers.onnx.calls:1", "-ex", "run", "-ex", "backtrace 1", "--args", NNCC, "run",
                            "layers.so", "--random", "--threads=1")  # fmt: skip
        self.assertRegex(said, r"#0 .*/first/MatMul;/first/Act .*layers\.onnx\.calls:1")

    def test_same_code(self):
        self.nncc("layers.onnx")
        self.nncc("layers.onnx", "--strip", "-o", "stripped.so", "--name=layers")
        self.assertEqual(self.code("layers.so"), self.code("stripped.so"))
        self.assertLess((self.folder / "stripped.so").stat().st_size, (self.folder / "layers.so").stat().st_size)
        self.assertNotIn(b".debug_info", (self.folder / "stripped.so").read_bytes())

    def test_no_path_of_this_machine(self):
        self.nncc(self.folder / "layers.onnx", "-o", self.folder / "layers.so")
        self.assertNotIn(str(self.folder).encode(), (self.folder / "layers.so").read_bytes())


if __name__ == "__main__":
    main()
