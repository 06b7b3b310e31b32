"""Compiles kernels on tensors for a GPU and runs them on the emulator of the build, which checks accesses and races."""
import ctypes
import os
import re
import sys
import tempfile

from kernel_runner import BUILD, OPT, inline_maps, run, schedule, size_of, to_llvm

ctypes.CDLL(os.path.join(BUILD, "lib", "gpu-emulator", "libcuda.so.1"))  # found by its name from now on
sys.path.insert(0, os.path.join(os.path.dirname(__file__), *[os.pardir] * 2, "gpu-emulator"))
import cuda  # noqa: E402
import numpy as np  # noqa: E402

CHIP, OPTIONS = "sm_90a", "capability=90"  # the latter of nncc-nvptx-emit-kernel
SCHEDULE = (
    "builtin.module(nncc-nvptx-emit-kernel{OPTIONS},func.func(canonicalize,cse,nncc-cpu-approximate-math{lrint=false},"
    "canonicalize,cse))"
)
TARGET = "builtin.module(convert-scf-to-cf,nncc-nvptx-lower-to-llvm,reconcile-unrealized-casts)"
TRIPLE = 'target triple = "nvptx64-nvidia-cuda"\n'
WORKERS = (3, 1000)  # blocks of kernels with scratch: these compute several units, or one
KERNELS_AT_ONCE = 40
MAX_DYNAMIC_SHARED_SIZE_BYTES = 8


class Launched:
    """A kernel of a module, with what a launch takes. `workspace_of`: bytes that it hands to the launch `then`."""

    def __init__(self, module, name, units, scratch, threads, shared, uses_scratch, workspace_of, then=None):
        self.module, self.name, self.units_of, self.scratch_of = module, name, units, scratch
        self.threads, self.shared, self.uses_scratch = threads, shared, uses_scratch
        self.workspace_of, self.then = workspace_of, then
        if shared:
            cuda.call("cuFuncSetAttribute", module.function(name), MAX_DYNAMIC_SHARED_SIZE_BYTES, shared)

    def compute(self, arrays, dims=(), shift=0):
        """All units: a block for each, or, where they use scratch, few blocks, then many. Arrays begin `shift` elements
        behind memory that is aligned."""
        units = self.units_of(dims)
        grids = {min(units, workers) for workers in WORKERS} if self.uses_scratch else {units}
        for grid in sorted(grids - {0}):
            buffers = [cuda.Buffer(np.append(np.zeros(max(shift, int(not array.size)), array.dtype), array)) for array in arrays]
            places = [ctypes.c_uint64(b.address.value + shift * b.dtype.itemsize) for b in buffers]
            if self.workspace_of:
                buffers.append(cuda.Buffer(np.empty(self.workspace_of(dims), np.uint8), isEmpty=True))
                places.append(buffers[-1])
            arguments, stride = [*places, *dims], -(-self.scratch_of(dims) // 64) * 64
            if self.uses_scratch:
                scratch = cuda.Buffer(np.full(stride * grid + 64, 0xFF, np.uint8))  # NaN
                buffers.append(scratch)
                arguments += [scratch, stride]
            for kernel in (self, *filter(None, [self.then])):
                blocks = grid if kernel is self else kernel.units_of(dims)
                if blocks:
                    self.module.launch(kernel.name, blocks, kernel.threads, *arguments, shared=kernel.shared)
            for array, buffer in zip(arrays, buffers):
                if array.size:
                    array[...] = buffer.read()[shift:].reshape(array.shape)
            for buffer in buffers:
                buffer.free()


def to_bitcode(ir, chip):
    with tempfile.NamedTemporaryFile(suffix=".bc") as file:
        run("opt", "-passes=default<O2>", "-mcpu=" + chip, "-o", file.name, text=ir)
        return open(file.name, "rb").read()


def launched(module, name, facts, lowered, then=None):
    if name not in facts:
        return None
    line = re.search(rf"llvm\.func @{name}\(.*", lowered).group()

    def number(pattern):
        found = re.search(pattern, line)
        return int(found.group(1)) if found else 0

    threads, shared = map(number, (r"maxntid = array<i32: (\d+)>", r"rt\.shared = (\d+)"))
    workspace = re.search(r"rt\.workspace = (\d+|affine_map<.*?\)>)", line)
    workspace_of = size_of(workspace.group(1)) if workspace else None
    return Launched(module, name, *facts[name], threads, shared, "rt.uses_scratch" in line, workspace_of, then)


def check_all(kinds):
    """The main program of a test: for each of `kinds`, (chip, options of nncc-nvptx-emit-kernel, cases, check), it compiles
    the cases, {name: (title, text, *rest)}, whose titles begin as the command line says. `check(kernel, *rest)` gives an
    error, or None."""
    right = count = 0
    for chip, options, cases, check in kinds:
        cases = {name: case for name, case in cases.items() if len(sys.argv) < 2 or case[0].startswith(sys.argv[1])}
        kernels = compile_kernels({name: case[1] for name, case in cases.items()}, chip=chip, options=options)
        for name, (title, _, *rest) in cases.items():
            wrong = check(kernels[name], *rest)
            if wrong:
                print(f"{title}: {wrong}")
            right, count = right + (wrong is None), count + 1
    print(f"{right} of {count} kernels are right")
    return right < count or not count


def compile_kernels(texts, lower=lambda text: text, chip=CHIP, options=OPTIONS):
    """{name: function text} -> {name: Launched}; `options` of nncc-nvptx-emit-kernel"""
    cuda.start()
    kernels, names = {}, list(texts)
    for first in range(0, len(names), KERNELS_AT_ONCE):
        some = names[first : first + KERNELS_AT_ONCE]
        scheduled, facts = schedule(lower("\n".join(texts[name] for name in some)), SCHEDULE.replace("OPTIONS", options))
        lowered = inline_maps(run(OPT, "--pass-pipeline=" + TARGET, text=scheduled))
        module = cuda.Module(to_bitcode(TRIPLE + to_llvm(lowered), chip))
        for name in some:
            then = launched(module, name + "_results", facts, lowered)
            kernels[name] = launched(module, name, facts, lowered, then)
    return kernels
