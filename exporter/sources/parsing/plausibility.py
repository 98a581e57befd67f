"""Checks over a whole record: what no business can have happened is rejected, never clamped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any

from exporter.errors import InvalidRecordError, Reason
from exporter.records import ENTITY_OF, Kind, Record, columns

FUTURE = timedelta(hours=24)
"""How far ahead of now a past event may lie: clocks and zones differ, years do not."""

LONGEST = timedelta(days=31)
"""No call or wait lasts longer."""

_ROUNDING = timedelta(seconds=1)
_LONGEST_SECONDS = LONGEST.total_seconds()

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


Values = Callable[[Any], tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class _Checks:
    """What is looked at in records of one entity; the getters fetch several columns at once."""

    past: tuple[str, ...]
    past_of: Values
    durations: tuple[str, ...]
    durations_of: Values
    order: tuple[tuple[str, str], ...]


@cache
def _checks(entity: str) -> _Checks:
    ahead = _MAY_BE_AHEAD.get(entity, frozenset())
    past = tuple(c.name for c in columns(entity) if c.kind is Kind.INSTANT and c.name not in ahead)
    durations = tuple(c.name for c in columns(entity) if c.kind is Kind.SECONDS)
    return _Checks(
        ("updated_at", *past), _several("updated_at", *past), durations, _several(*durations), _IN_ORDER.get(entity, ())
    )


def _several(*names: str) -> Values:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda record: tuple(getattr(record, name) for name in names)


def plausible(record: Record, now: datetime) -> None:
    """Raises InvalidRecordError for what cannot be true of a record.

    FUTURE_TIMESTAMP: a past event more than 24 h ahead of `now`. NEGATIVE_DURATION: a duration below zero, or
    an end before its start. OUT_OF_RANGE: a call or wait of more than 31 days.
    """
    checks = _checks(ENTITY_OF[type(record)])
    latest = now + FUTURE
    for place, at in enumerate(checks.past_of(record)):
        if at is not None and at > latest:
            raise InvalidRecordError(Reason.FUTURE_TIMESTAMP, checks.past[place])
    for place, spent in enumerate(checks.durations_of(record)):
        if spent is not None and not 0 <= spent <= _LONGEST_SECONDS:
            reason = Reason.NEGATIVE_DURATION if spent < 0 else Reason.OUT_OF_RANGE
            raise InvalidRecordError(reason, checks.durations[place])
    for first, second in checks.order:
        _in_order(record, first, second)


def all_plausible(entity: str, known: Mapping[str, Sequence[Any]], now: datetime) -> bool:
    """Whether whole columns hold nothing implausible; False says that `plausible` should look at each record."""
    checks = _checks(entity)
    past = [known[name] for name in checks.past if name in known]
    durations = [known[name] for name in checks.durations if name in known]
    return (
        all(max(filter(None, values), default=now) <= now + FUTURE for values in past)
        and all(max(filter(None, values), default=0) <= _LONGEST_SECONDS for values in durations)
        and all(min(filter(None, values), default=0) >= 0 for values in durations)
        and all(_all_in_order(known[a], known[b], b) for a, b in checks.order if a in known and b in known)
    )


def implausible(records: Sequence[Record], now: datetime) -> dict[int, InvalidRecordError]:
    """Place to fault of the records, all of one entity, that cannot be true; quick where there are none."""
    if not records:
        return {}
    entity = ENTITY_OF[type(records[0])]
    checks = _checks(entity)
    names = {*checks.past, *checks.durations, *(name for pair in checks.order for name in pair)}
    if all_plausible(entity, {name: list(map(attrgetter(name), records)) for name in names}, now):
        return {}
    faults: dict[int, InvalidRecordError] = {}
    for place, record in enumerate(records):
        try:
            plausible(record, now)
        except InvalidRecordError as error:
            faults[place] = InvalidRecordError(error.reason, error.field, error.where, record.id)
    return faults


def _all_in_order(starts: Sequence[datetime | None], ends: Sequence[datetime | None], second: str) -> bool:
    pairs = [(a, b) for a, b in zip(starts, ends, strict=True) if a is not None and b is not None]
    if second == "ended_at":
        return all(a <= b <= a + LONGEST for a, b in pairs)
    return all(a <= b for a, b in pairs)


def _in_order(record: Record, first: str, second: str) -> None:
    start, end = getattr(record, first), getattr(record, second)
    if start is None or end is None:
        return
    if start - end >= _ROUNDING:
        raise InvalidRecordError(Reason.NEGATIVE_DURATION, second)
    if second == "ended_at" and end - start > LONGEST:
        raise InvalidRecordError(Reason.OUT_OF_RANGE, second)
