"""Defines which records are plausible; the others are rejected, never corrected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any

from exporter.errors import InvalidRecordError, Reason
from exporter.records import ENTITY_OF, ColumnKind, Record, columns

MAX_AHEAD = timedelta(hours=24)
"""How far ahead of now a past event may be: clocks and time zones differ, but not by more."""

MAX_DURATION = timedelta(days=31)
"""The longest call or wait."""

_ROUNDING = timedelta(seconds=1)
_MAX_SECONDS = MAX_DURATION.total_seconds()

MAY_BE_AHEAD: Mapping[str, frozenset[str]] = {
    "deals": frozenset({"closed_at"}),
    "activities": frozenset({"due_at"}),
    "invoices": frozenset({"issued_at", "due_at"}),
    "subscriptions": frozenset({"started_at", "ended_at"}),
    "measurements": frozenset({"at"}),
}
"""Instants that may be plans: they may lie in the future."""

_IN_ORDER: Mapping[str, tuple[tuple[str, str], ...]] = {
    "calls": (("started_at", "ended_at"), ("started_at", "answered_at"), ("answered_at", "ended_at")),
    "tickets": (("created_at", "solved_at"), ("created_at", "first_reply_at")),
}


@dataclass(frozen=True, slots=True)
class _CheckedColumns:
    """The columns of one entity that are checked: past instants, durations, and pairs of instants in order."""

    past: tuple[str, ...]
    durations: tuple[str, ...]
    in_order: tuple[tuple[str, str], ...]

    def names(self) -> set[str]:
        """All of them."""
        return {*self.past, *self.durations, *(name for pair in self.in_order for name in pair)}


@cache
def _checked_columns(entity: str) -> _CheckedColumns:
    exempt = MAY_BE_AHEAD.get(entity, frozenset())
    past = tuple(c.name for c in columns(entity) if c.kind is ColumnKind.INSTANT and c.name not in exempt)
    durations = tuple(c.name for c in columns(entity) if c.kind is ColumnKind.SECONDS)
    return _CheckedColumns(("updated_at", *past), durations, _IN_ORDER.get(entity, ()))


def find_implausible(records: Sequence[Record], now: datetime) -> dict[int, InvalidRecordError]:
    """The index and the fault of each implausible record; the records are all of one entity.

    FUTURE_TIMESTAMP: a past event more than 24 h ahead of `now`. NEGATIVE_DURATION: a duration below zero, or
    an end before its start. OUT_OF_RANGE: a call or wait of more than 31 days.
    """
    if not records:
        return {}
    checked = _checked_columns(ENTITY_OF[type(records[0])])
    values = {name: list(map(attrgetter(name), records)) for name in checked.names()}
    if _all_plausible(checked, values, now + MAX_AHEAD):  # column by column: four times as fast as by record
        return {}
    faults = ((index, _fault_of(record, checked, now + MAX_AHEAD)) for index, record in enumerate(records))
    return {index: InvalidRecordError(*fault, record_id=records[index].id) for index, fault in faults if fault}


def _all_plausible(checked: _CheckedColumns, values: Mapping[str, Sequence[Any]], latest: datetime) -> bool:
    return (
        all(max(filter(None, values[name]), default=latest) <= latest for name in checked.past)
        and all(max(filter(None, values[name]), default=0) <= _MAX_SECONDS for name in checked.durations)
        and all(min(filter(None, values[name]), default=0) >= 0 for name in checked.durations)
        and all(_all_in_order(values[first], values[second], second) for first, second in checked.in_order)
    )


def _all_in_order(start_times: Sequence[datetime | None], end_times: Sequence[datetime | None], second: str) -> bool:
    pairs = [
        (start, end) for start, end in zip(start_times, end_times, strict=True) if start is not None and end is not None
    ]
    if second == "ended_at":
        return all(start <= end <= start + MAX_DURATION for start, end in pairs)
    return all(start <= end for start, end in pairs)


def _fault_of(record: Record, checked: _CheckedColumns, latest: datetime) -> tuple[Reason, str] | None:
    for name in checked.past:
        at = getattr(record, name)
        if at is not None and at > latest:
            return Reason.FUTURE_TIMESTAMP, name
    for name in checked.durations:
        seconds = getattr(record, name)
        if seconds is not None and not 0 <= seconds <= _MAX_SECONDS:
            return (Reason.NEGATIVE_DURATION if seconds < 0 else Reason.OUT_OF_RANGE), name
    for first, second in checked.in_order:
        start, end = getattr(record, first), getattr(record, second)
        if start is None or end is None:
            continue
        if start - end >= _ROUNDING:
            return Reason.NEGATIVE_DURATION, second
        if second == "ended_at" and end - start > MAX_DURATION:
            return Reason.OUT_OF_RANGE, second
    return None


def latest_plausible(instants: Iterable[datetime | None], now: datetime) -> datetime | None:
    """The latest instant for a cursor; instants more than 24 h ahead of `now` are ignored."""
    return max((instant for instant in instants if instant is not None and instant <= now + MAX_AHEAD), default=None)
