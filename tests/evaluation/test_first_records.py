"""Growth over a period that the records do not cover whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from exporter.config.fields import Scope, Status
from exporter.evaluation.evaluator import Evaluator
from exporter.evaluation.first_records import first_records
from exporter.kpi.values import KpiValue
from exporter.store.store import Store
from tests.evaluation.records import ADA, NOW, deal, put, small_config


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "data")
    yield opened
    opened.close()


def growing() -> Any:
    kpi = small_config().kpis[0].model_dump(by_alias=True, mode="json", exclude_none=True)
    return small_config(kpis=[{**kpi, "value": "revenue", "target": {"growth": "10%", "over": "previous"}}])


def november(store: Store, *closed: datetime) -> KpiValue:
    """The company's value on 19 November, from deals of 100 each."""
    put(store, "hr", "people", [ADA], NOW)
    put(store, "crm", "deals", [deal(number, 100, at) for number, at in enumerate(closed)], NOW)
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


def test_a_deleted_or_undated_record_begins_nothing(store: Store) -> None:
    put(store, "hr", "people", [ADA], NOW)
    put(store, "crm", "deals", [deal(1, 100, None), deal(2, 100, NOW, created_at=None)], NOW)
    with store.reading() as reader:
        assert first_records(reader, growing()) == {"revenue": NOW}


def test_nothing_is_asked_without_a_growth_target(store: Store) -> None:
    put(store, "crm", "deals", [deal(1, 100, NOW)], NOW)
    with store.reading() as reader:
        assert first_records(reader, small_config()) == {}
