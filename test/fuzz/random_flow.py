#!/usr/bin/env python3
"""Random programs of branches, loops and scans in each other: they must give what ONNX Runtime gives.

  random_flow.py NNCC [--count=N] [--seed=N] [--only=I] [--keep=FOLDER]

All values are float32 [n], n being open; states of loops may grow. Each program has a seed of its
own: --only=I repeats one.
"""
import argparse
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

node = helper.make_node


def value(name, shape=("?",), element=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, element, shape)


class Program:
    """Grows one graph after the other; what is visible inside is what is visible around it."""

    def __init__(self, rng):
        self.rng = rng
        self.names = 0

    def name(self):
        self.names += 1
        return f"v{self.names}"

    def pick(self, values):
        """Often the newest one, so that programs are deep."""
        return values[-1] if self.rng.random() < 0.4 else self.rng.choice(values)

    def arithmetic(self, values):
        kind = self.rng.choice(("Neg", "Abs", "Tanh", "Sum", "Max", "Scaled"))
        result = self.name()
        if kind in ("Neg", "Abs", "Tanh"):
            return [node(kind, [self.pick(values)], [result])], result
        # Values have different lengths: one of them counts by its sum.
        total = self.name()
        reduced = node("ReduceSum", [self.pick(values)], [total], keepdims=0)
        kind = {"Sum": "Add", "Max": "Max", "Scaled": "Sub"}[kind]
        bounded = self.name()
        return [reduced, node("Tanh", [total], [bounded]), node(kind, [self.pick(values), bounded], [result])], result

    def condition(self, values):
        """Whether a sum is above a bound, which it hardly meets by rounding."""
        total, zero, result = self.name(), self.name(), self.name()
        return [
            node("ReduceSum", [self.pick(values)], [total], keepdims=0),
            node("Constant", [], [zero], value_float=0.0371),
            node("Greater", [total, zero], [result]),
        ], result

    def branch(self, values, depth, count):
        nodes, own = self.statements(list(values), depth)
        outputs = [self.pick(own) for _ in range(count)]
        copies = [self.name() for _ in outputs]
        nodes += [node("Identity", [o], [c]) for o, c in zip(outputs, copies)]
        return helper.make_graph(nodes, "branch", [], [value(c) for c in copies])

    def if_else(self, values, depth):
        nodes, condition = self.condition(values)
        results = [self.name() for _ in range(self.rng.randint(1, 3))]
        graphs = [self.branch(values, depth - 1, len(results)) for _ in range(2)]
        nodes.append(node("If", [condition], results, then_branch=graphs[0], else_branch=graphs[1]))
        return nodes, results

    def loop(self, values, depth):
        trip, true = self.name(), self.name()
        count = self.rng.choice((0, 1, 2, 3, 4))
        nodes = [
            node("Constant", [], [trip], value=numpy_helper.from_array(np.array(count))),
            node("Constant", [], [true], value=numpy_helper.from_array(np.array(True))),
        ]
        if self.rng.random() < 0.5:
            nodes, trip = self.length(values, nodes)
        states = [self.pick(values) for _ in range(self.rng.randint(1, 3))]
        inside = [self.name() for _ in states]
        i, on = self.name(), self.name()
        body, own = self.statements([*values, *inside], depth - 1)
        if self.rng.random() < 0.5:
            more, go = self.condition(own)
            body += more
        else:
            go = self.name()
            body.append(node("Identity", [on], [go]))
        following = [self.name() for _ in states]
        for name in following:
            grows = self.rng.random() < 0.3
            sources = [self.pick(own) for _ in range(2 if grows else 1)]
            body.append(node("Concat", sources, [name], axis=0) if grows else node("Identity", sources, [name]))
        # What is collected must keep its size: a sum.
        element = self.name()
        body.append(node("ReduceSum", [self.pick(own)], [element], keepdims=0))
        graph = helper.make_graph(
            body, "body",
            [value(i, [], TensorProto.INT64), value(on, [], TensorProto.BOOL), *map(value, inside)],
            [value(go, [], TensorProto.BOOL), *map(value, following), value(element, [])],
        )
        results = [self.name() for _ in range(len(states) + 1)]
        nodes.append(node("Loop", [trip, true, *states], results, body=graph))
        return nodes, results

    def length(self, values, nodes):
        """How often: what a run computes, at most 4."""
        size, four, trip = self.name(), self.name(), self.name()
        return nodes + [
            node("Size", [self.pick(values)], [size]),
            node("Constant", [], [four], value=numpy_helper.from_array(np.array(4))),
            node("Min", [size, four], [trip]),
        ], trip

    def scan(self, values, depth):
        states = [self.name() for _ in range(self.rng.randint(0, 2))]
        start, total = self.name(), self.name()
        nodes = [node("ReduceSum", [self.pick(values)], [total], keepdims=0), node("Tanh", [total], [start])]
        element = self.name()
        body, following = [], []
        known = [*states, element]
        for name in [*(self.name() for _ in states), self.name()]:
            mixed = self.name()
            body += [node("Sub", [self.rng.choice(known), self.rng.choice(known)], [mixed]), node("Tanh", [mixed], [name])]
            following.append(name)
        graph = helper.make_graph(body, "scan", [value(n, []) for n in known], [value(n, []) for n in following])
        results = [self.name() for _ in following]
        nodes.append(node("Scan", [start] * len(states) + [self.pick(values)], results, body=graph,
                          num_scan_inputs=1, scan_input_directions=[self.rng.randint(0, 1)]))  # fmt: skip
        return nodes, results[-1:]

    def statements(self, values, depth):
        """(nodes, values afterwards)"""
        nodes = []
        for _ in range(self.rng.randint(1, 4)):
            kind = self.rng.random()
            if depth and kind < 0.3:
                more, results = self.if_else(values, depth)
            elif depth and kind < 0.55:
                more, results = self.loop(values, depth)
            elif depth and kind < 0.65:
                more, results = self.scan(values, depth)
            else:
                more, result = self.arithmetic(values)
                results = [result]
            nodes += more
            values = values + results
        return nodes, values

    def model(self):
        inputs = ["x", "y"]
        nodes, values = self.statements(inputs, 3)
        outputs = [self.name() for _ in range(3)]
        nodes += [node("Identity", [self.pick(values)], [o]) for o in outputs]
        graph = helper.make_graph(nodes, "g", [value("x", ["n"]), value("y", ["m"])], [value(o, ["?"]) for o in outputs])
        for output in graph.output:  # each of its own size
            output.type.tensor_type.shape.dim[0].dim_param = output.name
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def check(nncc_path, seed, folder):
    """What is wrong with program `seed`; empty if nothing is. None: ONNX Runtime does not run it."""
    import nncc

    model = Program(random.Random(seed)).model()
    path, library = os.path.join(folder, f"{seed}.onnx"), os.path.join(folder, f"{seed}.so")
    onnx.save(model, path)
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 4
    reference = onnxruntime.InferenceSession(path, quiet, providers=["CPUExecutionProvider"])
    compiled = subprocess.run([nncc_path, path, "-o", library], capture_output=True, text=True, timeout=60)
    if compiled.returncode:
        return f"exit {compiled.returncode}: {compiled.stderr[:500]}"
    loaded = nncc.Model(library, threads=2)
    ran = False
    for n, m in ((3, 2), (1, 1), (5, 40), (3, 2)):
        rng = np.random.default_rng(n)
        feeds = {"x": rng.standard_normal(n).astype(np.float32), "y": rng.standard_normal(m).astype(np.float32)}
        try:
            wanted = reference.run(None, feeds)
        except Exception:  # it says of its own what it cannot do, such as a scan of nothing
            continue
        ran = True
        for got, want in zip(loaded.run(feeds).values(), wanted):
            if got.shape != want.shape:
                return f"n={n} m={m}: shape {got.shape}, expected {want.shape}"
            if not np.allclose(got, want, rtol=1e-4, atol=1e-4):
                return f"n={n} m={m}: {got.ravel()[:8]}, expected {want.ravel()[:8]}"
    return "" if ran else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nncc")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int)
    parser.add_argument("--keep")
    args = parser.parse_args()
    sys.path.insert(0, str(Path(args.nncc).resolve().parent.parent / "lib" / "python"))
    failures = skipped = 0
    seeds = range(args.seed, args.seed + args.count) if args.only is None else [args.only]
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            wrong = check(args.nncc, seed, args.keep or folder)
            skipped += wrong is None
            if wrong:
                failures += 1
                print(f"--only={seed}: {wrong}")
    print(f"{len(seeds) - failures - skipped} programs right, {failures} wrong, {skipped} that ONNX Runtime refuses")
    return 1 if failures or skipped == len(seeds) else 0


if __name__ == "__main__":
    sys.exit(main())
