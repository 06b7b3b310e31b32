"""--cache-dir: the same bytes with and without it, whatever happens to the folder."""

import os
import subprocess
import time

import onnx
from onnx import numpy_helper

from support import MLP, NNCC, ROOT, ToolTest, main

CNN = ROOT / "models" / "digits" / "digits_cnn.onnx"


class Cache(ToolTest):
    def compile(self, *options, model=CNN):
        self.nncc(model, "--dim=batch=2", "-o", "m.so", *options)
        return (self.folder / "m.so").read_bytes()

    def cached(self, *options, model=CNN):
        return self.compile("--cache-dir=cache", *options, model=model)

    def entries(self):
        """Name -> when it was written."""
        return {path.name: path.stat().st_mtime_ns for path in (self.folder / "cache").glob("llvmcache-*")}

    def test_same_bytes(self):
        expected = self.compile()
        self.assertEqual(self.cached(), expected)
        first = self.entries()
        self.assertGreater(len(first), 2)
        self.assertEqual(self.cached(), expected)
        self.assertEqual(self.entries(), first)  # nothing was generated

    def test_off_unless_asked_for(self):
        self.compile()
        self.assertEqual([path.name for path in self.folder.iterdir()], ["m.so"])

    def test_options_of_llvm(self):
        """They change the code, and no entry tells by which of them it was made."""
        self.cached()
        before = self.entries()
        expected = self.compile("--enable-misched=false")
        self.assertEqual(self.cached("--enable-misched=false"), expected)
        self.assertEqual(self.entries(), before)

    def test_environment(self):
        run = subprocess.run([NNCC, CNN, "--dim=batch=2", "-o", "m.so"], cwd=self.folder, timeout=120,
                             env={**os.environ, "NNCC_CACHE_DIR": "cache"})  # fmt: skip
        self.assertEqual(run.returncode, 0)
        self.assertGreater(len(self.entries()), 2)

    def test_what_code_depends_on(self):
        """Other options have other entries, and each of them its own results."""
        for options in (["-O0"], ["--target=x86-64-v2"], ["--strip"], ["--emit=llvm"], ["--name=n"], []):
            with self.subTest(options):
                self.cached()
                before = self.entries()
                expected = self.compile(*options)
                self.assertEqual(self.cached(*options), expected)
                self.assertEqual(set(self.entries()) > set(before), bool(options))

    def test_other_weights_are_the_same_code(self):
        self.cached(model=MLP)
        before = set(self.entries())
        model = onnx.load(MLP)
        for tensor in model.graph.initializer:
            if tensor.data_type == onnx.TensorProto.FLOAT:
                tensor.CopyFrom(numpy_helper.from_array(1.5 * numpy_helper.to_array(tensor), tensor.name))
        onnx.save(model, self.folder / "other.onnx")
        self.cached(model="other.onnx")
        self.assertEqual(len(set(self.entries()) - before), 1)  # the program, with the weights' hash

    def test_damaged_entries(self):
        expected = self.cached()
        for damage in (lambda data: data[:-1], lambda data: b"", lambda data: data[:-9] + b"X" + data[-8:]):
            for path in (self.folder / "cache").glob("llvmcache-*"):
                path.write_bytes(damage(path.read_bytes()))
            self.assertEqual(self.cached(), expected)
        whole = self.entries()
        self.assertEqual(self.cached(), expected)
        self.assertEqual(self.entries(), whole)

    def test_folder_that_cannot_be(self):
        (self.folder / "cache").write_text("")
        self.nncc(MLP, "--dim=batch=2", "--cache-dir=cache", "-o", "m.so", code=1, error="the cache 'cache'")
        self.assertFalse((self.folder / "m.so").exists())

    def test_size(self):
        self.cached()
        old = self.entries()
        time.sleep(0.01)
        self.cached("--cache-size=0")
        self.assertEqual(self.entries(), {})
        self.assertGreater(len(old), 2)
        self.nncc(MLP, "--cache-dir=cache", "--cache-size=-1", code=1)


if __name__ == "__main__":
    main()
