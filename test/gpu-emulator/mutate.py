#!/usr/bin/env python3
"""mutate.py COMMAND...: takes out one synchronisation after the other.

Runs the command, which runs kernels on the emulator (LD_LIBRARY_PATH has it already) and has to
succeed. Each launch is repeated without each barrier, order of a warp, commit and wait of its
kernel: Mutation.h. What nobody misses is printed as redundant, what no launch comes to is counted.
Exits with 0 where every site that some launch came to was missed, else with 1.
"""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Site:
    """A synchronisation of a kernel's code."""

    kernel: str  # the first of its name
    number: int
    intrinsic: str
    reached: bool = False
    report: str = ""

    def __str__(self) -> str:
        state = "not reached" if not self.reached else "REDUNDANT: nobody misses it"
        return f"{self.kernel}:{self.number} {self.intrinsic}: {self.report or state}"


def read(findings: Path) -> list[Site]:
    """Of the file that the emulator writes."""
    sites: dict[tuple[str, str], Site] = {}
    for line in findings.read_text().splitlines() if findings.exists() else []:
        content, number, what, intrinsic, kernel, report = line.split("\t")
        site = sites.setdefault((content, number), Site(kernel, int(number), intrinsic))
        site.reached |= what != "there"
        site.report = site.report or report
    return list(sites.values())


def summary(sites: list[Site]) -> str:
    redundant = sum(site.reached and not site.report for site in sites)
    unreached = sum(not site.reached for site in sites)
    return f"{len(sites)} sites, {redundant} redundant, {unreached} not reached"


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        findings = Path(folder) / "findings"
        run = subprocess.run(
            sys.argv[1:], capture_output=True, text=True,
            env={**os.environ, "NNCC_EMULATOR_MUTATIONS": str(findings)})  # fmt: skip
        if run.returncode:
            print(f"{run.stderr}\nmutate: the command fails", file=sys.stderr)
            return 1
        sites = read(findings)
    for site in sites:
        print(site)
    print(summary(sites))
    return int(any(site.reached and not site.report for site in sites))


if __name__ == "__main__":
    sys.exit(main())
