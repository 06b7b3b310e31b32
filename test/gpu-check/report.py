"""What was found, as a table that grows: it is printed line by line, and written after each line, so that what is
there when the time is up is kept."""

import json
import math
from pathlib import Path


def number(value: float) -> str:
    return "-" if not math.isfinite(value) else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


class Report:
    def __init__(self, folder: Path, facts: dict):
        self.folder, self.facts, self.records, self.lines = folder, facts, [], []
        folder.mkdir(parents=True, exist_ok=True)
        self.say(" ".join(f"{name} {value}" + ";" * (name != list(facts)[-1]) for name, value in facts.items()))
        self.say("")
        self.say("| what | result | ms | rate | share | detail |")
        self.say("|---|---|---:|---:|---:|---|")

    def say(self, line: str) -> None:
        print(line, flush=True)
        self.lines.append(line)
        (self.folder / "gpu-check.md").write_text("\n".join(self.lines) + "\n")

    def add(self, what: str, result: str, detail: str = "", *, ms: float = math.nan, rate: str = "", share: float = math.nan,
            **raw) -> None:
        """`share`: of the measured copy's bandwidth, or the speed beside a peer's."""
        percent = f"{100 * share:.0f} %" if math.isfinite(share) else ""
        time = f"{number(ms)}" if math.isfinite(ms) else ""
        text = detail.replace("|", "/")
        self.records.append({"what": what, "result": result, "detail": detail, "ms": ms if math.isfinite(ms) else None,
                             "rate": rate, "share": share if math.isfinite(share) else None, **raw})  # fmt: skip
        data = {"facts": self.facts, "records": self.records}
        (self.folder / "gpu-check.json").write_text(json.dumps(data, indent=1))
        self.say(f"| {what} | {result} | {time} | {rate} | {percent} | {text} |")

    def failures(self) -> int:
        return sum(record["result"] == "FAIL" for record in self.records)
