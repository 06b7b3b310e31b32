"""Central kernels still reach their share of the machine's peak: check_shares.py [NAME...] [--rounds N]

Never an absolute time: bursts of a kernel lie between bursts of the multiply-adds of fma_peak.cpp (dot products
for bytes) in the same thread, and a round's share is what the kernel's best call does beside the better one of the
two, in processor time. A round is milliseconds, so that a machine that is slow, shared or changes its clock is so for
both; of the rounds the upper quartile counts, as noise mostly takes away. A kernel fails where its share is below 60 %
of SHARES, what it reaches on an idle machine: by then it has lost its vectors, its register tile or its cache blocks.
One that is below is given more rounds before it fails.

At the end the same measure has to fail code for SSE, so that the test cannot pass by mistake."""

import argparse
import ctypes
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "test" / "targets" / "cpu")]

from kernel_runner import BUILD, run  # noqa: E402

sys.path[:0] = [str(Path(BUILD, "lib", "python"))]

import nncc  # noqa: E402

# Of the peak, of whole models of one operator with what it costs them to rearrange images at their edges.
SHARES = {"conv 3x3": 0.9, "conv 1x1": 0.75, "depthwise 3x3": 0.22, "matmul": 0.95, "conv 1x1 of bytes": 0.65}
LEAST = 0.6
CALLS = 4  # of a kernel or of the reference, in a burst
RETRIES = 10
BASELINE = "x86-64-v2"  # code for it lacks the vectors of any machine with FMA

REFERENCE = """
#define main programMain
#include "fma_peak.cpp"
#undef main
constexpr double steps = double(kIterations) * kInstructions * kLanes;
extern "C" double multiplyAdds() { return multiplyAdd(), 2 * steps; }
extern "C" double dotProducts() {
#if defined(__AVX512VNNI__)
  return dotProduct(), 8 * steps;
#else
  return 0;
#endif
}
"""


def rate(call, operations=None):
    """GOP/s of the best of some calls; `operations` of each, or what it returns."""
    best = 0.0
    for _ in range(CALLS):
        begin = time.thread_time_ns()
        done = call()
        best = max(best, (operations or done) / (time.thread_time_ns() - begin))
    return best


def references(folder):
    """{kind: a burst -> GOP/s}"""
    source, library = folder / "reference.cpp", folder / "reference.so"
    source.write_text(REFERENCE)
    run("clang++", "-O3", "-march=native", "-pthread", "-fPIC", "-shared", f"-I{HERE}", source, "-o", library)
    loaded = ctypes.CDLL(str(library))
    for function in (loaded.multiplyAdds, loaded.dotProducts):
        function.restype = ctypes.c_double
    return {"f32": lambda: rate(loaded.multiplyAdds), "bytes": lambda: rate(loaded.dotProducts)}


def save(path, nodes, shape, weights, element=TensorProto.FLOAT):
    graph = helper.make_graph(
        nodes,
        "kernel",
        [helper.make_tensor_value_info("x", element, shape)],
        [helper.make_tensor_value_info("y", element, None)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())


def convolution(inputs, outputs, side, size, groups=1):
    """(nodes, shape of x, weights, element, operations)"""
    rng = np.random.default_rng(0)
    w = rng.standard_normal((outputs, inputs // groups, size, size)).astype(np.float32)
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[size // 2] * 4, group=groups)
    operations = 2 * w.size * side * side
    return [node], [1, inputs, side, side], {"w": w}, TensorProto.FLOAT, operations


def product(rows, depth, columns):
    w = np.random.default_rng(0).standard_normal((depth, columns)).astype(np.float32)
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    return [node], [rows, depth], {"w": w}, TensorProto.FLOAT, 2 * rows * w.size


def convolution_of_bytes(inputs, outputs, side):
    rng = np.random.default_rng(0)
    weights = {
        "one": np.float32(0.02), "zero": np.uint8(128), "scale": np.float32(0.01), "none": np.int8(0),
        "w": rng.integers(-127, 128, (outputs, inputs, 1, 1)).astype(np.int8), "larger": np.float32(2),
    }  # fmt: skip
    names = ["x", "one", "zero", "w", "scale", "none", "larger", "zero"]
    node = helper.make_node("QLinearConv", names, ["y"])
    operations = 2 * weights["w"].size * side * side
    return [node], [1, inputs, side, side], weights, TensorProto.UINT8, operations


KERNELS = {
    "conv 3x3": lambda: convolution(64, 64, 56, 3),
    "conv 1x1": lambda: convolution(256, 256, 28, 1),
    "depthwise 3x3": lambda: convolution(96, 96, 28, 3, groups=96),
    "matmul": lambda: product(128, 768, 768),
    "conv 1x1 of bytes": lambda: convolution_of_bytes(256, 256, 28),
}


class Subject:
    """A kernel that is compiled, on random data."""

    def __init__(self, name, folder, target="host"):
        nodes, shape, weights, element, self.operations = KERNELS[name]()
        self.kind = "f32" if element == TensorProto.FLOAT else "bytes"
        stem = f"{name.replace(' ', '_')}.{target}"
        model, library = folder / f"{stem}.onnx", folder / f"{stem}.so"
        save(model, nodes, shape, weights, element)
        run("nncc", model, "-o", library, "--target", target, "--winograd=off")
        rng = np.random.default_rng(1)
        x = rng.standard_normal(shape, dtype=np.float32)
        if self.kind == "bytes":
            x = rng.integers(0, 256, shape).astype(np.uint8)
        self.call = nncc.load(str(library), threads=1).bind([x])
        self.call()

    def share(self, peak, rounds):
        """The upper quartile of some rounds."""
        shares, before = [], peak()
        for _ in range(rounds):
            own, after = rate(self.call, self.operations), peak()
            shares.append(own / max(before, after))
            before = after
        return float(np.quantile(shares, 0.75))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(KERNELS)}")
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    if unknown := set(args.names) - set(KERNELS):
        parser.error(f"no kernel named {', '.join(sorted(unknown))}; there are {', '.join(KERNELS)}")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="nncc-shares-") as folder:
        peaks = references(Path(folder))
        for name in args.names or KERNELS:
            least = LEAST * SHARES[name]
            subject = Subject(name, Path(folder))
            peak = peaks[subject.kind]
            if not peak():
                print(f"{name:18} not measured: no dot products of bytes on this machine")
                continue
            share = subject.share(peak, args.rounds)
            for _ in range(RETRIES):  # other work may have had the machine all the time
                if share < least:
                    share = max(share, subject.share(peak, args.rounds))
            slow = Subject(name, Path(folder), BASELINE).share(peak, rounds=5)
            found = "" if share >= least else "lost speed"
            found = found or ("" if slow < least else f"code for {BASELINE} would pass")
            failed += bool(found)
            print(f"{name:18} {share:4.0%} of the peak, at least {least:.0%}; for {BASELINE} {slow:.0%} {found}", flush=True)
    print("all kernels reach their shares" if not failed else f"{failed} kernels do not reach their shares")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
