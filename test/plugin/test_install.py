"""`cmake --install` gives a whole tree, which can be moved: test_install.py PREFIX CMAKE."""

import os
import shutil
import subprocess
import sys
import unittest

from support import ARGUMENTS, HERE, INSTALLED, InstalledTest, main

ROOT = HERE.parents[1]
BUILD = os.environ["NNCC_BUILD"]
FILES = """
bin/nncc bin/nncc-opt lib/libnncc.so lib/libnncc_runtime.so lib/libnncc_runtime.a
include/nncc/abi.h include/nncc/nncc.h include/nncc/nncc.hpp
include/nncc-compiler/compiler/Compiler.h include/nncc-compiler/compiler/Options.h
include/nncc-compiler/dialects/nn/NN.h include/nncc-compiler/dialects/nn/NNOps.td
include/nncc-compiler/dialects/nn/NNOps.h.inc include/nncc-compiler/dialects/kern/KernOps.h.inc
include/nncc-compiler/dialects/rt/RTOps.h.inc include/nncc-compiler/passes/Passes.h.inc
include/nncc-compiler/targets/cpu/Machine.h
lib/cmake/nncc/nncc-config.cmake lib/cmake/nncc/nncc-config-version.cmake
lib/python/nncc/__init__.py lib/python/nncc/py.typed
""".split()

HOST = """
cmake_minimum_required(VERSION 3.20)
project(host C)
find_package(nncc REQUIRED COMPONENTS runtime)
add_executable(host host.c)
target_link_libraries(host PRIVATE nncc::runtime)
add_executable(host-static host.c)
target_link_libraries(host-static PRIVATE nncc::runtime_static)
"""

HOST_C = """
#include <nncc/nncc.h>
#include <stdio.h>
int main(int argc, char **argv) {
  nncc_model *model;
  if (nncc_model_open(argv[1], NULL, &model))
    return puts(nncc_last_error()), 1;
  return puts(nncc_model_input(model, 0)->name), 0;
}
"""

PYTHON = """
import nncc, numpy, sys
library = nncc.compile(sys.argv[1], sys.argv[2])
x = numpy.array([[-2, -1, 0, 1, 2]] * 2, "float32")
numpy.testing.assert_array_equal(nncc.load(library)({"x": x})["y"], numpy.maximum(x, 0))
print(nncc.__file__)
"""


without_sanitizers = unittest.skipIf(
    os.environ.get("NNCC_SANITIZE"),
    "programs without the sanitizers cannot load what is built with them, for debugging",
)


def install():
    """Installs under one name and moves the tree to another."""
    first = INSTALLED.with_name(INSTALLED.name + "-first")
    for folder in (first, INSTALLED):
        shutil.rmtree(folder, ignore_errors=True)
    command = [ARGUMENTS[0], "--install", BUILD, "--prefix", str(first)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    first.rename(INSTALLED)


class Install(InstalledTest):
    def test_files(self):
        missing = [name for name in FILES if not (INSTALLED / name).exists()]
        self.assertEqual(missing, [])

    @without_sanitizers
    def test_no_path_of_the_build(self):
        for path in INSTALLED.rglob("*"):
            if path.is_symlink() or not path.is_file():
                continue
            data = path.read_bytes()
            if data.startswith(b"\x7fELF"):  # only what the loader looks at
                data = self.run_tool("llvm-readelf", "-d", path).stdout.encode()
            for place in (str(ROOT), BUILD, INSTALLED.name + "-first"):
                self.assertNotIn(place.encode(), data, path)

    def test_compile(self):
        self.nncc(self.model("Relu"), "-o", "m.so")
        self.assertIn("nn.relu", self.nncc_opt(self.folder / "in.mlir", "--canonicalize").stdout)

    def setUp(self):
        super().setUp()
        text = "func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {\n"
        text += "  %r = nn.relu %x : (tensor<2xf32>) -> tensor<2xf32>\n  return %r : tensor<2xf32>\n}\n"
        (self.folder / "in.mlir").write_text(text)

    @without_sanitizers
    def test_python(self):
        os.environ["PYTHONPATH"] = str(INSTALLED / "lib" / "python")
        run = self.run_tool(sys.executable, "-c", PYTHON, self.model("Relu"), self.folder / "m.so")
        self.assertTrue(run.stdout.startswith(str(INSTALLED)), run.stdout)

    @without_sanitizers
    def test_runtime_from_c(self):
        self.nncc(self.model("Relu"), "-o", "m.so")
        source = self.folder / "host"
        source.mkdir()
        (source / "CMakeLists.txt").write_text(HOST)
        (source / "host.c").write_text(HOST_C)
        cmake = ARGUMENTS[0]
        self.run_tool(cmake, "-S", source, "-B", "b", f"-DCMAKE_PREFIX_PATH={INSTALLED}", *ARGUMENTS[1:])
        self.run_tool(cmake, "--build", "b")
        for program in ("host", "host-static"):
            self.assertEqual(self.run_tool(f"b/{program}", self.folder / "m.so").stdout, "x\n")


if __name__ == "__main__":
    install()
    main()
