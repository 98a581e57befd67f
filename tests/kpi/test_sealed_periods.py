"""Sealed values in the place of those that records say."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from exporter.config.fields import Scope, Status
from exporter.kpi.evaluate import KpiEvaluator
from exporter.kpi.sealed_periods import NOTHING_SEALED, SealedPeriods
from exporter.kpi.values import Freshness, KpiValue
from exporter.seals import Seal
from tests.kpi.configs import calendar_of, config_of, kpi
from tests.kpi.fake_metrics import FakeMetrics

NOVEMBER_10 = datetime(2021, 11, 10, tzinfo=UTC)
START, END = (calendar_of().start_of(day) for day in (date(2021, 10, 1), date(2021, 11, 1)))


def sealed(value: float | None, **changes: Any) -> SealedPeriods:
    """October, sealed with this value."""
    result: dict[str, Any] = {
        "kpi": "goal", "scope": Scope.COMPANY, "team": None, "person": None, "period": "2021-10",
        "start": START, "end": END, "value": value, "target": None, "target_ratio": None, "status": Status.NO_TARGET,
        "coverage": 1.0, "definition_digest": "", "target_digest": "", "watermark": END, "sealed_at": END,
    }  # fmt: skip
    return SealedPeriods([Seal(**{**result, **changes})])


def november(periods: SealedPeriods, days: tuple[str, ...] = ("2021-10-05", "2021-11-05"), **settings: Any) -> KpiValue:
    """November so far, after an October that has one record."""
    config = config_of(kpi(**settings))
    evaluator = KpiEvaluator(config)
    prepared = evaluator.prepare({"won": Freshness(NOVEMBER_10)}, NOVEMBER_10)
    rows = [{"in": ["won"], "at": f"{day}T12:00"} for day in days]
    evaluation, _ = evaluator.conclude(prepared, FakeMetrics(config, rows)(prepared.questions), None, sealed=periods)
    return evaluation.kpis[0]


@pytest.mark.parametrize(
    ("periods", "previous"),
    [
        (NOTHING_SEALED, 1.0),
        (sealed(7.0), 7.0),
        (sealed(None), None),
        (sealed(7.0, kpi="other"), 1.0),
        (sealed(7.0, scope=Scope.TEAM, team="North"), 1.0),
        (sealed(7.0, end=NOVEMBER_10), 1.0),
    ],
)
def test_the_previous_value_is_the_sealed_one_of_that_very_period(
    periods: SealedPeriods, previous: float | None
) -> None:
    assert november(periods).previous_value == previous


def test_growth_starts_from_the_sealed_value_even_if_its_records_are_gone() -> None:
    growth = {"growth": "10%", "over": "previous"}
    assert november(sealed(20.0), target=growth).target == pytest.approx(22)
    assert november(sealed(20.0), ("2021-11-05",), target=growth).target == pytest.approx(22)
    assert november(NOTHING_SEALED, target=growth).target == pytest.approx(1.1)
