"""Compiles kernels on tensors for this machine, as the compiler does, and calls them. LLVM's tools are
found on the PATH."""
import ctypes
import os
import re
import subprocess
import tempfile

import numpy as np

BUILD = os.environ.get("NNCC_BUILD", os.path.join(os.path.dirname(__file__), *[os.pardir] * 3, "build"))
SCHEDULE = (
    "builtin.module(func.func(nncc-cpu-plan-contract,nncc-cpu-emit-kernel,canonicalize,cse,"
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
                ("scratch_stride", ctypes.c_int64), ("services", ctypes.c_void_p), ("host", ctypes.c_void_p)]


def guarded(array):
    """A copy of the array that is aligned to its elements only, with canaries around it, and the bytes of all."""
    margin = 128 + array.itemsize
    memory = np.full(array.nbytes + 2 * margin, CANARY, np.uint8)
    inside = memory[margin : margin + array.nbytes].view(array.dtype).reshape(array.shape)
    inside[...] = array
    return inside, memory, margin


class Compiled:
    """A function of a library with its number of units and the scratch of a worker."""

    def __init__(self, function, units, scratch):
        self.function, self.units, self.scratch = function, units, scratch
        function.restype = ctypes.c_int32

    def bind(self, buffers, workers=1):
        """-> call(begin, end, worker)"""
        pointers = (ctypes.c_void_p * len(buffers))(*(b.ctypes.data for b in buffers))
        stride = self.scratch + 64
        scratch = np.full(stride * workers + 64, 0xFF, np.uint8)  # NaN
        start = scratch.ctypes.data + -scratch.ctypes.data % 64
        call = Call(ctypes.cast(pointers, ctypes.c_void_p), None, start, stride, None, None)

        def invoke(begin=0, end=self.units, worker=0, keep=(pointers, scratch, buffers)):
            status = self.function(ctypes.byref(call), ctypes.c_int64(begin), ctypes.c_int64(end), ctypes.c_int32(worker))
            assert status == 0, f"status {status}"

        return invoke


def compile_kernels(texts):
    """{name: function text} -> {name: Compiled}"""
    folder = tempfile.TemporaryDirectory(prefix="kernels")
    opt = os.path.join(BUILD, "bin", "nncc-opt")
    scheduled = run(opt, "--pass-pipeline=" + SCHEDULE, text="\n".join(texts.values()))
    facts = {}
    for name, attributes in re.findall(r"func\.func @(\w+)\(.*attributes \{(.*?)\}", scheduled):
        facts[name] = [int(re.search(rf"rt\.{key} = (\d+)", attributes).group(1)) for key in ("units", "scratch")]
    lowered = run(opt, "--pass-pipeline=" + TARGET, text=scheduled)
    lowered = re.sub(r"rt\.\w+(?: = \d+ : i64)?(?:, )?", "", lowered)
    ir = run("mlir-translate", "--mlir-to-llvmir", text=lowered)
    path = os.path.join(folder.name, "kernels")
    with open(path + ".ll", "w") as file:
        file.write(run("opt", "-S", "-mcpu=native", "-mtriple=x86_64-linux-gnu", "-passes=" + LLVM_PASSES, text=ir))
    run("llc", "-O2", "-mcpu=native", "-relocation-model=pic", "-filetype=obj", path + ".ll", "-o", path + ".o")
    run("clang", "-shared", path + ".o", "-lm", "-o", path + ".so")
    library = ctypes.CDLL(path + ".so")
    library.folder = folder
    return {name: Compiled(getattr(library, name), *facts[name]) for name in texts}


def check(kernel, inputs, wanted, tolerance):
    """Runs the kernel in three pieces, out of order, on two workers, into outputs filled with NaN. -> error or None"""
    outputs = []
    for want in wanted:
        fill = np.empty_like(want)
        fill.view(np.uint8 if want.ndim else want.dtype)[...] = 0xFF if want.ndim else 0
        outputs.append(guarded(fill))
    arguments = [guarded(np.asarray(x)) for x in inputs]
    call = kernel.bind([a[0] for a in arguments + outputs], workers=2)
    n = kernel.units
    for begin, end, worker in ((n // 3, n, 1), (0, n // 6, 0), (n // 6, n // 3, 1)):
        call(begin, end, worker)
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
