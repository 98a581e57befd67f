"""How many records are missing because they were rejected: each once, until it arrives well."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.errors import InvalidRecordError, Reason
from exporter.passes import Listing, Page
from exporter.records import Deal
from exporter.store.store import Store
from tests.store.samples import HOUR, NOW, deal, live


def bad(*ids: object) -> tuple[InvalidRecordError, ...]:
    """Rejections, of rows without an id where it is None."""
    return tuple(
        InvalidRecordError(Reason.BAD_TIME, "created_at", f"row {row}", None if key is None else str(key))
        for row, key in enumerate(ids)
    )


def run(store: Store, *records: Deal, rejected: tuple[InvalidRecordError, ...] = (), full: bool = False) -> int:
    """A complete pass in one page, and how many records are missing after it."""
    sync_pass = store.begin("crm", "deals", NOW, full=full)
    store.stage(sync_pass, "crm", Page(records, rejected))
    store.publish("crm", "deals", full=sync_pass.cursor is None, cursor="c")
    return missing(store)


def missing(store: Store) -> int:
    return sum(outcome.rejected for outcome in store.outcomes())


def test_a_full_pass_counts_every_rejected_row(store: Store) -> None:
    assert run(store, *map(deal, range(7)), rejected=bad("a", "b", None)) == 3


def test_a_full_pass_replaces_what_was_rejected_before(store: Store) -> None:
    run(store, deal(1), rejected=bad("a", None, None))
    assert run(store, deal(1), rejected=bad("b"), full=True) == 1
    assert run(store, deal(1), deal("b"), full=True) == 0


def test_an_incremental_pass_adds(store: Store) -> None:
    run(store, deal(1), rejected=bad("a"))
    assert run(store, deal(2), rejected=bad("b")) == 2
    assert run(store) == 2


def test_a_record_that_is_rejected_again_counts_once(store: Store) -> None:
    run(store, deal(1), rejected=bad("a", "a"))
    assert run(store, rejected=bad("a")) == 1


def test_rows_without_an_id_count_by_the_pass_with_the_most_of_them(store: Store) -> None:
    run(store, deal(1), rejected=bad(None))
    assert run(store, deal(2), rejected=bad(None, None)) == 2
    assert run(store, rejected=bad(None)) == 2


def test_a_record_that_arrives_well_is_no_longer_missing(store: Store) -> None:
    run(store, deal(1), rejected=bad("a", "b"))
    assert run(store, deal("a")) == 1
    assert run(store, deal("b", deleted=True)) == 0


def test_a_record_of_which_an_older_version_is_stored_is_not_missing(store: Store) -> None:
    run(store, deal(1), deal(2))
    assert run(store, rejected=bad(1)) == 0
    assert live(store) == ["1", "2"]


def test_a_pass_that_lists_everything_replaces_the_count_although_it_has_a_cursor(store: Store) -> None:
    run(store, deal(1), rejected=bad("a", None))
    for listing, count in ((Listing("created_at", NOW), 2), (Listing(), 0)):
        store.begin("crm", "deals", NOW + HOUR)
        store.publish("crm", "deals", full=False, listing=listing)
        assert missing(store) == count


def test_a_resumed_pass_counts_what_it_rejected_before_it_was_killed(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.stage(store.begin("crm", "deals", NOW), "crm", Page((deal(1),), bad("a", None), resume="r1"))
    store.close()
    store = Store.open(tmp_path)
    assert missing(store) == 0  # nothing is published yet
    again = store.begin("crm", "deals", NOW + HOUR)
    assert again.resume == "r1"
    store.stage(again, "crm", Page((deal(2),), bad("b")))
    store.publish("crm", "deals", cursor="c")
    assert missing(store) == 3
    store.close()


def test_a_pass_that_starts_again_does_not_count_twice(store: Store) -> None:
    store.stage(store.begin("crm", "deals", NOW), "crm", Page((deal(1),), bad("a", None)))
    assert run(store, deal(1), rejected=bad("a", None)) == 2


def test_a_failed_pass_counts_nothing(store: Store) -> None:
    run(store, deal(1), rejected=bad("a"))
    sync_pass = store.begin("crm", "deals", NOW)
    store.stage(sync_pass, "crm", Page((), bad("b", "c")))
    store.fail("crm", "deals", Reason.TOO_MANY_REJECTED, NOW, abandon=sync_pass)
    assert missing(store) == 1


def test_what_is_rejected_while_a_full_pass_is_paused_stays_counted(store: Store) -> None:
    run(store, deal(1))
    full = store.begin("crm", "deals", NOW + HOUR, full=True)
    store.stage(full, "crm", Page((deal(1),), bad("a", None), resume="r1"))
    assert run(store, deal("a"), rejected=bad("b")) == 1
    store.begin("crm", "deals", NOW + 2 * HOUR, full=True)
    store.publish("crm", "deals", full=True, cursor="c2")
    assert missing(store) == 2  # b, and the row without an id; a arrived in the meantime


def test_sources_count_for_themselves_until_they_are_removed(store: Store) -> None:
    run(store, deal(1), rejected=bad("a"))
    sync_pass = store.begin("shop", "deals", NOW)
    store.stage(sync_pass, "shop", Page((deal("a"),), bad("x", "y")))
    store.publish("shop", "deals", cursor="c")
    assert {outcome.source: outcome.rejected for outcome in store.outcomes()} == {"crm": 1, "shop": 2}
    store.retain({"crm": ["deals"]})
    run(store)
    sync_pass = store.begin("shop", "deals", NOW)
    store.publish("shop", "deals", cursor="c")
    assert {outcome.source: outcome.rejected for outcome in store.outcomes()} == {"crm": 1, "shop": 0}


@pytest.mark.parametrize("complete", [None, Listing()])
def test_the_sender_of_a_post_is_told_so_its_rejections_do_not_count(store: Store, complete: Listing | None) -> None:
    store.deliver("inbox", {"deals": Page((deal(1),), bad("a", None), listing=complete)}, NOW + timedelta(minutes=1))
    assert missing(store) == 0


_KEYS = st.sets(st.sampled_from("abcdef"))
_PASSES = st.lists(st.tuples(st.booleans(), _KEYS, _KEYS, st.integers(0, 3)), min_size=1, max_size=6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_PASSES)
def test_any_sequence_of_passes_counts_what_is_not_stored(
    store: Store, passes: list[tuple[bool, set[str], set[str], int]]
) -> None:
    source = f"source {len(store.outcomes())}"
    stored: set[str] = set()
    rejected: set[str] = set()
    unnamed = 0
    for index, (full, good, wrong, nameless) in enumerate(passes):
        sync_pass = store.begin(source, "deals", NOW, full=full or index == 0)
        errors = bad(*sorted(wrong), *[None] * nameless)
        store.stage(sync_pass, source, Page(tuple(deal(key, index) for key in sorted(good)), errors))
        store.publish(source, "deals", full=sync_pass.cursor is None, cursor="c")
        if sync_pass.cursor is None:
            rejected, unnamed = set(), 0
        stored |= good
        rejected = (rejected | wrong) - stored
        unnamed = max(unnamed, nameless)
        (outcome,) = (each for each in store.outcomes() if each.source == source)
        assert outcome.rejected == len(rejected) + unnamed
