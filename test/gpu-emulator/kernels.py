"""The kernels of this folder, assembled, and a program that runs some of them: kernels.py NAME."""

import subprocess
import sys
from pathlib import Path

import numpy

import cuda

FOLDER = Path(__file__).resolve().parent / "kernels"


def assemble(text: str) -> bytes:
    """The bitcode of a module in text."""
    return subprocess.run(["llvm-as", "-o", "-", "-"], input=text.encode(), stdout=subprocess.PIPE,
                          check=True).stdout  # fmt: skip


def load(name: str) -> cuda.Module:
    return cuda.Module(assemble((FOLDER / f"{name}.ll").read_text()))


def reduce(kernel: str) -> None:
    """Sums of 40 rows of 256."""
    rows = numpy.random.default_rng(0).integers(-9, 9, (40, 256)).astype("f4")
    source, sums = cuda.Buffer(rows), cuda.Buffer(numpy.zeros(40, "f4"))
    load("reduction").launch(kernel, 40, 256, source, sums)
    assert (sums.read() == rows.sum(1)).all()


def buffered() -> None:
    """Asynchronous copies of 5 tiles."""
    tiles = numpy.random.default_rng(0).integers(-9, 9, (5, 256)).astype("i4")
    source, sums = cuda.Buffer(tiles), cuda.Buffer(numpy.zeros(256, "i4"))
    load("async").launch("buffered", 1, 256, source, sums, 5)
    assert (sums.read() == tiles.sum(0)[::-1]).all()


def hand_over() -> None:
    """Copies that another warp waits for at an object."""
    words = numpy.arange(100, 132, dtype="i4")
    source, taken = cuda.Buffer(words), cuda.Buffer(numpy.zeros(32, "i4"))
    load("mbarrier").launch("hand_over", 1, 64, source, taken)
    assert (taken.read() == words[::-1]).all()


PROGRAMS = {
    "reduce": lambda: reduce("reduce"),
    "tree": lambda: reduce("tree"),
    "buffered": buffered,
    "hand_over": hand_over,
}

if __name__ == "__main__":
    cuda.start()
    PROGRAMS[sys.argv[1]]()
