"""What a later period is compared with after an earlier one was restated."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exporter.commands import backfill
from exporter.config.fields import Scope
from exporter.evaluation.evaluator import Evaluator
from exporter.kpi.values import KpiValue
from exporter.store.store import Store
from tests.evaluation.records import deal
from tests.ledger.months import DEALS, HOUR, LATER, SETTLED, config, keeper, october, sync

GROWTH = {"growth": "10%", "over": "previous"}
SEPTEMBER = deal(8, 500, datetime(2025, 9, 25, tzinfo=UTC), created_at=datetime(2025, 8, 1, tzinfo=UTC))
OLD = deal(7, 10, datetime(2025, 7, 15, tzinfo=UTC), created_at=datetime(2025, 7, 1, tzinfo=UTC))
LATE = deal(9, 100, october(30))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


def company(store: Store, at: datetime, known_at: datetime | None = None, **changes: Any) -> KpiValue:
    values = Evaluator(config(**changes), store, known_at).evaluate(at, None).evaluation.kpis
    (value,) = (value for value in values if value.scope is Scope.COMPANY)
    return value


@pytest.mark.parametrize(("restate", "october_counts"), [("never", 1100), ("always", 1200)])
def test_the_previous_value_and_growth_follow_the_seal_unless_they_are_restated(
    store: Store, restate: str, october_counts: float
) -> None:
    changes: dict[str, Any] = {"target": GROWTH, "history": {"restate": restate}}
    sync(store, [*DEALS, OLD])
    assert company(store, SETTLED, **changes).previous_value == 1100
    keeper(store, **changes).update(SETTLED)
    sync(store, [*DEALS, OLD, LATE], LATER)
    value = company(store, LATER, **changes)
    assert value.previous_value == october_counts
    assert value.target == pytest.approx(1.1 * october_counts)


def test_teams_and_people_follow_their_own_seals(store: Store) -> None:
    sync(store)
    keeper(store).update(SETTLED)
    november = deal(10, 1, LATER - HOUR), deal(11, 1, LATER - HOUR, owner="ben")
    sync(store, [*DEALS, LATE, *november], LATER)
    values = Evaluator(config(), store).evaluate(LATER, None).evaluation.kpis
    assert {value.person or value.team: value.previous_value for value in values} == {
        None: 1100, "North": 900, "South": 200, "Ada Lovelace": 900, "Ben": 200,
    }  # fmt: skip


def test_a_question_about_what_was_known_before_the_seal_does_not_see_it(store: Store) -> None:
    sync(store, at=SETTLED - 2 * HOUR)
    keeper(store).update(SETTLED)
    sync(store, [*DEALS[1:]], LATER)
    assert company(store, LATER).previous_value == 1100
    assert company(store, LATER, SETTLED - HOUR).previous_value == 1100
    assert company(store, LATER, LATER).previous_value == 1100


@pytest.mark.parametrize(("restate", "restated"), [("never", {"2025-09"}), ("always", {"2025-09", "2025-10"})])
def test_a_target_that_grows_from_a_restated_month_stays_as_sealed(
    store: Store, restate: str, restated: set[str]
) -> None:
    # October should grow by 10 % over the 500 of September; 50 more of September arrive late
    changes: dict[str, Any] = {"target": GROWTH, "history": {"restate": restate}, "scopes": ["company"]}
    sync(store, [*DEALS, OLD, SEPTEMBER])
    ledger = keeper(store, **changes)
    ledger.update(SETTLED)
    targets = {seal.period: seal.target for seal in store.seals()}
    assert targets["2025-10"] == pytest.approx(550)
    late = deal(9, 50, datetime(2025, 9, 26, tzinfo=UTC), created_at=datetime(2025, 8, 1, tzinfo=UTC))
    sync(store, [*DEALS, OLD, SEPTEMBER, late], LATER)
    for at in (LATER, LATER + timedelta(hours=2)):
        ledger.update(at)
    entries = {each.period: each for each in store.restatements()}
    assert set(entries) == restated
    if restate == "always":
        assert (entries["2025-10"].target, entries["2025-10"].cause.value) == (pytest.approx(605), "late")


def test_a_backfill_compares_with_sealed_months_too(store: Store, tmp_path: Path) -> None:
    sync(store)
    keeper(store).update(SETTLED)
    sync(store, [*DEALS, LATE], LATER)
    for restate, expected in (("never", 1100), ("always", 1200)):
        out = tmp_path / f"{restate}.om"
        settings = config(history={"restate": restate})
        backfill.write(settings, store, lambda _: [LATER], out, clock=lambda: LATER, on_progress=lambda *_: None)
        assert f'kpi_previous_value{{kpi="monthly_revenue"}} {expected}.0 {LATER.timestamp():.0f}' in out.read_text()
