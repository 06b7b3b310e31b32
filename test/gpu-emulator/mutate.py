#!/usr/bin/env python3
"""mutate.py [--schedules S,S,...] COMMAND...: takes out one synchronisation after the other.

Runs the command, which runs kernels on the emulator (LD_LIBRARY_PATH has it already), as it is, in
every schedule: it has to succeed. Then again without each barrier, order of a warp, commit and wait
of its kernels: the emulator has to report a race, memory that is not initialized or in flight, or
threads that wait for ever, in at least one of the schedules. What nobody misses is printed as
redundant. Exits with 0 where every site was missed, else with 1.
"""

import os
import re
import subprocess
import sys

SCHEDULES = ["forward", "reverse", "random:1", "random:2"]
SITE = re.compile(r"^emulator: site (\S+:\d+) (\S+)$", re.M)
REPORT = re.compile(
    r"^emulator: (race on \w+ memory|uninitialized shared memory|asynchronous copy in flight"
    r"|divergence) in kernel (\S+)", re.M)  # fmt: skip


def run(command: list[str], schedule: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, capture_output=True, text=True,
        env={**os.environ, "NNCC_EMULATOR_SCHEDULE": schedule, **environment})  # fmt: skip


def find_sites(command: list[str], schedules: list[str]) -> dict[str, str]:
    """The intrinsic of every site, by its name."""
    sites: dict[str, str] = {}
    for schedule in schedules:
        result = run(command, schedule, NNCC_EMULATOR_SITES="1")
        if result.returncode:
            sys.exit(f"{result.stderr}\nmutate: the command fails as it is, schedule {schedule}")
        sites.update(SITE.findall(result.stderr))
    return sites


def first_report(command: list[str], schedules: list[str], site: str) -> str | None:
    """What is reported without a site, and in which schedule."""
    for schedule in schedules:
        result = run(command, schedule, NNCC_EMULATOR_SKIP=site)
        if match := REPORT.search(result.stderr):
            return f"{match[1]} ({schedule})"
    return None


def main() -> int:
    arguments, schedules = sys.argv[1:], SCHEDULES
    if arguments[:1] == ["--schedules"]:
        schedules, arguments = arguments[1].split(","), arguments[2:]
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    redundant = 0
    sites = find_sites(arguments, schedules)
    for site, intrinsic in sites.items():
        report = first_report(arguments, schedules, site)
        redundant += report is None
        print(f"{site} {intrinsic}: {report or 'REDUNDANT: nobody misses it'}", flush=True)
    print(f"{len(sites)} sites, {redundant} redundant")
    return bool(redundant)


if __name__ == "__main__":
    sys.exit(main())
