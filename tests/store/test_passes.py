"""How passes begin, go on after an interruption, and what they leave behind."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from exporter.errors import Reason, StoreError
from exporter.passes import Listing, Page, Pass
from exporter.records import Deal
from exporter.store.merge import MergeResult
from exporter.store.state import Outcome
from exporter.store.store import Store
from tests.store.samples import HOUR, NOW, deal, everything, live, read, versions, watermarks


def known(store: Store) -> Outcome:
    (outcome,) = store.outcomes()
    return outcome


def test_a_first_pass_is_full_and_the_next_goes_on_from_its_cursor(store: Store) -> None:
    assert store.begin("crm", "deals", NOW) == Pass("deals", NOW)
    store.publish("crm", "deals", cursor="c1", at=NOW + HOUR)
    assert store.begin("crm", "deals", NOW + 2 * HOUR) == Pass("deals", NOW + 2 * HOUR, "c1")
    assert store.begin("crm", "deals", NOW + 2 * HOUR, full=True) == Pass("deals", NOW + 2 * HOUR)


def test_without_a_cursor_every_pass_is_full(store: Store) -> None:
    for _ in range(2):
        assert store.begin("crm", "deals", NOW).cursor is None
        store.publish("crm", "deals")


def test_a_pass_that_says_nothing_keeps_the_cursor(store: Store) -> None:
    read(store, deal(1), cursor="c1")
    store.begin("crm", "deals", NOW + HOUR)
    assert store.publish("crm", "deals", at=NOW + 2 * HOUR, seconds=3.5) == MergeResult()
    assert known(store).cursor == "c1"
    assert known(store).watermark == NOW + HOUR
    assert known(store).last_success == NOW + 2 * HOUR
    assert known(store).last_full == NOW
    assert known(store).seconds == 3.5


def test_a_pass_from_a_cursor_that_listed_everything_counts_as_a_full_one(store: Store) -> None:
    read(store, deal(1), deal(2), cursor="c1")
    asked = store.begin("crm", "deals", NOW + HOUR)
    store.stage(asked, "crm", Page((deal(2),)))
    assert store.publish("crm", "deals", cursor="c2", listing=Listing(), at=NOW + HOUR).deleted == 1
    assert known(store).last_full == NOW + HOUR


def test_publishing_what_was_never_begun_is_an_error(store: Store) -> None:
    with pytest.raises(StoreError, match="crm deals has no unfinished pass"):
        store.publish("crm", "deals")
    read(store, deal(1))
    with pytest.raises(StoreError):
        store.publish("crm", "deals", full=True)


def test_the_watermark_is_the_start_of_the_pass_less_the_lag(store: Store) -> None:
    read(store, deal(1), at=NOW, lag=timedelta(minutes=2))
    assert watermarks(store) == {("crm", "deals"): NOW - timedelta(minutes=2)}


def test_the_watermark_goes_back_only_from_the_future(store: Store) -> None:
    read(store, at=NOW + HOUR)
    store.begin("crm", "deals", NOW)
    store.publish("crm", "deals", at=NOW + 2 * HOUR)
    assert known(store).watermark == NOW + HOUR
    store.begin("crm", "deals", NOW)
    store.publish("crm", "deals", at=NOW)  # the clock had been an hour fast
    assert known(store).watermark == NOW


def test_an_interrupted_pass_goes_on_where_it_was(store: Store) -> None:
    asked = store.begin("crm", "deals", NOW)
    store.stage(asked, "crm", Page((deal(1),), resume="r1"))
    store.stage(asked, "crm", Page((deal(2),), resume="r2"))
    again = store.begin("crm", "deals", NOW + HOUR)
    assert again == Pass("deals", NOW, resume="r2")
    store.stage(again, "crm", Page((deal(3),)))
    assert store.publish("crm", "deals", cursor="c", listing=everything()) == MergeResult(new=3)
    assert known(store).watermark == NOW


def test_it_goes_on_in_another_process(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.stage(store.begin("crm", "deals", NOW), "crm", Page((deal(1, 1),), resume="r1"))
    store.close()
    store = Store.open(tmp_path)
    again = store.begin("crm", "deals", NOW + HOUR)
    assert again == Pass("deals", NOW, resume="r1")
    store.stage(again, "crm", Page((deal(1, 1, name="later"),)))  # arrives after what the first process staged
    store.publish("crm", "deals")
    with store.reading() as connection:
        assert connection.execute("SELECT name FROM deals").fetchall() == [("later",)]
    store.close()


def test_a_pass_whose_last_page_cannot_be_resumed_starts_again(store: Store) -> None:
    asked = store.begin("crm", "deals", NOW)
    store.stage(asked, "crm", Page((deal(1),), resume="r1"))
    store.stage(asked, "crm", Page((deal(2),)))
    assert store.begin("crm", "deals", NOW + HOUR) == Pass("deals", NOW + HOUR)
    assert store.publish("crm", "deals", cursor="c") == MergeResult()
    assert live(store) == []


@pytest.mark.parametrize("later", [timedelta(days=8), -HOUR], ids=["too long ago", "in the future"])
def test_an_interrupted_pass_of_another_time_starts_again(store: Store, later: timedelta) -> None:
    store.stage(store.begin("crm", "deals", NOW), "crm", Page((deal(1),), resume="r1"))
    assert store.begin("crm", "deals", NOW + later) == Pass("deals", NOW + later)


def test_a_pass_that_keeps_being_taken_up_does_not_age(store: Store) -> None:
    store.stage(store.begin("crm", "deals", NOW), "crm", Page((deal(1),), resume="r1"))
    for days in (5, 10, 15):
        assert store.begin("crm", "deals", NOW + timedelta(days=days)).resume == "r1"


def test_an_incremental_pass_does_not_go_on_after_its_cursor_moved(store: Store) -> None:
    read(store, cursor="c1")
    store.stage(store.begin("crm", "deals", NOW), "crm", Page((deal(1),), resume="r1"))
    assert store.begin("crm", "deals", NOW).resume == "r1"
    store.begin("crm", "deals", NOW, full=True)
    store.publish("crm", "deals", full=True, cursor="c2")
    assert store.begin("crm", "deals", NOW) == Pass("deals", NOW, "c2")


def test_an_abandoned_pass_starts_again(store: Store) -> None:
    asked = store.begin("crm", "deals", NOW)
    store.stage(asked, "crm", Page((deal(1),), resume="r1"))
    store.fail("crm", "deals", Reason.CAPPED, NOW, abandon=asked)
    assert store.begin("crm", "deals", NOW + HOUR) == Pass("deals", NOW + HOUR)


def test_a_failed_pass_leaves_everything_as_it_was_and_its_pages_for_the_next(store: Store) -> None:
    read(store, deal(1), cursor="c1")
    before, old_versions = known(store), versions(store)
    asked = store.begin("crm", "deals", NOW + HOUR)
    store.stage(asked, "crm", Page((deal(2),), resume="r1"))
    store.fail("crm", "deals", Reason.TIMEOUT, NOW + HOUR, retry_at=NOW + 2 * HOUR)
    failed = known(store)
    assert (failed.failures, failed.reason, failed.failed_at) == (1, Reason.TIMEOUT, NOW + HOUR)
    assert failed.retry_at == NOW + 2 * HOUR
    assert failed.staged == 1
    assert (failed.cursor, failed.watermark, failed.last_success) == (before.cursor, before.watermark, NOW)
    assert (versions(store), live(store)) == (old_versions, ["1"])
    store.fail("crm", "deals", Reason.DNS, NOW + HOUR)
    assert (known(store).failures, known(store).retry_at) == (2, None)
    assert store.begin("crm", "deals", NOW + HOUR).resume == "r1"
    store.publish("crm", "deals", cursor="c2")
    assert (known(store).failures, known(store).reason, known(store).staged) == (0, None, 0)
    assert live(store) == ["1", "2"]


def test_other_options_force_a_full_pass(store: Store) -> None:
    store.begin("crm", "deals", NOW, fingerprint="a")
    store.publish("crm", "deals", cursor="c1")
    asked = store.begin("crm", "deals", NOW, fingerprint="a")
    store.stage(asked, "crm", Page((deal(1),), resume="r1"))
    assert store.begin("crm", "deals", NOW, fingerprint="b") == Pass("deals", NOW)
    assert known(store).staged == 0
    assert store.publish("crm", "deals") == MergeResult()
    assert known(store).cursor is None
    assert known(store).fingerprint == "b"


def test_other_options_drop_what_an_interrupted_full_pass_brought(store: Store) -> None:
    store.stage(store.begin("crm", "deals", NOW, fingerprint="a"), "crm", Page((deal(1),), resume="r1"))
    assert store.begin("crm", "deals", NOW, fingerprint="b") == Pass("deals", NOW)
    assert known(store).staged == 0


def paused(store: Store) -> Pass:
    """A full pass that has listed deal 1 of the stored 1 and 2, and waits."""
    read(store, deal(1), deal(2), cursor="c1")
    asked = store.begin("crm", "deals", NOW + HOUR, full=True)
    store.stage(asked, "crm", Page((deal(1),), resume="r1"))
    return asked


def test_changes_published_while_a_full_pass_waits_survive_its_listing(store: Store) -> None:
    paused(store)
    read(store, deal(1, 5, name="changed"), deal(3, 5), at=NOW + 5 * HOUR, cursor="c2")
    going_on = store.begin("crm", "deals", NOW + 6 * HOUR, full=True)
    assert going_on == Pass("deals", NOW + HOUR, resume="r1")
    merged = store.publish("crm", "deals", full=True, cursor="c1.5", listing=everything(), at=NOW + 6 * HOUR)
    assert merged == MergeResult(unchanged=1, deleted=1)
    assert live(store) == ["1", "3"]
    with store.reading() as connection:
        assert connection.execute("SELECT name FROM deals WHERE id = '1'").fetchall() == [("changed",)]
    assert known(store).cursor == "c2", "an older cursor would read the same again"
    assert known(store).watermark == NOW + 5 * HOUR
    assert known(store).last_full == NOW + 6 * HOUR


def test_deletions_published_while_a_full_pass_waits_stay(store: Store) -> None:
    paused(store)
    read(store, Deal(id="1", deleted=True), at=NOW + 5 * HOUR, cursor="c2")
    store.begin("crm", "deals", NOW + 6 * HOUR, full=True)
    store.publish("crm", "deals", full=True, listing=everything())
    assert live(store) == []


def test_a_full_pass_that_nobody_overtook_sets_the_cursor(store: Store) -> None:
    paused(store)
    store.begin("crm", "deals", NOW + 6 * HOUR, full=True)
    store.publish("crm", "deals", full=True, cursor="c1.5", listing=everything())
    assert known(store).cursor == "c1.5"


def test_both_kinds_of_pass_can_be_told_apart_when_publishing(store: Store) -> None:
    paused(store)
    store.begin("crm", "deals", NOW + 2 * HOUR)
    store.publish("crm", "deals", full=False, cursor="c2")
    assert known(store).last_full == NOW
    store.publish("crm", "deals")
    assert known(store).last_full == NOW + HOUR
