"""Checks branch coverage of the exporter: `python -m tests.branches REPORT`, after a run with coverage.

Coverage's own threshold mixes lines with branches, and a line is easier to cover than a branch.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REQUIRED = 95.0
"""Percentage of the branches of exporter/ that the tests must exceed."""

LISTED_FILES = 10


def main(report: Path) -> int:
    """Prints the share of covered branches; if it is too small, also lists the worst files and returns 1."""
    coverage = json.loads(report.read_text(encoding="utf-8"))
    totals = coverage["totals"]
    share = 100 * totals["covered_branches"] / totals["num_branches"]
    lines = [
        f"tests cover {share:.1f} % of the {totals['num_branches']} branches of exporter/; {REQUIRED:g} % must be exceeded"
    ]
    if share <= REQUIRED:
        lines += map(_describe, sorted(coverage["files"].items(), key=_missing, reverse=True)[:LISTED_FILES])
    print("\n".join(lines))  # noqa: T201 - the command's output
    return int(share <= REQUIRED)


def _describe(entry: tuple[str, Mapping[str, Any]]) -> str:
    lines = sorted({start for start, _ in entry[1]["missing_branches"]})
    return f"  {entry[0]}: {_missing(entry)} not covered, from lines {', '.join(map(str, lines))}"


def _missing(entry: tuple[str, Mapping[str, Any]]) -> int:
    missing: int = entry[1]["summary"]["missing_branches"]
    return missing


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
