"""When a month is sealed, and what a seal says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exporter.config.fields import Scope, Status
from exporter.errors import StoreError
from exporter.ledger import keeper as keeper_module
from exporter.seals import LedgerEntries
from exporter.store import ledger as store_ledger
from exporter.store.store import Store
from tests.evaluation.records import deal, put
from tests.ledger.months import DEALS, HOUR, LATER, SETTLED, keeper, october, of_october, sync

SECOND = timedelta(seconds=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


def test_a_month_is_sealed_when_the_third_workday_after_it_is_over_and_not_before(store: Store) -> None:
    sync(store, at=SETTLED - HOUR)
    ledger = keeper(store)
    ledger.update(SETTLED - SECOND)
    assert of_october(store) == {}
    ledger.update(SETTLED)
    assert {name: seal.value for name, seal in of_october(store).items()} == {
        "company": 1100, "North": 900, "South": 200, "Ada Lovelace": 900, "Ben": 200,
    }  # fmt: skip


def test_a_seal_has_the_result_and_what_it_rests_on(store: Store) -> None:
    sync(store, at=SETTLED - HOUR)
    keeper(store).update(SETTLED)
    company, ada = of_october(store)["company"], of_october(store)["Ada Lovelace"]
    assert (company.kpi, company.scope, company.team, company.person) == ("monthly_revenue", Scope.COMPANY, None, None)
    assert company.start == datetime(2025, 9, 30, 22, tzinfo=UTC)
    assert company.end == datetime(2025, 10, 31, 23, tzinfo=UTC)
    assert (company.target, company.target_ratio) == (1000, pytest.approx(1.1))
    assert (company.status, company.coverage) == (Status.EXCEEDED, 1.0)
    assert (company.watermark, company.sealed_at) == (SETTLED - HOUR, SETTLED)
    assert (ada.team, ada.target, ada.status) == ("North", None, Status.NO_TARGET)
    assert ada.definition_digest == company.definition_digest != company.target_digest


def test_settling_is_a_setting(store: Store) -> None:
    # Friday 31 October: with 0 workdays October is final at once, on Saturday the 1st
    end = datetime(2025, 10, 31, 23, tzinfo=UTC)
    sync(store, at=end)
    keeper(store, history={"settling": 0}).update(end)
    assert of_october(store)["company"].value == 1100


def test_a_month_is_not_sealed_while_a_source_is_behind(store: Store) -> None:
    put(store, "hr", "people", [])
    put(store, "crm", "deals", DEALS, at=datetime(2025, 10, 31, 22, 59, tzinfo=UTC))
    ledger = keeper(store)
    ledger.update(LATER)
    assert of_october(store) == {}
    put(store, "crm", "deals", DEALS, at=datetime(2025, 10, 31, 23, tzinfo=UTC))
    ledger.update(LATER + SECOND)
    assert of_october(store)["company"].value == 1100


def test_teams_are_not_sealed_before_the_people_were_read(store: Store) -> None:
    put(store, "crm", "deals", DEALS, at=SETTLED)
    keeper(store).update(SETTLED)
    assert store.seals() == ()
    keeper(store, scopes=["company"]).update(SETTLED)
    assert of_october(store)["company"].value == 1100


def test_the_first_run_seals_every_month_with_records_within_the_retention_of_versions(store: Store) -> None:
    old = [deal(5, 70, datetime(2024, 1, 5, tzinfo=UTC)), deal(6, 80, datetime(2025, 3, 5, tzinfo=UTC))]
    sync(store, [*DEALS, *old])
    keeper(store, scopes=["company"], history={"retention": "251d"}).update(SETTLED)
    # 251 days before then it is the night to 28 February, and February ends later
    assert {seal.period: seal.value for seal in store.seals()} == {
        "2025-02": 0, "2025-03": 80, "2025-04": 0, "2025-05": 0, "2025-06": 0,
        "2025-07": 0, "2025-08": 0, "2025-09": 0, "2025-10": 1100,
    }  # fmt: skip
    assert {seal.sealed_at for seal in store.seals()} == {SETTLED}


def test_months_before_the_first_record_are_not_sealed(store: Store) -> None:
    sync(store)  # the deals were created on 20 September
    keeper(store, scopes=["company"]).update(SETTLED)
    assert [seal.period for seal in store.seals()] == ["2025-09", "2025-10"]


def test_a_long_history_is_sealed_in_pieces_newest_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_module, "MOST_SPANS", 1)
    sync(store)
    ledger = keeper(store, scopes=["company"])
    sealed = [[seal.period for seal in ledger.update(SETTLED + n * SECOND).seals] for n in range(3)]
    assert sealed == [["2025-10"], ["2025-09"], []]


def test_a_month_is_sealed_once(store: Store) -> None:
    sync(store)
    ledger = keeper(store)
    ledger.update(SETTLED)
    first = store.seals()
    assert ledger.update(SETTLED + SECOND) == ledger.update(LATER) == LedgerEntries()
    assert keeper(store).update(LATER + HOUR) == LedgerEntries()
    assert store.seals() == first


@pytest.mark.parametrize(
    ("period", "names"),
    [
        ("day", ["2025-10-24", "2025-10-25", "2025-10-26", "2025-10-27"]),
        ("week", ["2025-W43"]),
        ("quarter", []),
    ],
)
def test_days_of_25_hours_and_weeks_around_them_are_sealed_whole(store: Store, period: str, names: list[str]) -> None:
    # the clock goes back on Sunday the 26th: 22:00 UTC is Saturday's midnight, 23:00 UTC Sunday's
    deals = [
        deal(1, 1, datetime(2025, 10, 24, 22, tzinfo=UTC), created_at=october(24)),
        deal(2, 20, datetime(2025, 10, 25, 22, tzinfo=UTC), created_at=october(24)),
        deal(3, 300, datetime(2025, 10, 26, 22, 59, tzinfo=UTC), created_at=october(24)),
        deal(4, 4000, datetime(2025, 10, 26, 23, tzinfo=UTC), created_at=october(24)),
    ]
    sync(store, deals, at=datetime(2025, 10, 30, 23, tzinfo=UTC))
    keeper(store, scopes=["company"], period=period).update(datetime(2025, 10, 30, 23, tzinfo=UTC))
    values = {"2025-10-24": 0, "2025-10-25": 1, "2025-10-26": 320, "2025-10-27": 4000, "2025-W43": 321}
    assert {seal.period: seal.value for seal in store.seals()} == {name: values[name] for name in names}


def test_a_write_that_fails_leaves_nothing_and_the_next_update_seals(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(store)
    ledger = keeper(store)
    with monkeypatch.context() as broken:
        broken.setattr(store_ledger, "_DELETE_LOOKS", "DELETE FROM nowhere WHERE kpi = ?")
        with pytest.raises(StoreError):
            ledger.update(SETTLED)
    assert store.seals() == ()
    ledger.update(SETTLED + SECOND)
    assert of_october(store)["company"].value == 1100


def test_a_metric_that_fails_holds_back_its_own_kpi_alone(store: Store) -> None:
    sync(store)
    broken = {"name": "broken", "title": "Broken", "entity": "deals", "at": "closed_at", "sum": "stage"}
    metrics = [*({"name": "revenue", "title": "R", "entity": "deals", "at": "closed_at", "sum": "amount"},), broken]
    ledger = keeper(store, metrics=metrics, value="broken", scopes=["company"])
    assert ledger.update(SETTLED) == LedgerEntries()
    assert store.seals() == ()
