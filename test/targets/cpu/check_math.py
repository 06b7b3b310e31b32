"""The errors that nncc-cpu-approximate-math states, measured: check_math.py [--exhaustive] [FUNCTION...]

Kernels of one function each, for AVX-512 (where this machine has it) and for AVX2, are compared with
libm in f64; both have to give the same bits. Usually each function gets a few million arguments: every
1021st float, and those beside powers of two and beside the places where an expansion changes its course.
With --exhaustive, or as `ctest -C long -L long`, it gets all 2^32 floats (pow: 2^30 pairs): half a minute for each
function on an idle machine.

The bounds are those of the table in Passes.td. An argument that is stated there has to come within a
tenth of its bound, so that none is far too large."""

import argparse
import ctypes
import math
import os
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from kernel_runner import compile_kernels, run
from kernel_text import Kernel

HERE = Path(__file__).resolve().parent
PASSES = HERE.parents[2] / "targets" / "cpu" / "Passes.td"
CHUNK = 1 << 16  # arguments of one call
STRIDE = 1021
PAIRS = 1 << 22, 1 << 30  # of pow: usually, exhaustively
OPERATIONS = {"pow": "math.powf %x0, %x1 : f32", "exp_normal": "math.exp %x0 fastmath<ninf, afn> : f32"}
# Where expansions clamp, take another polynomial or another formula; and where results end.
BREAKPOINTS = [1, 2, 3, 3.93, 4, 5, 8, 9, 10, 20, 0.5, 0.75, 0.8, 0.84375, 0.95, 1.25, 1 / 0.35, 3.75, 7.99881172, 10.0542,
               87.3365, 88, 88.7228, 89, 89.4159, 90, 103.279, 103.972, 105, 126, 127, 128, 129, 149, 150, 151, math.sqrt(0.5),
               math.sqrt(2), *(n * math.pi / 4 for n in range(1, 9))]  # fmt: skip
SPECIAL = np.array([0, 1, 2, 3, 0.5, 1.5, 2.5, 1e-45, 1e-40, 2.0**-126, 0.99999994, 1.0000001, 10, 127, 128, 149, 2.0**23,
                    2.0**24, 2.0**24 + 2, 2.0**31, 2.0**100, 3.4028235e38, np.inf, np.nan], np.float32)  # fmt: skip


def bounds():
    """{function: (bound of the error, arguments that come near it)} of the table in Passes.td"""
    rows = re.findall(r"^ *\| (\w+) \| ([\d.]+) \| (.*?) \|$", PASSES.read_text(), re.M)
    return {name: (float(bound), [float.fromhex(x) for x in at.split(", ")]) for name, bound, at in rows}


def kernel_text(name):
    kernel = Kernel()
    inputs = [kernel.argument((CHUNK,)) for _ in range(2 if name == "pow" else 1)]
    operation = OPERATIONS.get(name, f"math.{name} %x0 : f32")
    return kernel.text(name, kernel.elementwise(inputs, [f"%r = {operation}"]))


def processors():
    levels = ["x86-64-v3"]
    if "avx512vl" in Path("/proc/cpuinfo").read_text():
        levels.insert(0, "x86-64-v4")
    return levels


def judges(names):
    """{function: errors_<function> of math_errors.c}"""
    with tempfile.TemporaryDirectory(prefix="math") as folder:
        library = Path(folder, "errors.so")
        options = ["-O3", "-march=native", "-mprefer-vector-width=512", "-fPIC", "-shared"]
        run("clang", *options, HERE / "math_errors.c", "-lmvec", "-lm", "-o", library)
        loaded = ctypes.CDLL(str(library))
    functions = {name: getattr(loaded, f"errors_{name}") for name in names}
    for function in functions.values():
        function.restype = ctypes.c_double
    return functions


class Function:
    """The kernels of one function, one for each processor, and the greatest error so far."""

    def __init__(self, name, kernels, judge):
        self.name, self.kernels, self.judge = name, kernels, judge
        self.error, self.at, self.different = -1.0, [], None

    def measure(self, *arguments):
        """Of CHUNK arguments, or pairs of them."""
        results = []
        for kernel in self.kernels:
            results.append(np.empty(CHUNK, np.float32))
            kernel.bind([*arguments, results[-1]])()
        got, at = results[0], ctypes.c_int64()
        for other in results[1:]:
            same = got.view(np.int32) == other.view(np.int32)
            if not same.all() and not (same := same | np.isnan(got) & np.isnan(other)).all():
                self.different = [float(a[same.argmin()]) for a in arguments]
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in (arguments[0], arguments[-1], got)]
        error = self.judge(*pointers, ctypes.c_int64(CHUNK), ctypes.byref(at))
        return error, [float(a[at.value]) for a in arguments]

    def measure_all(self, chunks):
        """`chunks`: functions that give the arguments of a call of measure."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for error, at in pool.map(lambda chunk: self.measure(*chunk()), chunks):
                if error > self.error:
                    self.error, self.at = error, at


def padded(values):
    """Chunks of all `values`."""
    values = np.concatenate([values, np.repeat(values[-1:], -len(values) % CHUNK)])
    return [values[i : i + CHUNK] for i in range(0, len(values), CHUNK)]


def strided():
    """Some floats of every kind."""
    marks = np.concatenate([np.array(BREAKPOINTS, np.float32), np.exp2(np.arange(-149, 128, dtype=np.float32)), SPECIAL])
    beside = marks.view(np.uint32)[:, None] + np.arange(-64, 65, dtype=np.int64)
    beside = beside[beside >= 0].astype(np.uint32)
    codes = np.concatenate([np.arange(0, 1 << 32, STRIDE, np.uint32), beside, beside | np.uint32(1 << 31)])
    return codes.view(np.float32)


def pairs(seed):
    """Arguments of pow: floats of any kind, then those whose powers are mostly numbers; with the
    first seed all pairs of special ones."""
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 1 << 32, (2, CHUNK), np.uint32).view(np.float32)
    most = CHUNK // 8 * 7
    exponents = rng.uniform(-160, 135, most)  # of the results
    with np.errstate(all="ignore"):
        bases = np.exp2(rng.normal(0, 1, most) * np.exp2(rng.integers(-24, 7, most))).astype(np.float32)
        y[:most] = exponents / np.log2(bases.astype(np.float64))
    x[:most] = bases
    x[: most // 16] *= -1
    y[: most // 16] = np.round(y[: most // 16])
    if seed == 0:
        both = np.concatenate([SPECIAL, -SPECIAL])
        x[: len(both) ** 2], y[: len(both) ** 2] = np.repeat(both, len(both)), np.tile(both, len(both))
    return x, y


def chunks_of(name, exhaustive):
    if name == "pow":
        return [lambda seed=seed: pairs(seed) for seed in range(PAIRS[exhaustive] // CHUNK)]
    if not exhaustive:
        values = strided()
        if name == "exp_normal":  # it is for those that are not positive
            values = values[~(values > 0)]
        return [lambda chunk=chunk: [chunk] for chunk in padded(values)]
    codes, all_of = np.arange(CHUNK, dtype=np.uint32), range(1 << 31 if name == "exp_normal" else 0, 1 << 32, CHUNK)
    return [lambda first=first: [(codes + np.uint32(first)).view(np.float32)] for first in all_of]


def complaints(function, bound, stated):
    if function.different:
        yield f"two processors differ at {hexadecimal(function.different)}"
    if function.error > bound:
        yield f"the error is greater than the bound of {bound}"
    error, _ = function.measure(*(np.full(CHUNK, x, np.float32) for x in stated))
    if error < 0.9 * bound:
        yield f"the bound is {bound}, the error at {hexadecimal(stated)} {error:.3f}"


def hexadecimal(arguments):
    return ", ".join(re.sub(r"0+p", "p", x.hex()) for x in arguments)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("functions", nargs="*", metavar="FUNCTION")
    parser.add_argument("--exhaustive", action="store_true", help="all floats")
    args = parser.parse_args()
    stated = bounds()
    if unknown := set(args.functions) - set(stated):
        parser.error(f"no function named {', '.join(sorted(unknown))}; there are {', '.join(stated)}")
    names = args.functions or list(stated)
    texts = {name: kernel_text(name) for name in names}
    compiled = [compile_kernels(texts, processor=processor) for processor in processors()]
    judge, wrong = judges(names), 0
    for name in names:
        function = Function(name, [kernels[name] for kernels in compiled], judge[name])
        function.measure_all(chunks_of(name, args.exhaustive))
        found = list(complaints(function, *stated[name]))
        wrong += bool(found)
        print(f"{name:10} {function.error:6.3f} at {hexadecimal(function.at):32} {'; '.join(found)}", flush=True)
    print(f"{len(names) - wrong} of {len(names)} functions are as stated, on {' and '.join(processors())}")
    return bool(wrong) or not names


if __name__ == "__main__":
    sys.exit(main())
