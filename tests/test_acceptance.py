"""Two real data sets through the command line, against the totals that were published with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from exporter.config.loader import load
from exporter.evaluation.evaluator import Evaluations
from exporter.store.store import Store
from tests.command_line import Typed
from tests.programs import shared

Values = dict[str, Any]


def values(typed: Typed, config: Path, data: Path, at: str, scope: str = "company") -> Values:
    """What `values` says of an instant."""
    done = typed("values", "-c", config, "-d", data, "--at", at, "--scope", scope, "--format", "json")
    assert done.code == 0, done.err
    found: Values = json.loads(done.out)
    return found


def metric(found: Values, name: str, period: str | None, **whose: str | None) -> float:
    (value,) = [
        m["value"]
        for m in found["metrics"]
        if m["metric"] == name and m["period"] == period and all(m[k] == v for k, v in whose.items())
    ]
    return float(value)


def kpi(found: Values, name: str, **whose: str | None) -> Values:
    (one,) = [k for k in found["kpis"] if k["kpi"] == name and all(k[key] == v for key, v in whose.items())]
    return dict(one)


QUARTERS = ("2017-03-31", "2017-06-30", "2017-09-30", "2017-12-31")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_the_pipeline_of_a_hardware_seller(typed: Typed, data: Path) -> None:
    config = shared("acceptance", "crm_sales.yaml")
    ends = [values(typed, config, data, f"{day}T23:59:59", "all") for day in QUARTERS]
    assert [metric(f, "deals_won", "quarter", scope="company") for f in ends] == [531, 1254, 1257, 1196]
    assert sum(metric(f, "revenue_won", "quarter", scope="company") for f in ends) == 10_005_534
    last = ends[-1]
    assert metric(last, "deals_won", "year", scope="company") == 4238
    assert metric(last, "deals_closed", "year", scope="company") == 4238 + 2473
    rate = kpi(last, "win_rate", scope="company")
    assert rate["value"] == pytest.approx(4238 / 6711)
    assert (rate["target_ratio"], rate["status"]) == (1.0, "on_track")
    revenue = kpi(last, "quarterly_revenue", scope="company")
    assert revenue["value"] == metric(last, "revenue_won", "quarter", scope="company")
    assert revenue["target_ratio"] == pytest.approx(revenue["value"] / 3_000_000)
    for scope in ("team", "person"):
        parts = [k["value"] for k in last["kpis"] if k["kpi"] == "quarterly_revenue" and k["scope"] == scope]
        assert sum(parts) == revenue["value"]
    teams = [k for k in last["kpis"] if k["kpi"] == "win_rate" and k["scope"] == "team"]
    assert [k["team"] for k in teams] == ["Central", "East", "West"]


def test_open_deals_are_dated_or_counted_as_undated(typed: Typed, data: Path) -> None:
    config = shared("acceptance", "crm_sales.yaml")
    found = values(typed, config, data, "2018-01-01T00:00:00")
    store = Store.open(data)
    try:
        loaded = load(config, {}).config
        evaluation = Evaluations(loaded, store).evaluate(store.watermarks()["crm", "deals"], None).evaluation
    finally:
        store.close()
    assert metric(found, "open_deals", None) + evaluation.undated["deals", "created_at"] == 2089
    assert evaluation.failed == ()


MONTHS = ("2021-01-31", "2021-02-28", "2021-03-31")


def test_the_call_log_of_a_telecom(typed: Typed, data: Path) -> None:
    config = shared("acceptance", "call_center.yaml")
    ends = [values(typed, config, data, f"{day}T23:59:59") for day in MONTHS]
    last = ends[-1]
    assert sum(metric(f, "calls_received", "month") for f in ends) == 5000
    answered = metric(last, "calls_answered", "quarter")
    assert answered == sum(metric(f, "calls_answered", "month") for f in ends) == 4054
    assert 5000 - answered == 946
    assert metric(last, "calls_resolved", "quarter") == 3646
    assert metric(last, "speed_of_answer", "quarter") == pytest.approx(67.52, abs=0.005)
    talked = sum(metric(f, "talk_time", "month") * metric(f, "calls_answered", "month") for f in ends)
    assert talked / answered == pytest.approx(224.92, abs=0.005)
    assert metric(last, "satisfaction", "quarter") == pytest.approx(3.40, abs=0.005)
    assert kpi(last, "resolution_rate")["value"] == pytest.approx(3646 / 4054)
    speed = kpi(last, "average_speed_of_answer")
    assert speed["target_ratio"] == pytest.approx(2 - speed["value"] / 60)


def test_dated_targets_and_topics_of_the_call_log(typed: Typed, data: Path) -> None:
    config = shared("acceptance", "call_center.yaml")
    february, march = (values(typed, config, data, f"{day}T23:59:59", "all") for day in MONTHS[1:])
    assert kpi(february, "service_level", scope="company")["target"] == pytest.approx(0.40)
    assert kpi(march, "service_level", scope="company")["target"] == pytest.approx(0.45)
    people = [k["person"] for k in march["kpis"] if k["kpi"] == "service_level" and k["scope"] == "person"]
    assert people == ["Becky", "Dan", "Diane", "Greg", "Jim", "Joe", "Martha", "Stewart"]
    topics = [m for m in march["metrics"] if m["metric"] == "calls_by_topic" and m["period"] == "month"]
    assert len(topics) == 5
    assert sum(m["value"] for m in topics) == metric(march, "calls_received", "month", scope="company")
