"""Counts what a run of ctest did: summary.py BUILD. A lit suite counts with each of its files."""

import sys
import xml.etree.ElementTree as xml
from pathlib import Path


def lit_counts(suite: Path) -> tuple[int, int, int]:
    cases = list(xml.parse(suite).iter("testcase"))
    failed = sum(case.find("failure") is not None for case in cases)
    skipped = sum(case.find("skipped") is not None for case in cases)
    return len(cases) - failed - skipped, failed, skipped


def main() -> int:
    tests = Path(sys.argv[1]) / "test"
    report = tests / "ctest.xml"
    passed = failed = skipped = 0
    for case in xml.parse(report).iter("testcase"):
        status, suite = case.get("status"), tests / f"{case.get('name')}.xml"
        counts = (status == "run", status == "fail", status not in ("run", "fail"))
        if suite.exists():  # tools/test.sh removes old ones
            counts = lit_counts(suite)
            if status == "fail" and not counts[1]:  # lit itself failed
                counts = (counts[0], 1, counts[2])
        passed, failed, skipped = passed + counts[0], failed + counts[1], skipped + counts[2]
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return failed > 0 or passed == 0


sys.exit(main())
