"""`python -m tests.bench [CASE ...]` measures the cases and prints a table, as Markdown with --markdown."""

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
COLUMNS = ("work", "unit", "kpi-exporter", "peer", "peer's figure", "ratio", "budget", "kept")


def main() -> None:
    """Runs the named cases, or all of them. Exits with 1 if a budget is exceeded."""
    options = parse(sys.argv[1:])
    console = Console()
    rows: list[Row] = []
    for case in options.cases:
        with console.status(f"measuring {case}"):
            rows.extend(importlib.import_module(f"tests.bench.{case}").run())
    console.print(machine())
    print(markdown(rows)) if options.markdown else console.print(table(rows))  # noqa: T201 - the command's output
    if any(row.kept is False for row in rows):
        raise SystemExit(1)


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The options of the command line: `cases`, all by default, and `markdown`."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "cases", nargs="*", choices=[*CASES, []], default=[]
    )  # argparse checks the default against the choices
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    options = parser.parse_args(words)
    options.cases = options.cases or list(CASES)
    return options


def machine() -> str:
    """The machine that measures."""
    memory = int(Path("/proc/meminfo").read_text(encoding="utf-8").split()[1]) // 2**20
    return f"{os.cpu_count()} cores, {memory} GiB, {platform.machine()}, Python {platform.python_version()}"


def table(rows: list[Row]) -> Table:
    """The table for a terminal."""
    result = Table(*COLUMNS)
    for row in rows:
        result.add_row(*cells(row))
    return result


def markdown(rows: list[Row]) -> str:
    """The table for the README."""
    head = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    return "\n".join(head + ["| " + " | ".join(cells(row)) + " |" for row in rows])


def cells(row: Row) -> tuple[str, ...]:
    """The cells of a row; a ratio well below one is written as a fraction."""
    peer_figure = "" if row.peer_figure is None else _figure(row.peer_figure)
    kept = {True: "yes", False: "NO", None: ""}[row.kept]
    budget = "" if row.budget is None else _ratio(row.budget) if row.peer_figure is not None else _figure(row.budget)
    ratio = "" if row.ratio is None else _ratio(row.ratio)
    return (row.work, row.unit, _figure(row.figure), row.peer, peer_figure, ratio, budget, kept)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _ratio(value: float) -> str:
    if not 0 < value < 0.5:
        return f"{value:.2f}"
    return f"1/{1 / value:,.0f}" if value < 0.1 else f"1/{1 / value:.2g}"


if __name__ == "__main__":
    main()
