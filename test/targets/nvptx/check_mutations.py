#!/usr/bin/env python3
"""check_mutations.py NNCC [--all] [--filter REGEX] [-j N] [-v]: whether each barrier, wait and commit of kernels is
needed, and missed.

Runs programs that run kernels on the emulator, which LD_LIBRARY_PATH has, and lets it repeat each
launch without one of the kernel's synchronisations after the other (test/gpu-emulator/Mutation.h).
Kernels with the same code are looked at once in a program. By default these are the tests of single
kernels, rows of operators and the smaller models of check_models.py; with --all every row and all of
these models.

A synchronisation that nobody misses fails, but for those that REDUNDANT counts; with --all only the
programs that it names are judged, the others are shown.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from check_models import EMULATED, MODELS

HERE = Path(__file__).resolve().parent
TEST = HERE.parents[1]
sys.path.insert(0, str(TEST / "gpu-emulator"))
import mutate  # noqa: E402

# Operators with kernels in which threads wait for each other; models that take longer than those
# that have the same kinds of kernels.
FAMILIES = ["activation", "attention", "linear", "norm", "recurrent", "reduce", "select"]
CONTRACTIONS = ["u8 s8", "dp4a", "f32", "tf32", "bf16x3", "f16 to f16"]
LARGE = ["gpt2_decode.w4", "lstm_lm", "mobilenetv2", "minilm", "crnn_ocr", "magika"]
# How many, at most, nobody misses. Sums of f16 and bf16 are staged where slices have been, behind a
# barrier: products like 130 x 200 x 129 end with a slice whose place is behind that of the sums. Of
# selections: steps of a sort of what is in order already.
REDUNDANT = {"operators linear": 2, "contractions f16 to f16": 1, "operators select": 4}


def programs(nncc: str, whole: bool) -> dict[str, list[str]]:
    """Commands by their titles, those that take longest first."""
    ops = [str(TEST / "ops/test_ops.py"), nncc, *(o.replace("--", "--option=") for o in EMULATED)]
    models = [m for m in MODELS if whole or m not in LARGE]
    families = sorted(f.stem for f in (TEST / "ops/tables").glob("*.py")) if whole else FAMILIES
    return {**{f"contractions {name}": [str(HERE / "check_contracts.py"), name + " "] for name in CONTRACTIONS},
            "attention": [str(HERE.parent / "cpu/check_attention.py"), "--gpu"],
            "attention of halves": [str(HERE / "check_attention_halves.py"), "f16:"],
            **{f"model {m}": [str(HERE / "check_models.py"), nncc, m] for m in reversed(models)},
            **{f"operators {f}": [*ops[:2], f, *ops[2:]] for f in reversed(families)}}  # fmt: skip


def problems_of(title: str, sites: list[mutate.Site], most: int | None) -> list[str]:
    """What fails, a line for each; `most` sites may be redundant, None: any number."""
    redundant = [site for site in sites if site.reached and not site.report]
    if most is None or len(redundant) <= most:
        return []
    return [f"{title}: {len(redundant)} redundant, of {most} that may be", *map(str, redundant)]


def run(command: list[str], findings: Path) -> subprocess.CompletedProcess:
    environment = {**os.environ, "NNCC_EMULATOR_MUTATIONS": str(findings)}
    return subprocess.run([sys.executable, *command], env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nncc")
    parser.add_argument("--all", action="store_true", help="every row of operators, every model")
    parser.add_argument("--filter", default="", help="only programs whose title matches")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count(), help="programs at a time")
    parser.add_argument("-v", action="store_true", help="a line for every site")
    args = parser.parse_args()
    passed = failed = 0
    commands = {title: command for title, command in programs(args.nncc, args.all).items()
                if re.search(args.filter, title)}  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="nncc-mutations-") as folder:
        files = {title: Path(folder) / f"{i}" for i, title in enumerate(commands)}
        with ThreadPoolExecutor(args.jobs) as pool:
            runs = {title: pool.submit(run, commands[title], files[title]) for title in commands}
            for title, result in ((title, runs[title].result()) for title in commands):
                sites = mutate.read(files[title])
                most = REDUNDANT.get(title, None if args.all else 0)
                problems = problems_of(title, sites, most)
                if result.returncode:
                    problems.append(result.stdout)
                print(f"{'FAIL' if problems else 'ok  '} {title}: {mutate.summary(sites)}", flush=True)
                for problem in problems or (sites if args.v else []):
                    print(f"     {problem}")
                passed, failed = passed + (not problems), failed + bool(problems)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
