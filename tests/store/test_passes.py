"""How passes begin and resume, and what they leave behind."""

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
from tests.store.samples import HOUR, NOW, deal, everything, live, read, rows, versions, watermarks


def outcome_of(store: Store) -> Outcome:
    (outcome,) = store.outcomes()
    return outcome


def test_the_first_pass_is_full_and_the_next_starts_at_its_cursor(store: Store) -> None:
    assert store.begin("crm", "deals", NOW) == Pass("deals", NOW)
    store.publish("crm", "deals", cursor="c1", at=NOW + HOUR)
    assert store.begin("crm", "deals", NOW + 2 * HOUR) == Pass("deals", NOW + 2 * HOUR, "c1")
    assert store.begin("crm", "deals", NOW + 2 * HOUR, full=True) == Pass("deals", NOW + 2 * HOUR)


def test_without_a_cursor_every_pass_is_full(store: Store) -> None:
    for _ in range(2):
        assert store.begin("crm", "deals", NOW).cursor is None
        store.publish("crm", "deals")


def test_a_pass_without_a_cursor_keeps_the_stored_one(store: Store) -> None:
    read(store, deal(1), cursor="c1")
    store.begin("crm", "deals", NOW + HOUR)
    assert store.publish("crm", "deals", at=NOW + 2 * HOUR, seconds=3.5) == MergeResult()
    assert outcome_of(store).cursor == "c1"
    assert outcome_of(store).watermark == NOW + HOUR
    assert outcome_of(store).last_success == NOW + 2 * HOUR
    assert outcome_of(store).last_full == NOW
    assert outcome_of(store).seconds == 3.5


def test_an_incremental_pass_with_a_listing_counts_as_full(store: Store) -> None:
    read(store, deal(1), deal(2), cursor="c1")
    sync_pass = store.begin("crm", "deals", NOW + HOUR)
    store.stage(sync_pass, "crm", Page((deal(2),)))
    assert store.publish("crm", "deals", cursor="c2", listing=Listing(), at=NOW + HOUR).deleted == 1
    assert outcome_of(store).last_full == NOW + HOUR


def test_publishing_without_a_pass_is_an_error(store: Store) -> None:
    with pytest.raises(StoreError, match="crm deals has no unfinished pass"):
        store.publish("crm", "deals")
    read(store, deal(1))
    with pytest.raises(StoreError):
        store.publish("crm", "deals", full=True)


def test_the_watermark_is_the_start_of_the_pass_minus_the_lag(store: Store) -> None:
    read(store, deal(1), at=NOW, lag=timedelta(minutes=2))
    assert watermarks(store) == {("crm", "deals"): NOW - timedelta(minutes=2)}


def test_the_watermark_goes_back_only_if_it_is_in_the_future(store: Store) -> None:
    read(store, at=NOW + HOUR)
    store.begin("crm", "deals", NOW)
    store.publish("crm", "deals", at=NOW + 2 * HOUR)
    assert outcome_of(store).watermark == NOW + HOUR
    store.begin("crm", "deals", NOW)
    store.publish("crm", "deals", at=NOW)  # the clock had been an hour fast
    assert outcome_of(store).watermark == NOW


def test_a_source_that_is_complete_up_to_an_earlier_instant_has_that_watermark(store: Store) -> None:
    read(store, deal(1), at=NOW, complete_until=NOW - 83 * 24 * HOUR)
    assert outcome_of(store).watermark == NOW - 83 * 24 * HOUR
    assert outcome_of(store).last_success == NOW
    read(store, at=NOW + HOUR, complete_until=NOW + 2 * HOUR)
    assert outcome_of(store).watermark == NOW + HOUR, "nothing is complete beyond the start of its pass"


def test_a_source_that_was_restored_to_an_earlier_instant_keeps_its_watermark(store: Store) -> None:
    read(store, deal(1), at=NOW, complete_until=NOW - HOUR)
    read(store, deal(1), at=NOW, complete_until=NOW - 2 * HOUR)
    assert outcome_of(store).watermark == NOW - HOUR


def test_changed_options_may_declare_an_earlier_watermark(store: Store) -> None:
    read(store, deal(1), at=NOW)
    store.begin("crm", "deals", NOW + HOUR, fingerprint="as old as the file")
    store.publish("crm", "deals", cursor="c", at=NOW + HOUR, complete_until=NOW - 83 * 24 * HOUR)
    assert outcome_of(store).watermark == NOW - 83 * 24 * HOUR


def test_a_pass_without_records_moves_the_watermark_and_no_row(store: Store) -> None:
    read(store, deal(1), at=NOW, complete_until=NOW - HOUR)
    before = rows(store, "id, valid_from, known_from"), versions(store)
    store.begin("crm", "deals", NOW + HOUR)
    assert store.publish("crm", "deals", cursor="c", at=NOW + HOUR, complete_until=NOW) == MergeResult()
    assert outcome_of(store).watermark == NOW
    assert (rows(store, "id, valid_from, known_from"), versions(store)) == before


def test_an_interrupted_pass_resumes(store: Store) -> None:
    sync_pass = store.begin("crm", "deals", NOW)
    store.stage(sync_pass, "crm", Page((deal(1),), resume="r1"))
    store.stage(sync_pass, "crm", Page((deal(2),), resume="r2"))
    again = store.begin("crm", "deals", NOW + HOUR)
    assert again == Pass("deals", NOW, resume="r2")
    store.stage(again, "crm", Page((deal(3),)))
    assert store.publish("crm", "deals", cursor="c", listing=everything()) == MergeResult(new=3)
    assert outcome_of(store).watermark == NOW


def test_a_pass_resumes_in_another_process(tmp_path: Path) -> None:
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
    sync_pass = store.begin("crm", "deals", NOW)
    store.stage(sync_pass, "crm", Page((deal(1),), resume="r1"))
    store.stage(sync_pass, "crm", Page((deal(2),)))
    assert store.begin("crm", "deals", NOW + HOUR) == Pass("deals", NOW + HOUR)
    assert store.publish("crm", "deals", cursor="c") == MergeResult()
    assert live(store) == []


@pytest.mark.parametrize("later", [timedelta(days=8), -HOUR], ids=["too long ago", "in the future"])
def test_an_expired_pass_starts_again(store: Store, later: timedelta) -> None:
    store.stage(store.begin("crm", "deals", NOW), "crm", Page((deal(1),), resume="r1"))
    assert store.begin("crm", "deals", NOW + later) == Pass("deals", NOW + later)


def test_a_pass_that_is_resumed_does_not_expire(store: Store) -> None:
    store.stage(store.begin("crm", "deals", NOW), "crm", Page((deal(1),), resume="r1"))
    for days in (5, 10, 15):
        assert store.begin("crm", "deals", NOW + timedelta(days=days)).resume == "r1"


def test_an_incremental_pass_does_not_resume_after_its_cursor_changed(store: Store) -> None:
    read(store, cursor="c1")
    store.stage(store.begin("crm", "deals", NOW), "crm", Page((deal(1),), resume="r1"))
    assert store.begin("crm", "deals", NOW).resume == "r1"
    store.begin("crm", "deals", NOW, full=True)
    store.publish("crm", "deals", full=True, cursor="c2")
    assert store.begin("crm", "deals", NOW) == Pass("deals", NOW, "c2")


def test_an_abandoned_pass_starts_again(store: Store) -> None:
    sync_pass = store.begin("crm", "deals", NOW)
    store.stage(sync_pass, "crm", Page((deal(1),), resume="r1"))
    store.fail("crm", "deals", Reason.CAPPED, NOW, abandon=sync_pass)
    assert store.begin("crm", "deals", NOW + HOUR) == Pass("deals", NOW + HOUR)


def test_a_failed_pass_changes_nothing_and_leaves_its_pages(store: Store) -> None:
    read(store, deal(1), cursor="c1")
    before, versions_before = outcome_of(store), versions(store)
    sync_pass = store.begin("crm", "deals", NOW + HOUR)
    store.stage(sync_pass, "crm", Page((deal(2),), resume="r1"))
    store.fail("crm", "deals", Reason.TIMEOUT, NOW + HOUR, retry_at=NOW + 2 * HOUR)
    failed = outcome_of(store)
    assert (failed.failures, failed.reason, failed.failed_at) == (1, Reason.TIMEOUT, NOW + HOUR)
    assert failed.retry_at == NOW + 2 * HOUR
    assert failed.staged == 1
    assert (failed.cursor, failed.watermark, failed.last_success) == (before.cursor, before.watermark, NOW)
    assert (versions(store), live(store)) == (versions_before, ["1"])
    store.fail("crm", "deals", Reason.DNS, NOW + HOUR)
    assert (outcome_of(store).failures, outcome_of(store).retry_at) == (2, None)
    assert store.begin("crm", "deals", NOW + HOUR).resume == "r1"
    store.publish("crm", "deals", cursor="c2")
    assert (outcome_of(store).failures, outcome_of(store).reason, outcome_of(store).staged) == (0, None, 0)
    assert live(store) == ["1", "2"]


def test_changed_options_force_a_full_pass(store: Store) -> None:
    store.begin("crm", "deals", NOW, fingerprint="a")
    store.publish("crm", "deals", cursor="c1")
    sync_pass = store.begin("crm", "deals", NOW, fingerprint="a")
    store.stage(sync_pass, "crm", Page((deal(1),), resume="r1"))
    assert store.begin("crm", "deals", NOW, fingerprint="b") == Pass("deals", NOW)
    assert outcome_of(store).staged == 0
    assert store.publish("crm", "deals") == MergeResult()
    assert outcome_of(store).cursor is None
    assert outcome_of(store).fingerprint == "b"


def test_changed_options_discard_an_interrupted_full_pass(store: Store) -> None:
    store.stage(store.begin("crm", "deals", NOW, fingerprint="a"), "crm", Page((deal(1),), resume="r1"))
    assert store.begin("crm", "deals", NOW, fingerprint="b") == Pass("deals", NOW)
    assert outcome_of(store).staged == 0


def paused(store: Store) -> Pass:
    """A paused full pass that has listed deal 1 of the stored deals 1 and 2."""
    read(store, deal(1), deal(2), cursor="c1")
    sync_pass = store.begin("crm", "deals", NOW + HOUR, full=True)
    store.stage(sync_pass, "crm", Page((deal(1),), resume="r1"))
    return sync_pass


def test_changes_published_during_a_paused_full_pass_survive_its_listing(store: Store) -> None:
    paused(store)
    read(store, deal(1, 5, name="changed"), deal(3, 5), at=NOW + 5 * HOUR, cursor="c2")
    resumed = store.begin("crm", "deals", NOW + 6 * HOUR, full=True)
    assert resumed == Pass("deals", NOW + HOUR, resume="r1")
    merged = store.publish("crm", "deals", full=True, cursor="c1.5", listing=everything(), at=NOW + 6 * HOUR)
    assert merged == MergeResult(unchanged=1, deleted=1)
    assert live(store) == ["1", "3"]
    with store.reading() as connection:
        assert connection.execute("SELECT name FROM deals WHERE id = '1'").fetchall() == [("changed",)]
    assert outcome_of(store).cursor == "c2", "an older cursor would read the same again"
    assert outcome_of(store).watermark == NOW + 5 * HOUR
    assert outcome_of(store).last_full == NOW + 6 * HOUR


def test_deletions_published_during_a_paused_full_pass_remain(store: Store) -> None:
    paused(store)
    read(store, Deal(id="1", deleted=True), at=NOW + 5 * HOUR, cursor="c2")
    store.begin("crm", "deals", NOW + 6 * HOUR, full=True)
    store.publish("crm", "deals", full=True, listing=everything())
    assert live(store) == []


def test_a_full_pass_that_was_not_overtaken_sets_the_cursor(store: Store) -> None:
    paused(store)
    store.begin("crm", "deals", NOW + 6 * HOUR, full=True)
    store.publish("crm", "deals", full=True, cursor="c1.5", listing=everything())
    assert outcome_of(store).cursor == "c1.5"


def test_publishing_selects_one_of_two_unfinished_passes(store: Store) -> None:
    paused(store)
    store.begin("crm", "deals", NOW + 2 * HOUR)
    store.publish("crm", "deals", full=False, cursor="c2")
    assert outcome_of(store).last_full == NOW
    store.publish("crm", "deals")
    assert outcome_of(store).last_full == NOW + HOUR
