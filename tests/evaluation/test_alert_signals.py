"""Streaks and drivers from a real store, as they are exposed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exporter.config.fields import Scope, Status
from exporter.config.root import Config
from exporter.evaluation.evaluator import Evaluator
from exporter.exposition.families import kpi_samples
from exporter.seals import LedgerEntries, Seal
from exporter.store.store import Store
from tests.evaluation.records import NOW, deal, put, small_config

MONTHS = [datetime(2025, month, 1, tzinfo=UTC) for month in range(6, 12)]


def seal(number: int, status: Status, **changes: Any) -> Seal:
    """The company's month of this number, from June on."""
    start, end = MONTHS[number], MONTHS[number + 1]
    fields: dict[str, Any] = {
        "kpi": "monthly_revenue", "scope": Scope.COMPANY, "team": None, "person": None, "period": f"{start:%Y-%m}",
        "start": start, "end": end, "value": 1.0, "target": 2.0, "target_ratio": 0.5, "status": status,
        "coverage": 1.0, "definition_digest": "d", "target_digest": "t", "watermark": end, "sealed_at": end,
    }  # fmt: skip
    return Seal(**{**fields, **changes})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Four months off track after one on track, and five deals of which two were won yesterday."""
    opened = Store.open(tmp_path)
    seals = [seal(0, Status.ON_TRACK), *(seal(number, Status.OFF_TRACK) for number in range(1, 5))]
    of_others = [seal(4, Status.ON_TRACK, scope=Scope.TEAM, team="North"), seal(4, Status.ON_TRACK, kpi="removed")]
    opened.write_ledger(LedgerEntries((*seals, *of_others)))
    put(opened, "hr", "people", [])
    yesterday = NOW - timedelta(days=1)
    won = [deal(number, 100, yesterday) for number in range(2)]
    put(opened, "crm", "deals", [*won, *(deal(number, 1, None) for number in range(2, 5))])
    yield opened
    opened.close()


def config(**expected: Any) -> Config:
    raw = small_config().model_dump(by_alias=True, mode="json", exclude_none=True, exclude={"kpis", "company"})
    kpi = small_config().kpis[0].model_dump(by_alias=True, mode="json", exclude_none=True)
    metrics = [
        {**metric, **({"expected": expected[metric["name"]]} if metric["name"] in expected else {})}
        for metric in raw["metrics"]
    ]
    return small_config(metrics=metrics, kpis=[{**kpi, "value": "revenue"}])


def exposed(store: Store, settings: Config, now: datetime = NOW, known_at: datetime | None = None) -> dict[str, Any]:
    evaluation = Evaluator(settings, store, known_at).evaluate(now, None).evaluation
    return {
        each.family.name: dict(zip(each.keys, each.values, strict=True)) for each in kpi_samples(settings, evaluation)
    }


def test_missed_periods_are_counted_from_the_ledger(store: Store) -> None:
    series = exposed(store, config())
    assert series["kpi_target_missed_periods"] == {("monthly_revenue",): 4}
    assert series["kpi_target_exceeded_periods"] == {("monthly_revenue",): 0}


def test_an_evaluator_counts_a_new_seal_at_once(store: Store) -> None:
    evaluator = Evaluator(config(), store)
    assert evaluator.evaluate(NOW, None).evaluation.signals.streaks["monthly_revenue"].missed == 4
    later = datetime(2025, 12, 1, tzinfo=UTC)
    november = seal(4, Status.EXCEEDED, start=MONTHS[5], end=later, period="2025-11")
    store.write_ledger(LedgerEntries((november,)))
    assert evaluator.evaluate(NOW, None).evaluation.signals.streaks["monthly_revenue"] == (0, 1)


def test_as_known_earlier_fewer_periods_were_final(store: Store) -> None:
    evaluation = Evaluator(config(), store, MONTHS[3]).evaluate(NOW, None).evaluation
    assert evaluation.signals.streaks["monthly_revenue"].missed == 2


def test_a_driver_has_its_value_and_the_ends_of_its_range(store: Store) -> None:
    series = exposed(store, config(revenue={"min": 300}, open_deals={"min": 1, "max": 2}))
    assert series["driver_value"] == {("revenue",): 200, ("open_deals",): 3}
    assert series["driver_expected_min"] == {("revenue",): 300, ("open_deals",): 1}
    assert series["driver_expected_max"] == {("open_deals",): 2}


def test_nothing_is_exposed_without_ranges_and_while_the_source_is_silent(store: Store) -> None:
    assert not [name for name in exposed(store, config()) if name.startswith("driver")]
    silent = exposed(store, config(revenue={"min": 300}), NOW + timedelta(days=30))
    assert not [name for name in silent if name.startswith(("driver", "kpi_target_missed", "kpi_target_exceeded"))]
