#!/usr/bin/env python3
"""Mutated IR: what --stop-after wrote, changed at random, must compile or be refused with a message.

  mutate_ir.py NNCC [--count=N] [--seed=N] [--only=I] [--stage=NAME]

Mutations are those of somebody who edits the text: other numbers, sizes, types, operations and
operands, attributes and lines left out. Each has a seed of its own: --only=I repeats one, and leaves
it in the folder.
"""
import argparse
import os
import random
import re
import subprocess
import sys
import tempfile

import base_models
import harness

STAGES = ("import", "graph", "kernels", "schedule", "program", "target")
NUMBERS = ("0", "1", "-1", "2", "7", "64", "4096", "2147483648", "9223372036854775807", "-9223372036854775808")
NUMBER = re.compile(r"(?<![%\w.#\"-])-?\d+\b(?!\.)")
SIZE = re.compile(r"(?<=[<x])\d+(?=x)")
ATTRIBUTE = re.compile(r"\b[\w.]+ = (?:\[[^\]]*\]|<[^>]*>|[^,{}<>]+)(?:, )?(?=[^{}]*\})")
MNEMONIC = re.compile(r"\b[a-z]+\.[a-z_]+\b")


def change_match(pattern, lines, rng, replace):
    """Replaces one match of the pattern, in one of the lines that have one."""
    places = [i for i, line in enumerate(lines) if pattern.search(line)]
    if places:
        at = rng.choice(places)
        match = rng.choice(list(pattern.finditer(lines[at])))
        lines[at] = lines[at][: match.start()] + replace(match.group()) + lines[at][match.end() :]


def other_number(rng):
    return lambda text: rng.choice((*NUMBERS, str(int(text) + 1), str(int(text) - 1), str(int(text) * 2)))


def change_number(lines, rng):
    """Any number that is not a part of a name or type: attributes, indices, constants."""
    change_match(NUMBER, lines, rng, other_number(rng))


def change_program_number(lines, rng):
    """The same in the lines that say much in few numbers."""
    important = [i for i, line in enumerate(lines) if re.search(r"\brt\.|\bkern\.|attributes|#map", line)]
    part = [lines[i] for i in important]
    change_match(NUMBER, part, rng, other_number(rng))
    for i, line in zip(important, part):
        lines[i] = line


def change_size(lines, rng):
    """One size wherever it occurs in a type, so that types still agree."""
    sizes = sorted({size for line in lines for size in SIZE.findall(line)})
    if sizes:
        old, new = rng.choice(sizes), rng.choice(("0", "1", "2", "3", "17", "?", "1000000007"))
        lines[:] = [re.sub(rf"(?<=[<x]){old}(?=x)", new, line) for line in lines]


def change_operation(lines, rng):
    """Another operation of the same dialect."""
    names = sorted({name for line in lines for name in MNEMONIC.findall(line)})
    same = lambda text: [n for n in names if n.split(".")[0] == text.split(".")[0]]
    change_match(MNEMONIC, lines, rng, lambda text: rng.choice(same(text)))


def drop_attribute(lines, rng):
    change_match(ATTRIBUTE, lines, rng, lambda text: "")


def change_element(lines, rng):
    """One element type, wherever it occurs."""
    old, new = rng.sample(("f32", "f64", "i64", "i32", "i1", "f16", "index"), 2)
    lines[:] = [re.sub(rf"(?<=x){old}\b", new, line) for line in lines]


def swap_operands(lines, rng):
    value = re.compile(r"(?<=[(, ])%[\w.]+(?=[,) ])")
    places = [i for i, line in enumerate(lines) if len(value.findall(line)) > 1]
    if places:
        at = rng.choice(places)
        a, b = rng.sample(list(value.finditer(lines[at])), 2)
        lines[at] = lines[at][: a.start()] + b.group() + lines[at][a.end() :]


def drop_line(lines, rng):
    del lines[rng.randrange(len(lines))]


MUTATIONS = (change_number,) * 3 + (change_program_number,) * 5 + (change_size,) * 2 + (
    change_operation, drop_attribute, drop_attribute, change_element, swap_operands, drop_line)  # fmt: skip


def write_sources(nncc, folder):
    """{stage: [path]} of IR that is right."""
    paths = {stage: [] for stage in STAGES}
    for name, model in (
        ("cnn", base_models.cnn()), ("attention", base_models.attention()), ("flow", base_models.flow())
    ):
        source = os.path.join(folder, name + ".onnx")
        with open(source, "wb") as file:
            file.write(model.SerializeToString())
        for stage in STAGES:
            path = os.path.join(folder, f"{name}-{stage}.mlir")
            subprocess.run([nncc, source, f"--stop-after={stage}", "-o", path], check=True)
            paths[stage].append(path)
    return paths


def mutate(text, seed):
    """The text after one to three mutations; locations, which say nothing, are left out."""
    rng = random.Random(seed)
    text = re.sub(r" loc\((?:[^()]|\([^()]*\))*\)", "", text)
    lines = [line for line in text.splitlines() if not line.startswith("#loc")]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        rng.choice(MUTATIONS)(lines, rng)
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nncc")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    parser.add_argument("--stage", choices=STAGES)
    options = parser.parse_args()
    failures, ends = 0, {}
    with tempfile.TemporaryDirectory() as folder:
        paths = write_sources(options.nncc, folder)
        for i in range(options.count) if options.only is None else [options.only]:
            stage = options.stage or STAGES[i % len(STAGES)]
            source = paths[stage][i // len(STAGES) % len(paths[stage])]
            with open(source) as file:
                text = mutate(file.read(), f"{options.seed} {i}")
            path = os.path.join(folder, "mutant.mlir") if options.only is None else "mutant.mlir"
            with open(path, "w") as file:
                file.write(text)
            if os.path.exists(source + ".weights"):
                weights = path + ".weights"
                if os.path.lexists(weights):
                    os.remove(weights)
                os.link(source + ".weights", weights)
            code, said = harness.run([options.nncc, path, "-o", "mutant.so"], folder=folder)
            ends[code] = ends.get(code, 0) + 1
            if why := harness.fault(code, said):
                failures += 1
                print(f"FAIL {i} ({os.path.basename(source)}): {why}")
    print(", ".join(f"{n} {harness.CODES.get(code, code)}" for code, n in sorted(ends.items(), key=str)))
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
