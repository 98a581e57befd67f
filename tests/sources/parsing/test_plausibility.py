from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from exporter.errors import InvalidRecordError, Reason
from exporter.records import Activity, Call, Deal, Invoice, Measurement, Person, Record, Subscription, Ticket
from exporter.sources.parsing.plausibility import all_plausible, implausible, plausible
from tests.sources.source_context import NOW

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CENTURY = timedelta(days=36525)


def call(**given: Any) -> Call:
    return Call(id="1", **given)


GOOD: list[Record] = [
    Deal(id="1"),
    Deal(id="1", created_at=NOW, updated_at=NOW + DAY, closed_at=NOW + CENTURY),
    Deal(id="1", created_at=NOW, closed_at=NOW - DAY),
    Activity(id="1", due_at=NOW + CENTURY),
    Invoice(id="1", issued_at=NOW + 30 * DAY, due_at=NOW + 60 * DAY, paid_at=NOW - DAY),
    Subscription(id="1", started_at=NOW + 30 * DAY, ended_at=NOW + 90 * DAY),
    Measurement(id="1", at=NOW + CENTURY),
    Person(id="1", updated_at=NOW),
    call(started_at=NOW, answered_at=NOW, ended_at=NOW, talk_seconds=0.0, wait_seconds=0.0),
    call(started_at=NOW),
    call(started_at=NOW, answered_at=NOW - timedelta(milliseconds=900), ended_at=NOW + 2 * HOUR),
    Ticket(id="1", created_at=NOW - DAY, solved_at=NOW),
]

BAD: list[tuple[Record, Reason, str]] = [
    (Deal(id="1", updated_at=NOW + DAY + HOUR), Reason.FUTURE_TIMESTAMP, "updated_at"),
    (Deal(id="1", created_at=NOW + CENTURY), Reason.FUTURE_TIMESTAMP, "created_at"),
    (Invoice(id="1", paid_at=NOW + 2 * DAY), Reason.FUTURE_TIMESTAMP, "paid_at"),
    (call(started_at=NOW + 2 * DAY), Reason.FUTURE_TIMESTAMP, "started_at"),
    (call(started_at=NOW, ended_at=NOW - HOUR), Reason.NEGATIVE_DURATION, "ended_at"),
    (call(started_at=NOW, answered_at=NOW - timedelta(seconds=1)), Reason.NEGATIVE_DURATION, "answered_at"),
    (call(answered_at=NOW, ended_at=NOW - HOUR), Reason.NEGATIVE_DURATION, "ended_at"),
    (call(started_at=NOW - CENTURY, ended_at=NOW), Reason.OUT_OF_RANGE, "ended_at"),
    (call(talk_seconds=-1.0), Reason.NEGATIVE_DURATION, "talk_seconds"),
    (call(wait_seconds=CENTURY.total_seconds()), Reason.OUT_OF_RANGE, "wait_seconds"),
    (Ticket(id="1", created_at=NOW, solved_at=NOW - DAY), Reason.NEGATIVE_DURATION, "solved_at"),
]


@pytest.mark.parametrize("record", GOOD)
def test_what_can_be_is_taken(record: Record) -> None:
    plausible(record, NOW)
    assert implausible([record, record], NOW) == {}


@pytest.mark.parametrize(("record", "reason", "field"), BAD)
def test_what_cannot_be_is_rejected_and_never_clamped(record: Record, reason: Reason, field: str) -> None:
    with pytest.raises(InvalidRecordError) as caught:
        plausible(record, NOW)
    assert (caught.value.reason, caught.value.field) == (reason, field)
    good = type(record)(id="2")
    faults = implausible([good, record, good], NOW)
    assert [(place, fault.reason, fault.record_id) for place, fault in faults.items()] == [(1, reason, "1")]


def test_no_records_are_plausible() -> None:
    assert implausible([], NOW) == {}


def test_columns_that_were_not_read_are_not_looked_at() -> None:
    assert all_plausible("calls", {"started_at": [NOW, None]}, NOW)
    assert not all_plausible("calls", {"talk_seconds": [1.0, -1.0]}, NOW)
