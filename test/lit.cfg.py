# The lit suites: every .mlir and .test file of this tree. ctest runs them folder by folder;
# `lit test/passes/graph/fuse-epilogue.mlir` works as well, `-D build=DIR` for another build.
import os
import sys

import lit.formats

config.name = "nncc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.dirname(__file__)
source = os.path.dirname(config.test_source_root)
build = os.path.abspath(lit_config.params.get("build", os.path.join(source, "build")))
llvm = lit_config.params.get("llvm", "/usr/lib/llvm-22")
config.test_exec_root = os.path.join(build, "test")

# nncc, nncc-opt, FileCheck, not, mlir-opt ... are found on the PATH.
config.environment["PATH"] = os.pathsep.join(
    [os.path.join(build, "bin"), os.path.join(llvm, "bin"), os.environ["PATH"]]
)
tool = os.path.join(build, "bin", "nncc")
config.substitutions += [
    ("%nncc-opt", tool + "-opt"),  # before %nncc: the first that matches is replaced
    ("%nncc", tool),
    ("%python", f"'{sys.executable}'"),
    ("%models", os.path.join(source, "models")),
    ("%source", source),
    ("%build", build),
    ("%llvm", llvm),
]

# Code that is not instrumented (libLLVM) allocates from pools that instrumented code poisons.
config.environment["ASAN_OPTIONS"] = "allow_user_poisoning=0"
for name in ("LD_LIBRARY_PATH", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]
