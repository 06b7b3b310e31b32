#!/usr/bin/env python3
"""Mutated IR: what --stop-after wrote, changed at random, must compile or be refused with a message.

  mutate_ir.py NNCC [--count=N] [--seed=N] [--only=I] [--stage=NAME]

Mutations are those of somebody who edits the text: other numbers, names and types, lines left out,
doubled or moved. Each is made of its own seed: --only=I repeats one, and leaves it in the folder.
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
TOKENS = re.compile(r'-?\b\d+\b|%[\w$.-]+|@[\w$.-]+|"[^"\n]*"|\b[a-z]+\.[a-z_.]+\b|\b(?:f32|i64|i32|index)\b')
NUMBERS = ("0", "1", "-1", "7", "64", "4096", "2147483648", "9223372036854775807", "-9223372036854775808")


def change_token(lines, rng):
    """Another token of the same kind in one place: numbers, values, symbols, strings, operations, types."""
    for _ in range(50):
        at = rng.randrange(len(lines))
        found = list(TOKENS.finditer(lines[at]))
        if found:
            break
    else:
        return
    token = rng.choice(found)
    text = token.group()
    others = [t.group() for line in rng.sample(lines, min(len(lines), 60)) for t in TOKENS.finditer(line)]
    if re.fullmatch(r"-?\d+", text):
        others = list(NUMBERS) + [str(int(text) + rng.choice((-1, 1)))]
    else:
        others = [t for t in others if t[0] == text[0] and t != text] or others
    lines[at] = lines[at][: token.start()] + rng.choice(others or [text]) + lines[at][token.end() :]


def drop_line(lines, rng):
    del lines[rng.randrange(len(lines))]


def double_line(lines, rng):
    at = rng.randrange(len(lines))
    lines.insert(at, lines[at])


def move_line(lines, rng):
    line = lines.pop(rng.randrange(len(lines)))
    lines.insert(rng.randrange(len(lines) + 1), line)


def drop_attribute(lines, rng):
    marked = [i for i, line in enumerate(lines) if "{" in line and " = " in line]
    at = rng.choice(marked or [0])
    lines[at] = re.sub(r"[\w.]+ = [^,{}]*(, )?", "", lines[at], count=1)


MUTATIONS = (change_token,) * 6 + (drop_line, double_line, move_line, drop_attribute)


def write_sources(nncc, folder):
    """{stage: [path]} of IR that is right."""
    paths = {stage: [] for stage in STAGES}
    for name, model in (("cnn", base_models.cnn()), ("attention", base_models.attention())):
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
            print(i, os.path.basename(source), code, said[:150].replace("\n", " ")) if os.environ.get("DBG") else 0
            ends[code] = ends.get(code, 0) + 1
            if why := harness.fault(code, said):
                failures += 1
                print(f"FAIL {i} ({os.path.basename(source)}): {why}")
    print(", ".join(f"{n} {harness.CODES.get(code, code)}" for code, n in sorted(ends.items(), key=str)))
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
