"""The table of a soak, for the terminal and for docs/soak.md."""

from __future__ import annotations

import re
from pathlib import Path

from tests.soak.run import SCRAPERS, SoakResult

PAGE = Path(__file__).parents[2] / "docs/soak.md"
_TABLE = re.compile(r"(<!-- table -->\n).*(<!-- end of table -->)", re.DOTALL)


def table(result: SoakResult) -> str:
    """The measurements in Markdown."""
    answers = ", ".join(f"{count:,} × {status}" for status, count in sorted(result.storm.answers.items()))
    rows = {
        "duration": f"{result.seconds / 60:g} minutes",
        "records, each with an owner of its own": f"{result.owners:,}",
        "requests to the vendor, and how many it failed": f"{result.vendor_requests:,}, {result.vendor_errors:,}",
        "scrapes by Prometheus": f"{result.scrapes:,}",
        "failed scrapes": f"{result.failed_scrapes}",
        "duplicate, out-of-order, out-of-bounds or refused samples": f"{sum(result.lost_samples.values()):g}",
        "slowest scrape by Prometheus": f"{result.slowest_scrape * 1000:.0f} ms",
        f"answers to the storms of {SCRAPERS} scrapers": answers,
        "refusals that the exporter counted": f"{result.refusals:,.0f}",
        "p99 of those answers": f"{result.storm.p99 * 1000:.0f} ms",
        "series of the metric by owner, and their sum": f"{result.series}, {result.counted:,.0f}",
        "memory in the second third of the run, in the last": f"{result.memory_third:.0f} MB, {result.memory_end:.0f} MB",
        "most memory": f"{max(result.memory, default=0):.0f} MB",
    }
    return "\n".join(
        ["| measured | value |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items()), ""]
    )


def with_table(page: str, text: str) -> str:
    """The page with another table; raises ValueError if it has no place for one."""
    changed, count = _TABLE.subn(lambda match: f"{match[1]}{text}{match[2]}", page)
    if count != 1:
        raise ValueError("the page has no place for the table")
    return changed
