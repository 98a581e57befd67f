"""`python -m tests.bench [CASE ...]`: measures, prints a table, and with --markdown the table of the README."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.measure import Row

CASES = ("render", "scrape", "ingest", "upsert", "kills", "aggregate", "start", "commands", "backfill")


def main() -> None:
    """Runs the cases named, or all; the exit code is 1 where a budget was not kept."""
    said = parsed(sys.argv[1:])
    console = Console()
    rows: list[Row] = []
    for case in said.cases:
        with console.status(f"measuring {case}"):
            rows.extend(importlib.import_module(f"tests.bench.{case}").run())
    console.print(machine())
    print(markdown(rows)) if said.markdown else console.print(table(rows))  # noqa: T201 - the command's output
    if any(row.kept is False for row in rows):
        raise SystemExit(1)


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """What the command line asks for: `cases` (all where it names none) and `markdown`."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("cases", nargs="*", choices=[*CASES, []], default=[])  # argparse holds a default to be a choice
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    said = parser.parse_args(words)
    said.cases = said.cases or list(CASES)
    return said


def machine() -> str:
    """What it was measured on."""
    memory = int(Path("/proc/meminfo").read_text(encoding="utf-8").split()[1]) // 2**20
    return f"{os.cpu_count()} cores, {memory} GiB, {platform.machine()}, Python {platform.python_version()}"


def table(rows: list[Row]) -> Table:
    """For a terminal."""
    made = Table("work", "unit", "ours", "peer", "theirs", "ratio", "budget", "kept")
    for row in rows:
        made.add_row(*cells(row))
    return made


def markdown(rows: list[Row]) -> str:
    """For the README."""
    head = ["| work | unit | ours | peer | theirs | ratio | budget | kept |", "|---|---|---|---|---|---|---|---|"]
    return "\n".join(head + ["| " + " | ".join(cells(row)) + " |" for row in rows])


def cells(row: Row) -> tuple[str, ...]:
    """One row as text; a ratio below one is written as a fraction of one."""
    theirs = "" if row.theirs is None else _figure(row.theirs)
    kept = {True: "yes", False: "NO", None: ""}[row.kept]
    budget = "" if row.budget is None else _ratio(row.budget) if row.theirs is not None else _figure(row.budget)
    ratio = "" if row.ratio is None else _ratio(row.ratio)
    return (row.work, row.unit, _figure(row.ours), row.peer, theirs, ratio, budget, kept)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _ratio(value: float) -> str:
    if not 0 < value < 0.5:
        return f"{value:.2f}"
    return f"1/{1 / value:,.0f}" if value < 0.1 else f"1/{1 / value:.2g}"


if __name__ == "__main__":
    main()
