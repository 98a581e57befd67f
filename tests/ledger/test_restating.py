"""What becomes of a sealed month when its records, its target or its definition change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from exporter.config.fields import Status
from exporter.ledger.keeper import LedgerKeeper
from exporter.records import Person
from exporter.seals import LedgerEntries
from exporter.store.store import Store
from tests.evaluation.records import ADA, deal, put
from tests.ledger.months import BEN, DEALS, HOUR, LATER, SETTLED, keeper, october, of_october, restatements, sync


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    sync(opened)
    yield opened
    opened.close()


@pytest.fixture
def ledger(store: Store) -> LedgerKeeper:
    """The keeper of a ledger in which October is sealed."""
    sealing = keeper(store)
    sealing.update(SETTLED)
    return sealing


def test_a_late_record_restates_the_month_and_leaves_the_seal(store: Store, ledger: LedgerKeeper) -> None:
    seals = store.seals()
    sync(store, [*DEALS, deal(4, 90, october(30))], LATER)
    ledger.update(LATER)
    # 900 + 90 of Ada; nothing of Ben changed
    assert restatements(store) == {
        "company": ("late", 1100, 1190), "North": ("late", 900, 990), "Ada Lovelace": ("late", 900, 990),
    }  # fmt: skip
    company = next(each for each in store.restatements() if each.team is None)
    assert (company.previous_target_ratio, company.target_ratio) == (pytest.approx(1.1), pytest.approx(1.19))
    assert (company.period, company.previous_status, company.status) == ("2025-10", Status.EXCEEDED, Status.EXCEEDED)
    assert company.restated_at == LATER
    assert store.seals() == seals


def test_a_deleted_record(store: Store, ledger: LedgerKeeper) -> None:
    sync(store, DEALS[:2], LATER)
    ledger.update(LATER)
    # the company is at 0.9 of its target now; Ben has no record in October any more, and team South none at all
    assert restatements(store) == {
        "company": ("deleted", 1100, 900), "South": ("deleted", 200, None), "Ben": ("deleted", 200, None),
    }  # fmt: skip
    statuses = {each.person or each.team: each.status for each in store.restatements()}
    assert statuses == {None: Status.AT_RISK, "South": Status.NO_DATA, "Ben": Status.NO_DATA}
    assert of_october(store)["company"].status is Status.EXCEEDED


@pytest.mark.parametrize("closed", [datetime(2025, 10, 31, 23, tzinfo=UTC), None])
def test_a_record_that_is_dated_otherwise(store: Store, ledger: LedgerKeeper, closed: datetime | None) -> None:
    sync(store, [replace(DEALS[0], closed_at=closed), *DEALS[1:]], LATER)
    ledger.update(LATER)
    assert restatements(store) == {
        "company": ("redated", 1100, 700), "North": ("redated", 900, 500), "Ada Lovelace": ("redated", 900, 500),
    }  # fmt: skip


def test_an_edited_record(store: Store, ledger: LedgerKeeper) -> None:
    sync(store, [deal(1, 410, october(3)), *DEALS[1:]], LATER)
    ledger.update(LATER)
    assert restatements(store)["company"] == ("edited", 1100, 1110)
    # another instant within October is an edit, too: it does not decide whether the record counts
    sync(store, [deal(1, 410, october(4)), *DEALS[1:]], LATER + HOUR)
    assert ledger.update(LATER + HOUR).restatements == ()


def test_a_changed_target(store: Store, ledger: LedgerKeeper) -> None:
    changed = keeper(store, target=1200)
    changed.update(LATER)
    (restatement,) = [each for each in store.restatements() if each.period == "2025-10"]
    assert (restatement.cause.value, restatement.previous_target, restatement.target) == ("target", 1000, 1200)
    assert (restatement.previous_value, restatement.value) == (1100, 1100)
    assert (restatement.previous_status, restatement.status) == (Status.EXCEEDED, Status.AT_RISK)


def test_a_changed_formula(store: Store, ledger: LedgerKeeper) -> None:
    keeper(store, value="revenue * 2").update(LATER)
    assert restatements(store)["company"] == ("definition", 1100, 2200)
    assert restatements(store)["Ben"] == ("definition", 200, 400)


def test_a_formula_and_a_target_from_november_on_leave_october_alone(store: Store, ledger: LedgerKeeper) -> None:
    value = [{"is": "revenue"}, {"is": "revenue * 2", "since": "2025-11-01"}]
    target = [{"value": 1000}, {"value": 2000, "since": "2025-11-01"}]
    keeper(store, value=value, target=target).update(LATER)
    assert store.restatements() == ()


def test_the_next_restatement_starts_from_the_last_one_and_has_a_cause_of_its_own(
    store: Store, ledger: LedgerKeeper
) -> None:
    keeper(store, value="revenue * 2", scopes=["company"]).update(LATER)
    sync(store, [*DEALS, deal(4, 90, october(30))], LATER + HOUR)
    keeper(store, value="revenue * 2", scopes=["company"]).update(LATER + HOUR)
    of_company = [each for each in store.restatements() if each.scope.value == "company"]
    assert [(each.cause.value, each.previous_value, each.value) for each in of_company] == [
        ("definition", 1100, 2200), ("late", 2200, 2380),
    ]  # fmt: skip


def test_of_several_causes_the_strongest_is_named_for_each_result(store: Store, ledger: LedgerKeeper) -> None:
    edited = deal(3, 210, october(31, 21), owner="ben")
    sync(store, [DEALS[0], edited, deal(4, 90, october(30))], LATER)  # 2 deleted, 3 edited, 4 late
    ledger.update(LATER)
    assert {name: cause for name, (cause, *_) in restatements(store).items()} == {
        "company": "late", "North": "late", "Ada Lovelace": "late", "South": "edited", "Ben": "edited",
    }  # fmt: skip


def test_a_person_who_changes_team_later_changes_nothing(store: Store, ledger: LedgerKeeper) -> None:
    sync(store, at=LATER, people=[Person(id="ada", name="Ada Lovelace", team="South", active=True), BEN])
    ledger.update(LATER)
    assert store.restatements() == ()


def test_a_person_who_is_listed_later_is_an_edit(store: Store) -> None:
    cara = replace(BEN, id="cara", name="Cara")
    sync(store, [*DEALS, deal(4, 90, october(30), owner="cara")])
    ledger = keeper(store)
    ledger.update(SETTLED)
    put(store, "hr", "people", [ADA, BEN, cara], LATER)
    ledger.update(LATER)
    assert restatements(store) == {
        "South": ("edited", 200, 290), "cara": ("edited", 90, None), "Cara": ("edited", None, 90),
    }  # fmt: skip


def test_a_second_look_at_the_same_adds_nothing(store: Store, ledger: LedgerKeeper) -> None:
    sync(store, [*DEALS, deal(4, 90, october(30))], LATER)
    assert ledger.update(LATER).restatements
    for each in (ledger, keeper(store)):
        assert each.update(LATER + HOUR) == LedgerEntries()
        assert each.update(LATER + 3 * HOUR) == LedgerEntries()


def test_a_keeper_that_starts_later_finds_what_changed_meanwhile(store: Store, ledger: LedgerKeeper) -> None:
    sync(store, [*DEALS, deal(4, 90, october(30))], LATER)
    keeper(store).update(LATER + HOUR)
    assert restatements(store)["company"] == ("late", 1100, 1190)


def test_changes_that_cannot_reach_a_month_are_not_looked_into(
    store: Store, ledger: LedgerKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(store, [*DEALS, deal(4, 90, LATER)], LATER)
    monkeypatch.setattr("exporter.ledger.closing.HistoryQueries", lambda *_, **__: pytest.fail("asked"))
    assert ledger.update(LATER) == LedgerEntries()
    assert ledger.update(LATER + 2 * HOUR) == LedgerEntries()


def test_older_months_wait_for_an_hour_after_their_last_look(store: Store, ledger: LedgerKeeper) -> None:
    ledger.update(SETTLED + timedelta(seconds=10))
    september = deal(5, 60, datetime(2025, 9, 25, tzinfo=UTC))
    sync(store, [*DEALS, deal(4, 90, october(30)), september], SETTLED + HOUR / 2)
    periods = [
        {each.period for each in ledger.update(at).restatements}
        for at in (SETTLED + HOUR / 2, SETTLED + HOUR - timedelta(seconds=1), SETTLED + HOUR)
    ]
    assert periods == [{"2025-10"}, set(), {"2025-09"}]


def test_a_value_that_differs_by_rounding_is_the_same(store: Store, ledger: LedgerKeeper) -> None:
    # a tenth of a cent in 1100 is a difference, a billionth of one is rounding
    for number, (amount, expected) in enumerate([("400.00000000001", 0), ("400.001", 3)]):
        at = LATER + number * HOUR
        sync(store, [replace(DEALS[0], amount=Decimal(amount)), *DEALS[1:]], at)
        assert len(ledger.update(at).restatements) == expected


def test_a_source_that_falls_behind_restates_nothing(store: Store, ledger: LedgerKeeper) -> None:
    # a new source that was never read makes the numbers of the month incomplete, not different
    sync(store, [*DEALS, deal(4, 90, october(30))], LATER)
    csv = {"provider": "csv", "path": "x.csv", "columns": {"id": "id"}}
    sources = [
        {"name": name, "entity": entity, **csv}
        for name, entity in (("crm", "deals"), ("hr", "people"), ("erp", "deals"))
    ]
    third = keeper(store, sources=sources)
    third.update(LATER)
    assert store.restatements() == ()
    put(store, "erp", "deals", [], LATER + HOUR)
    third.update(LATER + 2 * HOUR)
    assert restatements(store)["company"] == ("definition", 1100, 1190)


def test_a_level_is_restated_by_what_was_open_at_the_end(store: Store) -> None:
    open_ones = [deal(7, 1, None), deal(8, 1, datetime(2025, 11, 2, tzinfo=UTC))]
    sync(store, [*DEALS, *open_ones], LATER)
    ledger = keeper(store, value="open_deals", scopes=["company"], target=1)
    ledger.update(LATER)
    assert of_october(store)["company"].value == 2
    sync(store, [*DEALS, open_ones[0], deal(8, 1, october(30))], LATER + HOUR)
    ledger.update(LATER + HOUR)
    assert restatements(store)["company"] == ("redated", 2, 1)


def test_a_scope_that_the_kpi_no_longer_has_is_not_restated(store: Store, ledger: LedgerKeeper) -> None:
    keeper(store, scopes=["company"]).update(LATER)
    assert store.restatements() == ()


def test_a_scope_that_the_kpi_has_from_now_on_had_no_result(store: Store) -> None:
    keeper(store, scopes=["company"]).update(SETTLED)
    keeper(store, scopes=["company", "team"]).update(LATER)
    assert restatements(store) == {"North": ("definition", None, 900), "South": ("definition", None, 200)}
