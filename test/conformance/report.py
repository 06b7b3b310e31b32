"""Tables, TSV and JUnit files of results, and the baseline of cases that must pass."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from suite import Case

STATUSES = ("pass", "wrong", "unsupported", "crash", "timeout", "error")
FAILURES = ("wrong", "crash", "timeout", "error")
BASELINE_HEADER = (
    "# Cases of the official ONNX suite that must pass (kind/name). Written by --update-baseline."
)
PEERS = Path(__file__).resolve().parent / "peers.tsv"


@dataclass
class Result:
    case: Case
    status: str
    seconds: float
    message: str = ""


def print_table(title: str, groups: dict[str, Counter]) -> None:
    """Print one line of counts per group."""
    width = max([len(title)] + [len(name) for name in groups])
    print(f"{title:{width}}  " + "".join(f"{s:>12}" for s in ("cases", *STATUSES, "pass %")))
    for name, counts in groups.items():
        total = sum(counts.values())
        row = "".join(f"{counts[s]:12}" for s in STATUSES)
        print(f"{name:{width}}  {total:12}{row}{100 * counts['pass'] / total:12.1f}")
    print()


def print_summary(results: list[Result], all_ops: bool) -> None:
    """The tables by category and by operator."""
    categories: dict[str, Counter] = defaultdict(Counter)
    ops: dict[str, Counter] = defaultdict(Counter)
    for result in results:
        case = result.case
        category = case.kind if case.domain == "ai.onnx" else f"{case.kind} {case.domain}"
        categories[category][result.status] += 1
        ops[case.op][result.status] += 1
    ordered = {name: categories[name] for name in sorted(categories)}
    ordered["total"] = sum((Counter(c) for c in categories.values()), Counter())
    print_table("category", ordered)
    shown = {op: ops[op] for op in sorted(ops)
             if all_ops or ops[op]["pass"] != sum(ops[op].values())}
    if shown:
        print_table("operator" if all_ops else "operator (those not all passing)", shown)
    print_peers([result.case for result in results])
    whole = sum(1 for c in ops.values() if c["pass"] == sum(c.values()))
    print(f"operators with every case passing: {whole} of {len(ops)}\n")


def print_peers(cases: list[Case]) -> None:
    """How the same cases fare with other runtimes: peers.tsv names those that do not pass."""
    header, *rows = [line.split("\t") for line in PEERS.read_text().splitlines()]
    lost = {row[0]: row[1:] for row in rows}
    for column, peer in enumerate(header[1:]):
        passed = sum(lost.get(case.id, ["pass"] * 9)[column] == "pass" for case in cases)
        print(f"for comparison: {peer} passes {passed} ({100 * passed / len(cases):.1f} %)")


def write_tsv(path: Path, results: list[Result]) -> None:
    """One line per case."""
    def clean(text: str) -> str:
        return re.sub(r"[\t\r\n]+", " ", text)

    lines = ["case\tkind\tdomain\top\tstatus\tseconds\tmessage"]
    lines += [f"{r.case.name}\t{r.case.kind}\t{r.case.domain}\t{r.case.op}\t{r.status}"
              f"\t{r.seconds:.3f}\t{clean(r.message)}" for r in results]
    path.write_text("\n".join(lines) + "\n")


def write_junit(path: Path, results: list[Result]) -> None:
    """JUnit XML: one test suite per kind; "unsupported" is a skipped test."""
    def clean(text: str) -> str:  # XML 1.0 has no way to write control characters
        return re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd]", "?", text)

    root = ElementTree.Element("testsuites", name="onnx_conformance")
    for kind in sorted({r.case.kind for r in results}):
        mine = [r for r in results if r.case.kind == kind]
        count = Counter(r.status for r in mine)
        suite = ElementTree.SubElement(
            root, "testsuite", name=kind, tests=str(len(mine)),
            failures=str(sum(count[s] for s in FAILURES)), skipped=str(count["unsupported"]),
            time=f"{sum(r.seconds for r in mine):.3f}")
        for result in mine:
            test = ElementTree.SubElement(
                suite, "testcase", classname=f"{kind}.{result.case.op}",
                name=result.case.name, time=f"{result.seconds:.3f}")
            tag = {"pass": None, "unsupported": "skipped"}.get(result.status, "failure")
            if tag:
                detail = ElementTree.SubElement(test, tag, message=clean(result.message))
                if tag != "skipped":
                    detail.set("type", result.status)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def read_names(path: Path) -> list[str]:
    """Case ids (kind/name), one a line; '#' starts a comment."""
    names = (line.split("#", 1)[0].strip() for line in path.read_text().splitlines())
    return [name for name in names if name]


def check_baseline(path: Path, results: list[Result], whole_suite: bool) -> int:
    """Report baseline cases that did not pass; return how many there are.

    With a filter only the cases that ran are looked at.  Without one, a baseline
    case that the suite does not have counts too: it must not vanish unnoticed.
    """
    baseline = read_names(path)
    status = {r.case.id: r for r in results}
    regressions = 0
    for name in baseline:
        result = status.get(name)
        if result is None:
            if whole_suite:
                regressions += 1
                print(f"REGRESSION {name}: in the baseline, not in the suite")
        elif result.status != "pass":
            regressions += 1
            print(f"REGRESSION {name}: {result.status}: {result.message}")
    new = sorted({r.case.id for r in results if r.status == "pass"} - set(baseline))
    print(f"baseline: {len(baseline)} cases, {regressions} regressions, "
          f"{len(new)} passing cases not in it\n")
    return regressions


def update_baseline(path: Path, results: list[Result]) -> None:
    """Rewrite the baseline: drop what ran and did not pass, add what passed."""
    names = set(read_names(path)) if path.exists() else set()
    for result in results:
        (names.add if result.status == "pass" else names.discard)(result.case.id)
    lines = [BASELINE_HEADER, *sorted(names)]
    path.write_text("".join(f"{line}\n" for line in lines))
    print(f"baseline: {len(names)} cases written to {path}\n")
