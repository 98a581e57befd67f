"""`values` now and in the past, in each format."""

from __future__ import annotations

import json
import os
import re
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.commands.options import instant
from tests.command_line import RunCli


def test_sources_that_were_never_read_are_read_first(run_cli: RunCli, company: Path, data: Path) -> None:
    before = run_cli("values", "-c", company, "-d", data, "--no-sync")
    assert before.code == 0
    assert "no data" in before.out
    done = run_cli("values", "-c", company, "-d", data)
    assert done.code == 0
    assert re.search(r"Revenue this year +company +\d{4}-01-01 +CHF 700\.00 +CHF 1,000 +0\.70", done.out)


def test_json_has_all_kpis_and_metrics(run_cli: RunCli, company: Path, data: Path) -> None:
    values = json.loads(run_cli("values", "-c", company, "-d", data, "--scope", "all", "--format", "json").out)
    assert list(values) == ["at", "kpis", "metrics"]
    assert re.search(r"[+-]\d\d:\d\d$", values["at"])
    rows = [(k["scope"], k["team"], k["person"], k["value"]) for k in values["kpis"]]
    assert rows == [
        ("company", None, None, 700),
        ("team", "North", None, 700),
        ("person", "North", "Ada Lovelace", 700),
    ]
    assert list(values["kpis"][0]) == [
        "kpi", "scope", "team", "person", "period_start", "period_end", "as_of", "value", "target", "target_ratio",
        "expected", "pace_ratio", "progress_ratio", "status", "coverage", "reason",
    ]  # fmt: skip
    assert values["kpis"][0]["progress_ratio"] is None
    revenue = [m for m in values["metrics"] if m["metric"] == "revenue" and m["scope"] == "company"]
    assert {m["period"]: m["value"] for m in revenue}["year"] == 700
    assert list(revenue[0]) == ["metric", "scope", "team", "person", "period", "labels", "value"]


def test_values_can_be_evaluated_in_the_past(run_cli: RunCli, company: Path, data: Path) -> None:
    arguments = ["values", "-c", company, "-d", data, "--format", "json", "--at", "2020-06-01T12:00"]
    values = json.loads(run_cli(*arguments).out)
    assert values["at"] == "2020-06-01T12:00:00+02:00"
    assert values["kpis"][0]["period_start"] == "2020-01-01T00:00:00+01:00"
    assert values["kpis"][0]["value"] == 0


def test_openmetrics_output_can_be_parsed(run_cli: RunCli, company: Path, data: Path) -> None:
    text = run_cli("values", "-c", company, "-d", data, "--format", "openmetrics").out
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["kpi_value"].samples[0].value == 700


@pytest.mark.parametrize("at", ["yesterday", "2020-13-01", "12:00", "0001-01-01", "9999-12-31T23:59"])
def test_an_invalid_time_is_rejected(run_cli: RunCli, company: Path, data: Path, at: str) -> None:
    done = run_cli("values", "-c", company, "-d", data, "--at", at)
    assert done.code == 2
    assert "--at" in done.err


def test_a_time_without_an_offset_is_in_the_companys_time_zone() -> None:
    zone = ZoneInfo("America/New_York")
    local = instant("2025-07-01T12:00", zone)
    assert local is not None
    assert local.isoformat() == "2025-07-01T12:00:00-04:00"
    offset = instant("2025-07-01T12:00Z", zone)
    assert offset is not None
    assert offset.isoformat() == "2025-07-01T12:00:00+00:00"
    assert instant(None, zone) is None


def test_metrics_and_kpis_that_cannot_be_evaluated_are_named(
    run_cli: RunCli, company: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exporter.metrics import evaluate

    monkeypatch.setattr(
        evaluate, "query_error", lambda shape, key, _: "an error" if key.metric.name == "revenue" else None
    )
    done = run_cli("values", "-c", company, "-d", data)
    assert "warning: yearly_revenue could not be evaluated" in done.err
    assert "warning: revenue could not be evaluated" in done.err


def test_values_can_be_as_known_at_a_past_time(run_cli: RunCli, company: Path, data: Path) -> None:
    before = ["values", "-c", company, "-d", data, "--format", "json", "--at", "2030-01-01", "--known-at", "2020-06-01"]
    done = run_cli(*before)
    values = json.loads(done.out)
    assert values["known_at"] == "2020-06-01T00:00:00+02:00"
    assert not values["kpis"] or not values["kpis"][0]["value"]
    assert "note: the store only tells what it knew from" in done.err


def test_what_will_be_known_is_rejected(run_cli: RunCli, company: Path, data: Path) -> None:
    done = run_cli("values", "-c", company, "-d", data, "--known-at", "9000-01-01")
    assert done.code == 2
    assert "--known-at" in done.err


def test_a_table_says_why_there_is_no_verdict_once_for_all_it_concerns(
    run_cli: RunCli, company: Path, data: Path
) -> None:
    company.write_text(company.read_text().replace("applies_to: all", "applies_to: own"))
    done = run_cli("values", "-c", company, "-d", data, "--scope", "all")
    reason = "Revenue this year (North, Ada Lovelace): the target is the company's, and no other is set for this scope"
    assert done.out.splitlines()[-1] == reason


def test_a_table_gives_no_reason_for_a_target_that_nobody_wants(run_cli: RunCli, company: Path, data: Path) -> None:
    text = company.read_text().replace("    target: 1000\n    applies_to: all\n", "")
    company.write_text(text)
    done = run_cli("values", "-c", company, "-d", data)
    assert "no target" in done.out
    assert "no target is set" not in done.out


def test_a_forgotten_file_is_stale_as_of_its_own_time(run_cli: RunCli, company: Path, data: Path) -> None:
    written = int(time.time()) - 83 * 86_400
    os.utime(company.parent / "deals.csv", (written, written))
    (kpi,) = json.loads(run_cli("values", "-c", company, "-d", data, "--format", "json").out)["kpis"]
    assert kpi["status"] == "stale"
    assert datetime.fromisoformat(kpi["as_of"]).timestamp() == written
    assert (kpi["value"], kpi["target_ratio"]) == (None, None)
    assert re.fullmatch(r"the data ends on \d{4}-\d\d-\d\d, which is too old for a verdict", kpi["reason"])
