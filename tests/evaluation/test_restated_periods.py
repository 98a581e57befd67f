"""Evaluations follow the ledger: what a period is compared with once it is sealed, and which values are restated."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exporter.config.fields import Scope, Status
from exporter.config.root import Config
from exporter.evaluation.evaluator import Evaluator
from exporter.evaluation.restated_periods import MOST_RESTATED
from exporter.exposition.families import kpi_samples
from exporter.kpi.values import KpiValue
from exporter.seals import Cause, LedgerEntries, Restatement, Seal
from exporter.store.store import Store
from tests.evaluation.records import ADA, NOW, deal, put, small_config

DAY = timedelta(days=1)
OCTOBER, NOVEMBER = datetime(2025, 9, 30, 22, tzinfo=UTC), datetime(2025, 10, 31, 23, tzinfo=UTC)
SEALED_AT = datetime(2025, 11, 5, 23, tzinfo=UTC)
GROWTH = {"growth": "10%", "over": "previous"}


def seal(value: float | None, scope: Scope = Scope.COMPANY, team: str | None = None, person: str | None = None) -> Seal:
    """The seal of October."""
    return Seal(
        "monthly_revenue", scope, team, person, "2025-10", OCTOBER, NOVEMBER,
        value, None, None, Status.NO_TARGET, 1.0, "d", "t", SEALED_AT, SEALED_AT,
    )  # fmt: skip


def restatement(value: float | None, hours: int = 0, **changes: Any) -> Restatement:
    """Of October, some hours after it was sealed."""
    fields: dict[str, Any] = {
        "kpi": "monthly_revenue", "scope": Scope.COMPANY, "team": None, "person": None, "period": "2025-10",
        "start": OCTOBER, "previous_value": 500, "value": value, "previous_target": None, "target": None,
        "previous_target_ratio": None, "target_ratio": None, "previous_status": Status.NO_TARGET,
        "status": Status.NO_TARGET, "cause": Cause.EDITED, "restated_at": SEALED_AT + timedelta(hours=hours),
    }  # fmt: skip
    return Restatement(**{**fields, **changes})


def config(restate: str = "never", **changes: Any) -> Config:
    kpi = small_config().kpis[0].model_dump(by_alias=True, mode="json", exclude_none=True)
    return small_config(kpis=[{**kpi, "value": "revenue", **changes}], history={"restate": restate})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """October has 480 when it ends, 500 when it is sealed, and 700 now."""
    opened = Store.open(tmp_path)
    for at, amount in ((NOVEMBER, 480), (SEALED_AT, 500), (NOW, 700)):
        put(opened, "hr", "people", [ADA], at)
        put(opened, "crm", "deals", [deal(1, amount, NOVEMBER - DAY), deal(2, 5, OCTOBER - DAY)], at)
    everybody = (seal(500), seal(500, Scope.TEAM, "North"), seal(500, Scope.PERSON, "North", "Ada Lovelace"))
    opened.write_ledger(LedgerEntries(everybody))
    yield opened
    opened.close()


def values(store: Store, settings: Config, known_at: datetime | None = None) -> dict[Scope, KpiValue]:
    evaluated = Evaluator(settings, store, known_at).evaluate(NOW, None).evaluation
    return {value.scope: value for value in evaluated.kpis}


def test_before_the_period_was_sealed_the_records_count(store: Store) -> None:
    known = (SEALED_AT - DAY, SEALED_AT, NOW)
    assert [values(store, config(), at)[Scope.COMPANY].previous_value for at in known] == [480, 500, 500]
    assert [values(store, config("always"), at)[Scope.COMPANY].previous_value for at in known] == [480, 500, 700]


def test_a_kept_evaluator_compares_with_a_seal_as_soon_as_it_is_written(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    put(store, "hr", "people", [ADA])
    put(store, "crm", "deals", [deal(1, 700, NOVEMBER - DAY)])
    every = Evaluator(config(), store)
    before = every.evaluate(NOW, None).evaluation
    assert every.evaluate(NOW, None).evaluation is before
    store.write_ledger(LedgerEntries((seal(600),)))
    after = every.evaluate(NOW, None).evaluation
    store.close()
    assert [before.kpis[0].previous_value, after.kpis[0].previous_value] == [700, 600]


def test_a_period_that_was_sealed_without_a_value_has_none(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    put(store, "hr", "people", [ADA])
    put(store, "crm", "deals", [deal(1, 700, NOVEMBER - DAY)])
    store.write_ledger(LedgerEntries((seal(None),)))
    (company, team, person) = values(store, config(target=GROWTH)).values()
    store.close()
    assert (company.previous_value, company.target, company.status) == (None, None, Status.NO_TARGET)
    assert (team.previous_value, person.previous_value) == (700, 700)  # not sealed: nobody had a record


def restated_series(store: Store, settings: Config) -> dict[tuple[Any, ...], float]:
    evaluation = Evaluator(settings, store).evaluate(NOW, None).evaluation
    families = [each for each in kpi_samples(settings, evaluation) if each.family.name == "kpi_restated_value"]
    return {each.labels_of(key): value for each in families for key, value in zip(each.keys, each.values, strict=True)}


def test_restated_periods_have_a_series_with_the_newest_value_of_the_company(store: Store) -> None:
    assert restated_series(store, config()) == {}
    person = {"scope": Scope.PERSON, "team": "North", "person": "Ada Lovelace"}
    entries = (restatement(600), restatement(700, 1), restatement(9, 2, **person), restatement(5, 3, kpi="removed"))
    store.write_ledger(LedgerEntries((), entries))
    assert restated_series(store, config()) == {("monthly_revenue", "2025-10"): 700}


def test_the_number_of_restated_periods_is_bounded(store: Store) -> None:
    periods = [(f"2024-{month:02}", datetime(2024, month, 1, tzinfo=UTC)) for month in range(1, 13)]
    periods += [(f"2025-{month:02}", datetime(2025, month, 1, tzinfo=UTC)) for month in range(1, 9)]
    entries = [restatement(number, period=name, start=start) for number, (name, start) in enumerate(periods)]
    store.write_ledger(LedgerEntries((), tuple(entries)))
    series = restated_series(store, config())
    assert [period for _, period in series] == [name for name, _ in periods[-MOST_RESTATED:]]
