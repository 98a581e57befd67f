"""The exporter's README against the code."""

from __future__ import annotations

import re
from pathlib import Path

from exporter import naming
from exporter.config.fields import Status
from exporter.errors import ExitCode
from exporter.exposition import render
from exporter.metrics import label_values
from exporter.metrics.label_folding import MAX_VALUES
from exporter.naming import Family
from exporter.push import body, endpoint
from exporter.web import limits, server

README = (Path(__file__).parents[2] / "exporter" / "README.md").read_text(encoding="utf-8")


def tables() -> list[list[list[str]]]:
    """Rows of each table, without its head."""
    blocks = re.findall(r"(?:^\|.*\|\n)+", README, re.MULTILINE)
    return [
        [[cell.strip() for cell in row.strip("|").split("|")] for row in block.splitlines()[2:]] for block in blocks
    ]


def names(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([^`]+)`", cell))


def table_of(*families: Family) -> list[list[str]]:
    return next(table for table in tables() if table[0][0] == f"`{families[0].name}`")


def test_every_metric_of_its_own_is_described_as_the_code_describes_it() -> None:
    described = [(*names(row[0]), names(row[1]), row[2]) for row in table_of(*naming.OWN_FAMILIES)]
    assert described == [(family.name, family.labels, family.help) for family in naming.OWN_FAMILIES]


def test_every_kpi_family_is_described_as_the_code_describes_it() -> None:
    rows = table_of(*naming.COMPANY_FAMILIES)
    assert [(*names(row[0]), names(row[1])) for row in rows] == [(f.name, f.labels) for f in naming.COMPANY_FAMILIES]
    assert {names(row[0])[0] for row in rows if row[2] == "yes"} == {family.name for family in naming.SCOPED}
    assert all(family.help.startswith(row[3]) for row, family in zip(rows, naming.COMPANY_FAMILIES, strict=True))


def test_series_for_alerts_are_described_as_the_code_describes_them() -> None:
    described = [(*names(row[0]), names(row[1]), row[2]) for row in table_of(*naming.SIGNAL_FAMILIES)]
    assert described == [(family.name, family.labels, family.help) for family in naming.SIGNAL_FAMILIES]


def test_the_emails_of_people_are_described() -> None:
    family = naming.PERSON_EMAIL
    assert f"`{family.name}` ({', '.join(f'`{label}`' for label in family.labels)}; always 1)" in README


def test_closed_lists_are_complete() -> None:
    states, answers = (list(map(str, kind)) for kind in (naming.SourceState, naming.PushResult))
    for values in (states, answers, naming.REQUEST_CLASSES, naming.RECORD_RESULTS):
        assert ", ".join(values) in " ".join(README.split())
    for status in (Status.STALE, Status.NO_DATA):
        assert f"`{status}`" in README


def test_limits_are_those_of_the_code() -> None:
    stated = {row[0]: row[1] for row in next(table for table in tables() if table[0][0] == "values of one label")}
    assert stated["values of one label"] == str(MAX_VALUES)
    assert stated["series of one family"] == f"{render.MAX_SERIES:,}"
    assert stated["characters of a label value"] == str(label_values.MAX_LABEL_LENGTH)
    assert stated["requests in flight"] == str(limits.MAX_IN_FLIGHT)
    assert stated["posts in flight"] == str(endpoint.MAX_POSTS)
    assert stated["one post"] == f"{body.MAX_BYTES >> 20} MiB, {body.MAX_ROWS:,} records"
    assert stated["silent or stuck clients"] == f"{server.STALL_TIMEOUT} s"
    assert stated["one answer"] == f"{limits.DEADLINE:.0f} s"


def test_exit_codes_are_those_of_the_code() -> None:
    codes = [int(row[0]) for row in next(table for table in tables() if table[0][0] == "0")]
    assert codes == [*ExitCode]


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (Path(__file__).parents[2] / "exporter" / target).exists(), target
