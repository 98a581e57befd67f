from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from exporter.errors import Reason
from exporter.records import Activity, Call, Deal, Invoice, Measurement, Person, Record, Subscription, Ticket
from exporter.sources.parsing.plausibility import find_implausible, latest_plausible
from tests.sources.source_context import NOW

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CENTURY = timedelta(days=36525)


def call(**values: Any) -> Call:
    return Call(id="1", **values)


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
def test_plausible_records_pass(record: Record) -> None:
    assert find_implausible([record, record], NOW) == {}


@pytest.mark.parametrize(("record", "reason", "field"), BAD)
def test_an_implausible_record_is_reported_with_its_field_and_reason(
    record: Record, reason: Reason, field: str
) -> None:
    good = type(record)(id="2")
    faults = find_implausible([good, record, good], NOW)
    assert [(index, fault.reason, fault.field, fault.record_id) for index, fault in faults.items()] == [
        (1, reason, field, "1")
    ]


def test_an_empty_page_is_plausible() -> None:
    assert find_implausible([], NOW) == {}


def test_instants_too_far_ahead_do_not_move_a_cursor() -> None:
    assert latest_plausible([None, NOW - DAY, NOW + HOUR, NOW + DAY + HOUR], NOW) == NOW + HOUR
    assert latest_plausible([None, NOW + CENTURY], NOW) is None
