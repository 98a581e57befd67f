"""`values`, of now and of the past, in each form."""

from __future__ import annotations

import json
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.commands.values import instant
from tests.command_line import Typed


def test_values_read_what_was_never_read(typed: Typed, company: Path, data: Path) -> None:
    before = typed("values", "-c", company, "-d", data, "--no-sync")
    assert before.code == 0
    assert "no data" in before.out
    done = typed("values", "-c", company, "-d", data)
    assert done.code == 0
    assert re.search(r"Revenue this year +company +\d{4}-01-01 +CHF 700\.00 +CHF 1,000 +0\.70", done.out)


def test_values_as_json_have_their_shape(typed: Typed, company: Path, data: Path) -> None:
    found = json.loads(typed("values", "-c", company, "-d", data, "--scope", "all", "--format", "json").out)
    assert list(found) == ["at", "kpis", "metrics"]
    assert re.search(r"[+-]\d\d:\d\d$", found["at"])
    whose = [(k["scope"], k["team"], k["person"], k["value"]) for k in found["kpis"]]
    assert whose == [
        ("company", None, None, 700),
        ("team", "North", None, 700),
        ("person", "North", "Ada Lovelace", 700),
    ]
    assert list(found["kpis"][0]) == [
        "kpi", "scope", "team", "person", "period_start", "period_end", "value", "target", "target_ratio", "expected",
        "pace_ratio", "progress_ratio", "status",
    ]  # fmt: skip
    assert found["kpis"][0]["progress_ratio"] is None
    revenue = [m for m in found["metrics"] if m["metric"] == "revenue" and m["scope"] == "company"]
    assert {m["period"]: m["value"] for m in revenue}["year"] == 700
    assert list(revenue[0]) == ["metric", "scope", "team", "person", "period", "labels", "value"]


def test_values_of_the_past_are_as_of_then(typed: Typed, company: Path, data: Path) -> None:
    words = ["values", "-c", company, "-d", data, "--format", "json", "--at", "2020-06-01T12:00"]
    found = json.loads(typed(*words).out)
    assert found["at"] == "2020-06-01T12:00:00+02:00"
    assert found["kpis"][0]["period_start"] == "2020-01-01T00:00:00+01:00"
    assert found["kpis"][0]["value"] == 0


def test_values_as_openmetrics_can_be_read(typed: Typed, company: Path, data: Path) -> None:
    text = typed("values", "-c", company, "-d", data, "--format", "openmetrics").out
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["kpi_value"].samples[0].value == 700


@pytest.mark.parametrize("at", ["yesterday", "2020-13-01", "12:00", "0001-01-01", "9999-12-31T23:59"])
def test_an_instant_that_is_none_is_refused(typed: Typed, company: Path, data: Path, at: str) -> None:
    done = typed("values", "-c", company, "-d", data, "--at", at)
    assert done.code == 2
    assert "--at" in done.err


def test_an_instant_without_an_offset_is_the_companys() -> None:
    zone = ZoneInfo("America/New_York")
    given = instant("2025-07-01T12:00", zone)
    assert given is not None
    assert given.isoformat() == "2025-07-01T12:00:00-04:00"
    offset = instant("2025-07-01T12:00Z", zone)
    assert offset is not None
    assert offset.isoformat() == "2025-07-01T12:00:00+00:00"
    assert instant(None, zone) is None


def test_what_cannot_be_evaluated_is_named(
    typed: Typed, company: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exporter.metrics import evaluate

    monkeypatch.setattr(
        evaluate, "fault", lambda shape, pinned, _: "a fault" if pinned.metric.name == "revenue" else None
    )
    done = typed("values", "-c", company, "-d", data)
    assert "warning: yearly_revenue could not be evaluated" in done.err
    assert "warning: revenue could not be evaluated" in done.err
