"""Compiles kernels on tensors for this machine, or, with --gpu, for a GPU, as the compiler does, and calls them. LLVM's
tools are found on the PATH."""
import ctypes
import os
import re
import subprocess
import sys
import tempfile

import numpy as np
from open_sizes import evaluate

BUILD = os.environ.get("NNCC_BUILD", os.path.join(os.path.dirname(__file__), *[os.pardir] * 3, "build"))
OPT = os.path.join(BUILD, "bin", "nncc-opt")
LOWER_NN = "builtin.module(func.func(nncc-lower-nn,canonicalize,cse))"
SCHEDULE = (
    "builtin.module(func.func(nncc-cpu-plan-contract,nncc-cpu-plan-attention,nncc-cpu-emit-kernel,canonicalize,cse,"
    "nncc-cpu-lower-brgemm,nncc-cpu-approximate-math,canonicalize,cse))"
)
TARGET = "builtin.module(convert-scf-to-cf,convert-vector-to-llvm,nncc-cpu-lower-to-llvm,reconcile-unrealized-casts,canonicalize)"
LLVM_PASSES = "function(early-cse,instcombine<no-verify-fixpoint>,simplifycfg,loop-mssa(licm),early-cse)"
CANARY = 0xAB


def run(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{os.path.basename(command[0])} failed:\n{done.stderr[:4000]}")
    return done.stdout


class Call(ctypes.Structure):
    """nncc_call"""

    _fields_ = [("buffers", ctypes.c_void_p), ("dims", ctypes.c_void_p), ("scratch", ctypes.c_void_p),
                ("scratch_stride", ctypes.c_int64), ("services", ctypes.c_void_p), ("host", ctypes.c_void_p),
                ("workers", ctypes.c_int32)]


def guarded(array):
    """A copy of the array that is aligned to its elements only, with canaries around it, and the bytes of all."""
    margin = 128 + array.itemsize
    memory = np.full(array.nbytes + 2 * margin, CANARY, np.uint8)
    inside = memory[margin : margin + array.nbytes].view(array.dtype).reshape(array.shape)
    inside[...] = array
    return inside, memory, margin


def size_of(text):
    """The text of a size as an attribute -> function of the values of the symbols."""
    expression = text if text.isdigit() else re.fullmatch(r"affine_map<\(\)\[.*?\] -> \((.*)\)>", text).group(1)
    return lambda dims: evaluate(expression, dims)


class Compiled:
    """A function of a library with its number of units and the scratch of a worker, which depend on its dims."""

    def __init__(self, function, units, scratch):
        self.function, self.units_of, self.scratch_of = function, units, scratch
        function.restype = ctypes.c_int32

    @property
    def units(self):
        """Of a kernel without dims."""
        return self.units_of(())

    def bind(self, buffers, workers=1, dims=()):
        """-> call(begin, end, worker)"""
        pointers = (ctypes.c_void_p * len(buffers))(*(b.ctypes.data for b in buffers))
        sizes = (ctypes.c_int64 * len(dims))(*dims)
        stride = self.scratch_of(dims) + 64
        scratch = np.full(stride * workers + 64, 0xFF, np.uint8)  # NaN
        start = scratch.ctypes.data + -scratch.ctypes.data % 64
        call = Call(ctypes.cast(pointers, ctypes.c_void_p), ctypes.cast(sizes, ctypes.c_void_p), start, stride, None, None)

        def invoke(begin=0, end=self.units_of(dims), worker=0, keep=(pointers, sizes, scratch, buffers)):
            status = self.function(ctypes.byref(call), ctypes.c_int64(begin), ctypes.c_int64(end), ctypes.c_int32(worker))
            assert status == 0, f"status {status}"

        return invoke

    def compute(self, buffers, dims=()):
        """All units in three pieces, out of order, on two workers."""
        call, n = self.bind(buffers, workers=2, dims=dims), self.units_of(dims)
        for begin, end, worker in ((n // 3, n, 1), (0, n // 6, 0), (n // 6, n // 3, 1)):
            call(begin, end, worker)


def inline_maps(text):
    """Aliases of maps in place of their names."""
    for name, value in re.findall(r"^(#map\d*) = (.*)$", text, re.M):
        text = re.sub(rf"^{name} = .*\n", "", text, flags=re.M)
        text = re.sub(rf"{name}\b", value, text)
    return text


def lower_nn(text):
    """Kernels of nn ops -> of linalg."""
    return run(OPT, "--pass-pipeline=" + LOWER_NN, text=text)


def schedule(text, pipeline):
    """-> the text of scheduled kernels, and of each its units and scratch."""
    scheduled, facts = inline_maps(run(OPT, "--pass-pipeline=" + pipeline, text=text)), {}
    for name, attributes in re.findall(r"func\.func @(\w+)\(.*attributes \{(.*?)\}", scheduled):
        facts[name] = [size_of(re.search(rf"rt\.{key} = (\d+|affine_map<.*?\)>)", attributes).group(1)) for key in ("units", "scratch")]
    return scheduled, facts


def to_llvm(lowered):
    """Kernels in the LLVM dialect -> LLVM IR."""
    text = re.sub(r"(?:, )?\brt\.\w+(?: = (?:\d+ : i64|affine_map<.*?\)>))?", "", inline_maps(lowered))
    return run("mlir-translate", "--mlir-to-llvmir", text=text)


def compile_kernels(texts, lower=lambda text: text, processor="native"):
    """{name: function text} -> {name: Compiled}; `lower` gives the text of kernels as they are scheduled, `processor` is
    one of LLVM's names."""
    folder = tempfile.TemporaryDirectory(prefix="kernels")
    scheduled, facts = schedule(lower("\n".join(texts.values())), SCHEDULE)
    ir = to_llvm(run(OPT, "--pass-pipeline=" + TARGET, text=scheduled))
    path = os.path.join(folder.name, "kernels")
    with open(path + ".ll", "w") as file:
        file.write(run("opt", "-S", "-mcpu=" + processor, "-mtriple=x86_64-linux-gnu", "-passes=" + LLVM_PASSES, text=ir))
    run("llc", "-O2", "-mcpu=" + processor, "-relocation-model=pic", "-filetype=obj", path + ".ll", "-o", path + ".o")
    run("clang", "-shared", path + ".o", "-lm", "-o", path + ".so")
    library = ctypes.CDLL(path + ".so")
    library.folder = folder
    return {name: Compiled(getattr(library, name), *facts[name]) for name in texts}


def check(kernel, inputs, wanted, tolerance, dims=()):
    """Runs the kernel into outputs filled with NaN. -> error or None"""
    outputs = []
    for want in wanted:
        fill = np.empty_like(want)
        fill.view(np.uint8 if want.ndim else want.dtype)[...] = 0xFF if want.ndim else 0
        outputs.append(guarded(fill))
    arguments = [guarded(np.asarray(x)) for x in inputs]
    kernel.compute([a[0] for a in arguments + outputs], dims)
    for (output, memory, margin), want in zip(outputs, wanted):
        if (memory[:margin] != CANARY).any() or (memory[len(memory) - margin :] != CANARY).any():
            return "wrote outside of its output"
        if want.dtype.kind == "f" and tolerance:
            wrong = ~np.isclose(output, want, rtol=tolerance, atol=tolerance, equal_nan=True)
        else:
            wrong = (output != want) & ~((output != output) & (want != want))
        if wrong.any():
            at = tuple(np.argwhere(wrong)[0])
            return f"{wrong.sum()} of {wrong.size} differ, at {at}: {output[at]}, expected {want[at]}"
    return None


def run_cases(cases, run, lower=lambda text: text):
    """The main program of a test: [--gpu] [filter]. It compiles the `cases`, {name: (title, text, *rest)}, whose titles
    contain the filter. `run(kernel, *rest)` gives an error, or None, for each call of the kernel; `lower`: see
    compile_kernels."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--gpu"]
    chosen = {name: case for name, case in cases.items() if not arguments or arguments[0] in case[0]}
    compile_them = compile_kernels
    if "--gpu" in sys.argv:
        sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir, "nvptx"))
        from gpu_kernels import compile_kernels as compile_them
    kernels = compile_them({name: case[1] for name, case in chosen.items()}, lower)
    right = 0
    for name, (title, _, *rest) in chosen.items():
        errors = [error for error in run(kernels[name], *rest) if error]
        for error in errors[:3]:
            print(f"{title}: {error}")
        right += not errors
    print(f"{right} of {len(chosen)} kernels are right")
    sys.exit(right < len(chosen) or not chosen)
