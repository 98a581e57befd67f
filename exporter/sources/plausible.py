"""Checks over a whole record: what no business can have happened is rejected, never clamped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache

from exporter.errors import InvalidRecordError, Reason
from exporter.records import ENTITY_OF, Kind, Record, columns

FUTURE = timedelta(hours=24)
"""How far ahead of now a past event may lie: clocks and zones differ, years do not."""

LONGEST = timedelta(days=31)
"""No call or wait lasts longer."""

_ROUNDING = timedelta(seconds=1)

_MAY_BE_AHEAD: Mapping[str, frozenset[str]] = {
    "deals": frozenset({"closed_at"}),
    "activities": frozenset({"due_at"}),
    "invoices": frozenset({"issued_at", "due_at"}),
    "subscriptions": frozenset({"started_at", "ended_at"}),
    "measurements": frozenset({"at"}),
}

_IN_ORDER: Mapping[str, tuple[tuple[str, str], ...]] = {
    "calls": (("started_at", "ended_at"), ("started_at", "answered_at"), ("answered_at", "ended_at")),
    "tickets": (("created_at", "solved_at"), ("created_at", "first_reply_at")),
}


@cache
def _checks(entity: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Columns that lie in the past, durations, and pairs in the order of time."""
    ahead = _MAY_BE_AHEAD.get(entity, frozenset())
    past = [c.name for c in columns(entity) if c.kind is Kind.INSTANT and c.name not in ahead]
    durations = tuple(c.name for c in columns(entity) if c.kind is Kind.SECONDS)
    return ("updated_at", *past), durations, _IN_ORDER.get(entity, ())


def plausible(record: Record, now: datetime) -> None:
    """Raises InvalidRecordError for what cannot be true of a record.

    FUTURE_TIMESTAMP: a past event more than 24 h ahead of `now`. NEGATIVE_DURATION: a duration below zero, or
    an end before its start. OUT_OF_RANGE: a call or wait of more than 31 days.
    """
    past, durations, order = _checks(ENTITY_OF[type(record)])
    latest = now + FUTURE
    for name in past:
        at = getattr(record, name)
        if at is not None and at > latest:
            raise InvalidRecordError(Reason.FUTURE_TIMESTAMP, name)
    for name in durations:
        spent = getattr(record, name)
        if spent is not None and not 0 <= spent <= LONGEST.total_seconds():
            raise InvalidRecordError(Reason.NEGATIVE_DURATION if spent < 0 else Reason.OUT_OF_RANGE, name)
    for first, second in order:
        _in_order(record, first, second)


def _in_order(record: Record, first: str, second: str) -> None:
    start, end = getattr(record, first), getattr(record, second)
    if start is None or end is None:
        return
    if start - end >= _ROUNDING:
        raise InvalidRecordError(Reason.NEGATIVE_DURATION, second)
    if second == "ended_at" and end - start > LONGEST:
        raise InvalidRecordError(Reason.OUT_OF_RANGE, second)
