#!/usr/bin/env python3
"""The arena of whole models beside the most that lives in it: check_memory.py [NAME...]

  check_memory.py [NAME...] [--nncc PATH] [--set fast|full|all] [--batch 1,4]

No arena can be smaller than the largest set of values that live at the same time. It may be 5 %
larger, besides the spare bytes behind each value, which show where values are few and small; exit
status 1 where one is more than that. Models are compiled as far as the stage that places values
(nncc-plan-memory). One line per model and batch: bytes of both, and their ratio.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "models"))

import models  # noqa: E402
from check_models import FAST, FULL, numbers  # noqa: E402
from runner import RunError, run_command  # noqa: E402

MOST, SPARE = 1.05, 1024
SETS = {"fast": FAST, "full": FULL, "all": list(models.MANIFEST)}


def sizes(nncc, name, path, batch):
    """Bytes of the arena and of the largest live set."""
    with tempfile.TemporaryDirectory(prefix="nncc-memory-") as folder:
        program = Path(folder, "program.mlir")
        words = [nncc, "compile", path, "--stop-after=program", "-o", program]
        for tensor, shape in models.shapes(name, path, batch).items():
            if shape:
                words += ["--shape", f"{tensor}:{'x'.join(map(str, shape))}"]
        run_command(words, 600)
        text = program.read_text()
    return [int(re.search(rf"rt\.{key}_size = (\d+)", text)[1]) for key in ("arena", "live")]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="models of models.py list")
    parser.add_argument("--nncc", type=Path, default=ROOT / "build" / "bin" / "nncc")
    parser.add_argument("--set", choices=tuple(SETS), default="fast")
    parser.add_argument("--batch", type=numbers, default=[1, 4], metavar="N,N")
    parser.add_argument("--dir", type=Path, default=models.CACHE, help="model cache")
    args = parser.parse_args()
    failed = 0
    print(f"{'model':18} batch       arena    live set   ratio")
    for name in args.names or SETS[args.set]:
        entry = models.entry(name)
        for batch in [entry.dims["batch"]] if entry.fixed else args.batch:
            try:
                arena, live = sizes(args.nncc, name, models.get(name, args.dir, batch), batch)
            except RunError as error:
                failed += 1
                print(f"{name:18} {batch:5}  FAILED {error}", flush=True)
                continue
            ratio = arena / live if live else 1.0
            is_large = arena > MOST * live + SPARE
            failed += is_large
            mark = f"  more than {MOST}" if is_large else ""
            print(f"{name:18} {batch:5} {arena:11} {live:11}  {ratio:6.3f}{mark}", flush=True)
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
