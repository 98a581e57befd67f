"""What a value could not take into account: rejected records, and records whose time is unknown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exporter.config.fields import Status
from exporter.config.root import Config
from exporter.errors import InvalidRecordError, Reason
from exporter.evaluation.evaluator import Evaluator
from exporter.kpi.values import KpiValue
from exporter.passes import Listing, Page
from exporter.records import Deal
from exporter.store.store import Store
from tests.evaluation.records import NOW, deal, small_config

DAY = timedelta(days=1)
RECEIVED = {"name": "received", "title": "Received", "entity": "deals", "at": "created_at", "count": "rows"}
WON = {**RECEIVED, "name": "won", "at": "closed_at", "where": {"status": "won"}}
OPEN = {**RECEIVED, "name": "open", "during": {"from": "created_at", "until": "closed_at"}}
del OPEN["at"]
IN_SHOP = {**RECEIVED, "name": "in_shop", "where": {"source": "shop"}}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "data")
    yield opened
    opened.close()


def config(value: str = "received", **settings: Any) -> Config:
    """A company KPI on deals, which come from `crm` and `shop`."""
    source = {"provider": "csv", "path": "x.csv", "columns": {"id": "id"}, "entity": "deals"}
    kpi = small_config().kpis[0].model_dump(by_alias=True, mode="json", exclude_none=True)
    return small_config(
        sources=[{**source, "name": "crm"}, {**source, "name": "shop"}],
        metrics=[RECEIVED, WON, OPEN, IN_SHOP],
        kpis=[{**kpi, "value": value, "unit": "count", "scopes": ["company"], "pace": "none", "target": 1, **settings}],
    )


def received(*numbers: int, at: datetime | None = NOW - DAY, closed: datetime | None = None) -> list[Deal]:
    return [deal(number, 100, closed, created_at=at) for number in numbers]


def bad(*ids: int | None) -> tuple[InvalidRecordError, ...]:
    """Rejections, of rows without an id where it is None."""
    errors = [None if key is None else str(key) for key in ids]
    return tuple(InvalidRecordError(Reason.BAD_TIME, "created_at", record_id=key) for key in errors)


def full_pass(
    store: Store, records: Sequence[Deal], rejected: tuple[InvalidRecordError, ...] = (), source: str = "crm"
) -> None:
    sync_pass = store.begin(source, "deals", NOW, full=True)
    store.stage(sync_pass, source, Page(tuple(records), rejected))
    store.publish(source, "deals", full=True, cursor="c", listing=Listing(), at=NOW)


def filled(store: Store, records: Sequence[Deal], rejected: tuple[InvalidRecordError, ...] = ()) -> None:
    """What `crm` delivered; `shop` has nothing."""
    full_pass(store, records, rejected)
    full_pass(store, [], source="shop")


def kpi(store: Store, of: Config | None = None, at: datetime = NOW) -> KpiValue:
    (value,) = Evaluator(of or config(), store).evaluate(at, None).evaluation.kpis
    return value


def coverage(store: Store, value: str = "received", at: datetime = NOW) -> float:
    covered = kpi(store, config(value), at).coverage
    assert covered is not None
    return covered


def test_three_rejected_of_ten_rows_leave_seven_tenths(store: Store) -> None:
    filled(store, received(*range(7)), bad(7, 8, None))
    assert kpi(store).value == 7
    assert coverage(store) == pytest.approx(0.7)


def test_two_undated_of_ten_records_leave_eight_tenths(store: Store) -> None:
    filled(store, received(*range(8)) + received(8, 9, at=None))
    assert kpi(store).value == 8
    assert coverage(store) == coverage(store, "open") == pytest.approx(0.8)


def test_rejected_and_undated_records_both_count(store: Store) -> None:
    # of 10 delivered, 3 are rejected and 1 has no time
    filled(store, received(*range(6)) + received(6, at=None), bad(7, 8, 9))
    assert coverage(store) == pytest.approx(0.6)


def test_a_deal_that_is_not_closed_is_not_undated(store: Store) -> None:
    filled(store, received(*range(6)) + received(6, 7, closed=NOW - DAY) + received(8, at=None, closed=NOW - DAY))
    assert kpi(store, config("won")).value == 3
    assert coverage(store, "won") == 1


def test_a_rejected_record_may_be_any_of_those_behind_a_closing_time(store: Store) -> None:
    # 9 of 10 deals were accepted, whether they are closed or not
    filled(store, received(*range(8)) + received(8, closed=NOW - DAY), bad(9))
    assert coverage(store, "won") == pytest.approx(0.9)


def test_corrected_rows_make_it_whole_again(store: Store) -> None:
    evaluator = Evaluator(config(), store)
    filled(store, received(*range(7)), bad(7, 8, None))
    assert evaluator.evaluate(NOW, None).evaluation.kpis[0].coverage == pytest.approx(0.7)
    full_pass(store, received(*range(10)))
    assert evaluator.evaluate(NOW, None).evaluation.kpis[0].coverage == 1


def test_it_changes_although_no_row_did(store: Store) -> None:
    evaluator = Evaluator(config(), store)
    filled(store, received(*range(7)), bad(7, 8, None))
    first = evaluator.evaluate(NOW, None).evaluation
    full_pass(store, received(*range(7)))
    second = evaluator.evaluate(NOW, None).evaluation
    assert (first.kpis[0].coverage, second.kpis[0].coverage) == (pytest.approx(0.7), 1)


def test_a_pass_that_was_killed_and_resumed_counts_all_it_rejected(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    full_pass(store, [], source="shop")
    sync_pass = store.begin("crm", "deals", NOW, full=True)
    store.stage(sync_pass, "crm", Page(tuple(received(*range(4))), bad(7, None), resume="r"))
    store.close()
    store = Store.open(tmp_path)
    again = store.begin("crm", "deals", NOW + DAY, full=True)
    store.stage(again, "crm", Page(tuple(received(4, 5, 6)), bad(8)))
    store.publish("crm", "deals", full=True, cursor="c", listing=Listing(), at=NOW)
    assert coverage(store) == pytest.approx(0.7)
    store.close()


def test_other_sources_do_not_matter_where_the_metric_names_one(store: Store) -> None:
    full_pass(store, received(*range(9)), bad(9), source="shop")
    full_pass(store, received(*range(5)) + received(5, 6, at=None), bad(7, 8, 9))
    assert coverage(store, "in_shop") == pytest.approx(0.9)
    assert coverage(store) == pytest.approx(14 / 20)


def test_a_formula_is_as_complete_as_its_least_complete_metric(store: Store) -> None:
    filled(store, received(*range(8), closed=NOW - DAY) + received(8, 9, at=None))
    assert coverage(store, "won") == 1
    assert coverage(store, "won / received") == pytest.approx(0.8)


def test_what_is_missing_now_is_missing_from_every_past_instant(store: Store) -> None:
    filled(store, received(*range(7), at=NOW - 40 * DAY), bad(7, 8, 9))
    assert coverage(store, at=NOW - 30 * DAY) == pytest.approx(0.7)


def test_a_value_that_rests_on_less_than_half_of_its_records_is_withheld(store: Store) -> None:
    filled(store, received(*range(4)), bad(*range(4, 10)))
    value = kpi(store)
    assert (value.value, value.target_ratio, value.status) == (None, None, Status.NO_DATA)
    assert value.coverage == pytest.approx(0.4)
    assert value.reason == "only 40 % of the records could be used, 50 % are required"
    full_pass(store, received(*range(5)), bad(*range(5, 10)))
    assert (kpi(store).value, kpi(store).coverage) == (5, 0.5)


def test_too_little_is_known_whether_or_not_there_is_a_target(store: Store) -> None:
    filled(store, received(*range(4)), bad(*range(4, 10)))
    value = kpi(store, config(target=None))
    assert (value.status, value.reason) == (Status.NO_DATA, "only 40 % of the records could be used, 50 % are required")


def test_growth_over_records_of_which_too_many_are_missing_has_no_target(store: Store) -> None:
    records = received(*range(17), at=NOW - 30 * DAY) + received(17, at=NOW - 60 * DAY)
    filled(store, records, bad(18))
    growth = config(target={"growth": "10%", "over": "previous"})
    value = kpi(store, growth)  # 18 of 19 were accepted: 94.7 %
    assert (value.previous_value, value.target, value.status) == (17, None, Status.NO_TARGET)
    assert value.reason == "only 94 % of the records of the reference period could be used"
    full_pass(store, [*records, *received(19, at=NOW - 30 * DAY)], bad(18))
    assert kpi(store, growth).target == pytest.approx(18 * 1.1)  # 19 of 20: 95 %
