#!/usr/bin/env python3
"""check_mutations.py NNCC: whether each barrier of each class of kernels is needed, and missed.

Compiles a model for each class and hands it to test/gpu-emulator/mutate.py, which takes out one
synchronisation after the other: the emulator has to report it. LD_LIBRARY_PATH has the emulator.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

ROOT = Path(__file__).resolve().parents[3]
MUTATE = ROOT / "test/gpu-emulator/mutate.py"


class Graph:
    """One input of f32, or of another type, and nodes one after the other."""

    def __init__(self, *shape: int, element=np.float32):
        self.element = element
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(element))
        self.inputs = [helper.make_tensor_value_info("x", kind, shape)]
        self.nodes, self.constants, self.last = [], [], "x"

    def weights(self, *shape: int) -> str:
        values = np.random.default_rng(len(self.constants)).standard_normal(shape)
        return self.constant(values.astype(self.element))

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


def matmul(rows=70, depth=100, columns=130, element=np.float32) -> Graph:
    graph = Graph(rows, depth, element=element)
    return graph.node("MatMul", graph.weights(depth, columns))


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
    "matmul of f16": lambda: matmul(70, 200, 136, np.float16),
    "matmul of f16 in the largest tiles": lambda: matmul(2048, 144, 1280, np.float16),
    "scatter": scatter,
    "softmax of rows": lambda: Graph(9, 200).node("Softmax"),
    "softmax of one row": lambda: Graph(1, 5000).node("Softmax"),
    "sum of all": lambda: Graph(2, 3, 2500).node("ReduceSum"),
}  # fmt: skip


def main() -> int:
    nncc, failed = sys.argv[1], 0
    for name, make in MODELS.items():
        with tempfile.TemporaryDirectory(prefix="nncc-mutations-") as folder:
            model, library = Path(folder) / "m.onnx", Path(folder) / "m.so"
            make().save(model)
            subprocess.run([nncc, "compile", str(model), "-o", str(library), "--target=nvptx:sm_90a",
                            "--gpu-images=bitcode"], check=True)  # fmt: skip
            run = subprocess.run([sys.executable, str(MUTATE), nncc, "run", str(library), "--random"],
                                 capture_output=True, text=True)  # fmt: skip
        lines = run.stdout.splitlines()
        failed += run.returncode != 0
        print(f"{'FAIL' if run.returncode else 'ok  '} {name}: {lines[-1] if lines else run.stderr}",
              flush=True)
        for line in lines:
            if "REDUNDANT" in line:
                print(f"     {line}")
    print(f"{len(MODELS) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
