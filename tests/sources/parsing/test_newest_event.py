from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from exporter.records import Activity, Deal, Invoice, Measurement, Person, Record, Subscription, Ticket
from exporter.sources.parsing.newest_event import newest_event
from tests.sources.source_context import NOW

DAY = timedelta(days=1)
WRITTEN = NOW - 10 * DAY


def newest(*records: Record) -> datetime | None:
    return newest_event(records, NOW, WRITTEN)


@pytest.mark.parametrize(
    "records",
    [
        [Ticket(id="1", created_at=NOW - 9 * DAY, solved_at=NOW - 2 * DAY), Ticket(id="2", created_at=NOW - 3 * DAY)],
        [Ticket(id="1", created_at=NOW - 9 * DAY, updated_at=NOW - 2 * DAY), Ticket(id="2")],
        [Ticket(id="1", created_at=NOW - 2 * DAY, solved_at=NOW + DAY)],
        [Deal(id="1", status="won", closed_at=NOW - 2 * DAY), Deal(id="2", status="lost", closed_at=NOW + DAY)],
    ],
)
def test_the_newest_event_up_to_now_counts(records: Sequence[Record]) -> None:
    assert newest(*records) == NOW - 2 * DAY


def test_a_planned_date_is_not_an_event() -> None:
    assert newest(Activity(id="1", created_at=NOW - 30 * DAY, due_at=NOW - DAY)) == NOW - 30 * DAY
    assert newest(Invoice(id="1", due_at=NOW - DAY)) is None


@pytest.mark.parametrize(
    "plan",
    [
        Deal(id="2", status="open", closed_at=NOW - DAY),
        Deal(id="2", closed_at=NOW - DAY),
        Subscription(id="2", ended_at=NOW - DAY),
        Measurement(id="2", at=NOW - DAY),
    ],
)
def test_what_a_file_only_expected_when_it_was_written_is_not_an_event(plan: Record) -> None:
    """Otherwise the expected close of an open deal keeps a forgotten file fresh."""
    assert newest(plan) is None


@pytest.mark.parametrize(
    "record",
    [
        Deal(id="1", status="open", closed_at=WRITTEN),
        Subscription(id="1", started_at=WRITTEN, ended_at=NOW),
        Measurement(id="1", at=WRITTEN),
    ],
)
def test_what_had_happened_when_the_file_was_written_is(record: Record) -> None:
    assert newest(record) == WRITTEN


def test_records_without_an_event_have_no_newest() -> None:
    assert newest() is None
    assert newest(Person(id="1", name="Ada"), Person(id="2")) is None
