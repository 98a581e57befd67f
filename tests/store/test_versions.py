"""A merge keeps the rows that it replaces, each with the spans in which it was valid and known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from exporter.passes import Page
from exporter.records import Deal
from exporter.store.store import Store
from tests.store.samples import HOUR, NOW, deal, everything, read, rows

SPANS = "id, stage, valid_from, known_from"
ENDS = f"{SPANS}, valid_until, known_until"
BEGINNING = datetime.min  # noqa: DTZ901 - instants are stored without a time zone


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path)
    yield store
    store.close()


def naive(hours: float) -> datetime:
    """An instant so many hours after NOW, as it is stored."""
    return (NOW + hours * HOUR).replace(tzinfo=None)


def observed(store: Store, stage: str, hours: float, **ending: Any) -> None:
    """A pass that begins `hours` after NOW, ends half an hour later, and reads the deal at a stage."""
    sync_pass = store.begin("crm", "deals", NOW + hours * HOUR, fingerprint=ending.pop("fingerprint", ""))
    store.stage(
        sync_pass, "crm", Page((deal(1, ending.pop("updated", hours), stage=stage, **ending.pop("columns", {})),))
    )
    at = NOW + ending.pop("end", hours + 0.5) * HOUR
    store.publish("crm", "deals", full=sync_pass.cursor is None, cursor="c", at=at, **ending)


def superseded(store: Store, columns: str = ENDS) -> list[Any]:
    with store.reading() as connection:
        return connection.execute(f"SELECT {columns} FROM deals_versions ORDER BY known_until, id").fetchall()


def test_the_first_version_was_always_valid_and_is_known_from_its_commit(store: Store) -> None:
    observed(store, "offer", 0)
    assert rows(store, SPANS) == [("1", "offer", None, naive(0.5))]
    assert superseded(store) == []


def test_a_change_is_valid_from_the_watermark_and_known_from_the_commit(store: Store) -> None:
    observed(store, "offer", 0)
    observed(store, "contract", 2, lag=0.25 * HOUR)
    assert rows(store, SPANS) == [("1", "contract", naive(1.75), naive(2.5))]
    assert superseded(store) == [("1", "offer", None, naive(0.5), naive(1.75), naive(2.5))]


def test_a_change_that_is_read_late_is_valid_from_the_vendors_own_instant(store: Store) -> None:
    observed(store, "offer", 0)
    observed(store, "contract", 5, updated=2)
    assert rows(store, SPANS) == [("1", "contract", naive(2), naive(5.5))]
    assert superseded(store) == [("1", "offer", None, naive(0.5), naive(2), naive(5.5))]


@pytest.mark.parametrize("updated", [0, 9])
def test_an_instant_that_did_not_move_or_lies_ahead_leaves_a_change_to_the_pass(store: Store, updated: int) -> None:
    observed(store, "offer", 0)
    observed(store, "contract", 5, updated=updated)
    assert rows(store, SPANS) == [("1", "contract", naive(5), naive(5.5))]


def test_an_unchanged_record_leaves_no_version(store: Store) -> None:
    observed(store, "offer", 0)
    read(store, deal(1, stage="offer"), deal(2), at=NOW + HOUR)
    assert rows(store, SPANS)[0] == ("1", "offer", None, naive(0.5))
    assert superseded(store) == []


def test_versions_follow_each_other_without_gap_or_overlap(store: Store) -> None:
    for hours, stage in enumerate(("new", "offer", "contract", "won")):
        observed(store, stage, hours)
    chain = superseded(store) + [(*row, None, None) for row in rows(store, SPANS)]
    for version, successor in pairwise(chain):
        assert version[4:] == successor[2:4]


def test_a_pushed_record_is_valid_and_known_from_its_receipt(store: Store) -> None:
    store.deliver("shop", {"deals": Page((deal(1, stage="offer"),))}, NOW)
    store.deliver("shop", {"deals": Page((deal(1, 1, stage="won"),))}, NOW + HOUR)
    assert rows(store, SPANS) == [("1", "won", naive(1), naive(1))]
    assert superseded(store) == [("1", "offer", None, naive(0), naive(1), naive(1))]


def test_a_changed_mapping_corrects_all_of_the_past(store: Store) -> None:
    observed(store, "offer", 0, fingerprint="a")
    observed(store, "contract", 1, fingerprint="a")
    observed(store, "Contract", 2, fingerprint="b")
    assert rows(store, SPANS) == [("1", "Contract", naive(1), naive(2.5))]
    assert superseded(store)[-1] == ("1", "contract", naive(1), naive(1.5), naive(1), naive(2.5))


def test_a_version_corrected_from_its_beginning_was_never_valid(store: Store) -> None:
    observed(store, "offer", 0, fingerprint="a")
    observed(store, "Offer", 1, fingerprint="b")
    assert rows(store, SPANS) == [("1", "Offer", None, naive(1.5))]
    assert superseded(store) == [("1", "offer", None, naive(0.5), BEGINNING, naive(1.5))]


@pytest.mark.parametrize("listed", [False, True])
def test_a_deleted_record_keeps_the_version_that_was_known(store: Store, listed: bool) -> None:
    observed(store, "offer", 0)
    if listed:
        read(store, at=NOW + HOUR, full=True, listing=everything())
    else:
        read(store, Deal(id="1", deleted=True), at=NOW + HOUR)
    assert rows(store, "deleted, valid_from, known_from") == [(True, naive(1), naive(1))]
    assert superseded(store) == [("1", "offer", None, naive(0.5), naive(1), naive(1))]


def test_a_record_that_returns_was_valid_while_it_counted_as_deleted(store: Store) -> None:
    observed(store, "offer", 0)
    read(store, Deal(id="1", deleted=True), at=NOW + HOUR)
    observed(store, "contract", 2)
    assert rows(store, SPANS) == [("1", "contract", naive(1), naive(2.5))]
    assert superseded(store, "deleted, valid_from, valid_until, known_from, known_until") == [
        (False, None, naive(1), naive(0.5), naive(1)),
        (True, naive(1), naive(1), naive(1), naive(2.5)),
    ]


def test_two_changes_at_one_instant_leave_one_version(store: Store) -> None:
    observed(store, "offer", 0)
    observed(store, "contract", 1, end=2)
    observed(store, "won", 1.5, end=2)
    assert rows(store, SPANS) == [("1", "won", naive(1), naive(2))]
    assert [version[1] for version in superseded(store)] == ["offer"]


def test_no_span_is_negative_if_the_clock_goes_back(store: Store) -> None:
    observed(store, "offer", 0)
    observed(store, "contract", 100)
    observed(store, "won", 2, updated=101)
    observed(store, "lost", 200)
    chain = superseded(store) + [(*row, None, None) for row in rows(store, SPANS)]
    assert [version[1] for version in chain] == ["offer", "won", "lost"]
    for version, successor in pairwise(chain):
        assert version[4:] == successor[2:4]
        assert version[3] < version[5]


def test_versions_are_dropped_after_their_retention(store: Store) -> None:
    store.retain({"crm": ["deals"]}, timedelta(hours=10))
    observed(store, "offer", 0)
    observed(store, "contract", 1)
    observed(store, "won", 10.9)
    assert [version[1] for version in superseded(store)] == ["offer", "contract"]
    observed(store, "lost", 11.6)
    assert [version[1] for version in superseded(store)] == ["contract", "won"]


def test_the_oldest_version_that_remains_always_held(store: Store) -> None:
    store.retain({"crm": ["deals"]}, timedelta(hours=10))
    for hours, stage in ((0, "offer"), (1, "contract"), (11.6, "won")):
        observed(store, stage, hours)
    assert superseded(store, "stage, valid_from, valid_until") == [("contract", None, naive(11.6))]
    observed(store, "lost", 30)
    observed(store, "open", 50)
    assert superseded(store, "stage, valid_from, valid_until") == [("lost", None, naive(50))]


def test_a_removed_source_leaves_no_versions(store: Store) -> None:
    observed(store, "offer", 0)
    observed(store, "contract", 1)
    store.retain({})
    assert superseded(store) == []


def test_versions_have_every_column_of_the_record(store: Store) -> None:
    observed(store, "offer", 0, columns={"amount": Decimal(5), "attributes": {"size": "big"}})
    observed(store, "won", 1)
    assert superseded(store, "source, amount, attributes, deleted") == [("crm", Decimal(5), '{"size":"big"}', False)]
