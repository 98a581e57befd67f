"""Whether the tests took enough branches of the exporter: `python -m tests.branches REPORT`, after a measured run.

Coverage's own threshold mixes lines with branches, and lines flatter.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ASKED = 95.0
"""Per cent of all branches of exporter/; the share must be above."""

WORST = 10


def main(report: Path) -> int:
    """Prints the share and, where it is too small, the files with most branches to gain; 1 where it is too small."""
    read = json.loads(report.read_text(encoding="utf-8"))
    totals = read["totals"]
    share = 100 * totals["covered_branches"] / totals["num_branches"]
    told = [
        f"tests take {share:.1f} % of the {totals['num_branches']} branches of exporter/; more than {ASKED:g} % are asked for"
    ]
    if share <= ASKED:
        told += map(_untaken, sorted(read["files"].items(), key=_missing, reverse=True)[:WORST])
    print("\n".join(told))  # noqa: T201 - the command's output
    return int(share <= ASKED)


def _untaken(entry: tuple[str, Mapping[str, Any]]) -> str:
    lines = sorted({start for start, _ in entry[1]["missing_branches"]})
    return f"  {entry[0]}: {_missing(entry)} not taken, from lines {', '.join(map(str, lines))}"


def _missing(entry: tuple[str, Mapping[str, Any]]) -> int:
    missing: int = entry[1]["summary"]["missing_branches"]
    return missing


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
