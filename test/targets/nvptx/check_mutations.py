#!/usr/bin/env python3
"""check_mutations.py NNCC: whether each barrier of each class of kernels is needed, and missed.

Compiles a model for each class and hands it to test/gpu-emulator/mutate.py, which takes out one
synchronisation after the other: the emulator has to report it. So do products of matrices in 16
bits by check_contracts.py, which runs them with buffers that are aligned and with others.
LD_LIBRARY_PATH has the emulator.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).resolve().parents[3]
MUTATE = ROOT / "test/gpu-emulator/mutate.py"


class Graph:
    """One input of f32 and nodes one after the other."""

    def __init__(self, *shape: int):
        self.inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
        self.nodes, self.constants, self.last = [], [], "x"

    def weights(self, *shape: int) -> str:
        values = np.random.default_rng(len(self.constants)).standard_normal(shape).astype(np.float32)
        return self.constant(values)

    def constant(self, values) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(values), f"c{len(self.constants)}"))
        return self.constants[-1].name

    def node(self, op: str, *inputs: str, outputs: int = 1, **attributes) -> "Graph":
        names = [f"{op}{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, [self.last, *inputs], names, **attributes))
        self.last = names[0]
        return self

    def save(self, path: Path):
        result = onnx.ValueInfoProto(name=self.last)
        graph = helper.make_graph(self.nodes, "g", self.inputs, [result], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=10)
        onnx.save(onnx.shape_inference.infer_shapes(model), path)


def attention() -> Graph:
    graph = Graph(1, 2, 40, 16)
    return graph.node("Attention", graph.weights(1, 2, 70, 16), graph.weights(1, 2, 70, 24))


def conv() -> Graph:
    graph = Graph(1, 16, 9, 9)
    return graph.node("Conv", graph.weights(24, 16, 3, 3), pads=[1, 1, 1, 1])


def layer_norm() -> Graph:
    graph = Graph(6, 300)
    return graph.node("LayerNormalization", graph.weights(300), graph.weights(300))


def lstm() -> Graph:
    graph = Graph(5, 2, 8)
    return graph.node("LSTM", graph.weights(1, 80, 8), graph.weights(1, 80, 20), hidden_size=20)


def matmul() -> Graph:
    graph = Graph(70, 100)
    return graph.node("MatMul", graph.weights(100, 130))


def scatter() -> Graph:
    graph = Graph(12, 8)
    rows = graph.constant(np.array([[1], [7], [1]], np.int64))
    return graph.node("ScatterND", rows, graph.weights(3, 8), reduction="add")


MODELS = {
    "attention": attention,
    "conv": conv,
    "layer_norm": layer_norm,
    "lstm": lstm,
    "matmul": matmul,
    "scatter": scatter,
    "softmax of rows": lambda: Graph(9, 200).node("Softmax"),
    "softmax of one row": lambda: Graph(1, 5000).node("Softmax"),
    "sum of all": lambda: Graph(2, 3, 2500).node("ReduceSum"),
}  # fmt: skip


# Filters of check_contracts.py, and schedules.
CONTRACTS = {
    "matmul of f16": ("f16 70 x 320 x 136", []),
    "matmul of f16 in the largest tiles": ("f16 1900 x 168 x 1704", ["--schedules", "forward"]),
}


def mutate(name: str, *command: str) -> bool:
    """Whether a synchronisation is not missed."""
    run = subprocess.run([sys.executable, str(MUTATE), *command], capture_output=True, text=True)
    lines = run.stdout.splitlines()
    print(f"{'FAIL' if run.returncode else 'ok  '} {name}: {lines[-1] if lines else run.stderr}",
          flush=True)  # fmt: skip
    for line in lines:
        if "REDUNDANT" in line:
            print(f"     {line}")
    return run.returncode != 0


def main() -> int:
    nncc, failed = sys.argv[1], 0
    for name, make in MODELS.items():
        with tempfile.TemporaryDirectory(prefix="nncc-mutations-") as folder:
            model, library = Path(folder) / "m.onnx", Path(folder) / "m.so"
            make().save(model)
            subprocess.run([nncc, "compile", str(model), "-o", str(library), "--target=nvptx:sm_90a",
                            "--gpu-images=bitcode"], check=True)  # fmt: skip
            failed += mutate(name, nncc, "run", str(library), "--random")
    for name, (contract, schedules) in CONTRACTS.items():
        check = str(ROOT / "test/targets/nvptx/check_contracts.py")
        failed += mutate(name, *schedules, sys.executable, check, contract)
    print(f"{len(MODELS) + len(CONTRACTS) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
