"""What `nncc compile` writes beside shared libraries, and weights in a file of their own."""

import os
import platform
import shutil
import subprocess
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper

from support import ROOT, ToolTest, main

BUILD = os.environ["NNCC_BUILD"]
CNN = ROOT / "models" / "digits" / "digits_cnn.onnx"  # x[batch, 1, 8, 8] -> logits[batch, 10]
X = np.random.default_rng(0).random((2, 1, 8, 8), "float32")


class OutputTest(ToolTest):
    def setUp(self):
        super().setUp()
        np.savez(self.folder / "x.npz", x=X)
        X.tofile(self.folder / "x.bin")

    def compile(self, output, *options):
        self.nncc(CNN, "--dim", "batch=2", "--name=m", "-o", output, *options)

    def command(self, *words):
        run = subprocess.run(words, capture_output=True, text=True, timeout=120, cwd=self.folder)
        self.assertEqual(run.returncode, 0, f"{words}\n{run.stdout}{run.stderr}")

    def outputs(self, library):
        self.nncc("run", library, "--inputs", "x.npz", "--outputs", "y.npz")
        with np.load(self.folder / "y.npz") as data:
            return data["logits"]

    def expected(self):
        self.compile("expected.so")
        return self.outputs("expected.so")


class Program(OutputTest):
    """Everything that can be linked into a program gives the results of the library."""

    def outputs_of_program(self, *objects):
        self.command("clang", "-Wall", "-Werror", ROOT / "test" / "tools" / "host.c", *objects, "-o", "host",
                     "-I.", f"-I{ROOT}/runtime/include", f"{BUILD}/lib/libnncc_runtime.a",
                     "-lm", "-lpthread", "-ldl", *os.environ.get("NNCC_TEST_FLAGS", "").split())  # fmt: skip
        self.command("./host")
        return np.fromfile(self.folder / "y.bin", "float32").reshape(2, 10)

    def test_static(self):
        self.compile("m.a", "--emit=static", "--header")
        np.testing.assert_array_equal(self.outputs_of_program("m.a"), self.expected())

    def test_object(self):
        self.compile("m.o", "--emit=obj", "--header")
        np.testing.assert_array_equal(self.outputs_of_program("m.o"), self.expected())
        self.command("clang", "-shared", "m.o", "-o", "m.so", "-lm")
        np.testing.assert_array_equal(self.outputs("m.so"), self.expected())

    def test_assembly(self):
        self.compile("m.s", "--emit=asm", "--header")
        self.assertTrue((self.folder / "m.s.weights").exists())
        np.testing.assert_array_equal(self.outputs_of_program("m.s"), self.expected())

    @unittest.skipUnless(platform.machine() == "x86_64", "not an x86-64 machine")
    def test_several_processors(self):
        expected = self.expected()
        for output, kind in (("m.a", "static"), ("m.o", "obj"), ("m.s", "asm"), ("m.ll", "llvm")):
            with self.subTest(kind):
                self.compile(output, f"--emit={kind}", "--header", "--target=x86-64-multi")
                # Clang has another name for the same system.
                got = self.outputs_of_program("-Wno-override-module", output)
                np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)

    def test_llvm(self):
        self.compile("m.ll", "--emit=llvm", "--header")
        self.assertTrue((self.folder / "m.ll.weights").exists())
        got = self.outputs_of_program("-O2", "m.ll")
        np.testing.assert_allclose(got, self.expected(), rtol=1e-5, atol=1e-5)

    def test_header_of_any_name(self):
        names = ["x*/ \n#error", "/*y\x1b[31m é\\"]
        values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in names]
        node = helper.make_node("Relu", names[:1], names[1:], name="n*/\n")
        graph = helper.make_graph([node], "names", values[:1], values[1:])
        opsets = [helper.make_opsetid("", 17)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), self.folder / "n.onnx")
        self.nncc("n.onnx", "--header", "-o", "n.so")
        self.command("clang", "-Wall", "-Werror", "-fsyntax-only", f"-I{ROOT}/runtime/include", "-x", "c", "n.h")

    def test_header_without_model(self):
        self.nncc(CNN, "--header", "-o", "nowhere/m.so", code=1)
        self.assertEqual(list(self.folder.glob("**/*.h")), [])


class WeightsFile(OutputTest):
    def setUp(self):
        super().setUp()
        self.compile("m.so", "--weights=file")
        self.weights = self.folder / "m.so.weights"

    def fails(self, error, code=1):
        self.nncc("run", "m.so", "--inputs", "x.npz", "--outputs", "y.npz", code=code, error=error)

    def test_beside_the_library(self):
        expected = self.expected()
        self.assertGreater(self.weights.stat().st_size, 4096)
        np.testing.assert_array_equal(self.outputs("m.so"), expected)
        folder = self.folder / "moved"
        folder.mkdir()
        for name in ("m.so", "m.so.weights"):
            shutil.move(self.folder / name, folder)
        np.testing.assert_array_equal(self.outputs("moved/m.so"), expected)

    def test_missing(self):
        self.weights.unlink()
        self.fails("m.so.weights: No such file")

    def test_short(self):
        data = self.weights.read_bytes()
        for size in (0, 7, 4096, len(data) - 1):
            self.weights.write_bytes(data[:size])
            self.fails(f"m.so.weights: is cut off: {size} bytes")

    def test_foreign(self):
        self.weights.write_bytes(b"something else" * 1000)
        self.fails("m.so.weights: not a weights file", code=2)
        mlp = ROOT / "models" / "digits" / "digits_mlp.onnx"
        self.nncc(mlp, "--dim", "batch=2", "-o", "mlp.so", "--weights=file")
        shutil.copy(self.folder / "mlp.so.weights", self.weights)
        self.fails("m.so.weights: weights of another model", code=2)

    def test_folder(self):
        self.weights.unlink()
        self.weights.mkdir()
        self.fails("m.so.weights: not a file")


if __name__ == "__main__":
    main()
