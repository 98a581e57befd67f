"""Growth over a period that the records do not cover whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exporter.config.fields import Scope, Status
from exporter.config.root import Config
from exporter.evaluation.evaluator import Evaluator
from exporter.evaluation.first_records import earliest_records, first_records
from exporter.kpi.values import KpiValue
from exporter.records import Deal, Measurement
from exporter.store.store import Store
from tests.evaluation.records import ADA, NOW, deal, put, small_config

DAY = timedelta(days=1)
_SOURCE = {"provider": "csv", "path": "x.csv", "columns": {"id": "id"}}
SOURCES = [
    {**_SOURCE, "name": "crm", "entity": "deals"},
    {**_SOURCE, "name": "shop", "entity": "deals"},
    {**_SOURCE, "name": "hr", "entity": "people"},
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "data")
    yield opened
    opened.close()


def growing(*values: str, **changes: Any) -> Config:
    """A company with growth targets on the values, by default on revenue."""
    kpi = small_config().kpis[0].model_dump(by_alias=True, mode="json", exclude_none=True)
    target = {"growth": "10%", "over": "previous"}
    kpis = [{**kpi, "name": f"k_{value}", "value": value, "target": target} for value in values or ("revenue",)]
    return small_config(kpis=kpis, **changes)


def firsts(store: Store, where: dict[str, Any] | None = None) -> dict[str, datetime]:
    """When the records of revenue begin, in a company with the sources `crm` and `shop`."""
    revenue = {"name": "revenue", "title": "Revenue", "entity": "deals", "at": "closed_at", "sum": "amount"}
    config = growing(sources=SOURCES, metrics=[{**revenue, "where": where or {}}])
    with store.reading() as reader:
        return first_records(reader, config)


def november(store: Store, *closed: datetime) -> KpiValue:
    """The company's value on 19 November, from deals of 100 each."""
    put(store, "hr", "people", [ADA], NOW)
    put(store, "crm", "deals", [deal(number, 100, at, created_at=None) for number, at in enumerate(closed)], NOW)
    values = Evaluator(growing(), store).evaluate(NOW, None).evaluation.kpis
    return next(value for value in values if value.scope is Scope.COMPANY)


def test_growth_over_a_half_covered_month_has_no_target_and_says_why(store: Store) -> None:
    # the records begin on 16 October at noon in Zurich: 15.5 of 31 days are covered, 50 %
    begin = datetime(2025, 10, 16, 10, tzinfo=UTC)
    value = november(store, begin, datetime(2025, 11, 3, tzinfo=UTC))
    assert (value.value, value.previous_value) == (100, 100)
    assert (value.target, value.status) == (None, Status.NO_TARGET)
    assert value.reason == "the records begin on 2025-10-16: 50 % of the reference period are covered"


def test_growth_over_a_covered_month_has_a_target(store: Store) -> None:
    value = november(store, datetime(2025, 9, 30, tzinfo=UTC), datetime(2025, 10, 16, tzinfo=UTC))
    assert value.target == pytest.approx(110)
    assert value.reason is None


def test_a_deal_that_was_created_earlier_tells_that_none_was_closed_before(store: Store) -> None:
    put(store, "crm", "deals", [deal(1, 100, NOW, created_at=NOW - 9 * DAY), deal(2, 100, None, created_at=None)])
    assert firsts(store) == {"revenue": NOW - 9 * DAY}


def test_a_deleted_or_undated_record_begins_nothing(store: Store) -> None:
    gone = Deal(id="3", deleted=True, created_at=NOW - 90 * DAY)
    put(store, "crm", "deals", [deal(1, 100, None, created_at=None), deal(2, 100, NOW, created_at=None), gone])
    assert firsts(store) == {"revenue": NOW}


def test_where_several_sources_contribute_the_one_that_begins_last_counts(store: Store) -> None:
    put(store, "crm", "deals", [deal(1, 100, NOW - 400 * DAY)])
    put(store, "shop", "deals", [deal(1, 100, NOW - 30 * DAY, created_at=None)])
    assert firsts(store) == {"revenue": NOW - 30 * DAY}
    in_crm = {"status": "won", "source": "crm"}
    assert firsts(store, in_crm) == {"revenue": NOW - 400 * DAY}
    assert firsts(store, {"source": {"not": "crm"}}) == {"revenue": NOW - 30 * DAY}


def test_a_source_without_records_has_no_say(store: Store) -> None:
    put(store, "crm", "deals", [deal(1, 100, NOW - 400 * DAY)])
    put(store, "shop", "deals", [])
    assert firsts(store) == {"revenue": NOW - 400 * DAY}


def test_each_kpi_begins_with_its_own_metrics(store: Store) -> None:
    put(store, "crm", "deals", [deal(1, 100, NOW - DAY, created_at=NOW, updated_at=NOW - 3 * DAY)])
    metrics = [
        {"name": name, "title": name, "entity": "deals", "at": at, "count": "rows"}
        for name, at in (("created", "created_at"), ("closed", "closed_at"), ("changed", "updated_at"))
    ]
    with store.reading() as reader:
        assert first_records(reader, growing("created", "closed", "changed", metrics=metrics)) == {
            "created": NOW,
            "closed": NOW - DAY,
            "changed": NOW - 3 * DAY,
        }


def test_each_series_of_measurements_begins_on_its_own(store: Store) -> None:
    days = {"visits": NOW - 90 * DAY, "leads": NOW - 60 * DAY, "spend": NOW - 30 * DAY}
    rows = [Measurement(id=name, name=name, value=1.0, at=day) for name, day in days.items()]
    put(store, "web", "measurements", rows)
    wheres: dict[str, Any] = {"spend": "spend", "both": ["leads", "spend"], "other": {"not": "visits"}, "none": "none"}
    metrics = [
        {"name": name, "title": name, "entity": "measurements", "at": "at", "sum": "value", "where": {"name": rule}}
        for name, rule in wheres.items()
    ]
    source = {"name": "web", "provider": "csv", "path": "x.csv", "columns": {"id": "id"}, "entity": "measurements"}
    with store.reading() as reader:
        assert first_records(reader, growing(*wheres, metrics=metrics, sources=[source])) == {
            "spend": NOW - 30 * DAY,
            "both": NOW - 60 * DAY,
            "other": NOW - 90 * DAY,
        }


def test_a_source_that_joined_within_the_reference_month_leaves_growth_without_a_target(store: Store) -> None:
    put(store, "hr", "people", [ADA])
    put(store, "crm", "deals", [deal(1, 100, NOW - 400 * DAY), deal(2, 100, NOW - 30 * DAY)])
    put(store, "shop", "deals", [deal(1, 100, datetime(2025, 10, 16, 10, tzinfo=UTC), created_at=None)])
    values = Evaluator(growing(sources=SOURCES), store).evaluate(NOW, None).evaluation.kpis
    company = next(value for value in values if value.scope is Scope.COMPANY)
    assert (company.previous_value, company.target) == (200, None)
    assert company.reason == "the records begin on 2025-10-16: 50 % of the reference period are covered"


def test_nothing_is_asked_without_a_growth_target(store: Store) -> None:
    put(store, "crm", "deals", [deal(1, 100, NOW)], NOW)
    with store.reading() as reader:
        assert first_records(reader, small_config()) == {}


def test_the_earliest_record_is_that_of_any_source(store: Store) -> None:
    put(store, "crm", "deals", [deal(1, 100, NOW - 400 * DAY)])
    put(store, "shop", "deals", [deal(1, 100, NOW - 30 * DAY, created_at=None)])
    with store.reading() as reader:
        earliest = earliest_records(reader, small_config(sources=SOURCES))
    assert earliest == {"revenue": NOW - 400 * DAY, "open_deals": NOW - 60 * DAY}
