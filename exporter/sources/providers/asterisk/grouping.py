"""From rows in the order of time to the calls they are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from exporter.sources.providers.asterisk.rows import CdrRow, Event

LONGEST = timedelta(hours=12)
"""A call of which nothing was heard for so long is over."""
_CLEAR_EVERY = 1000

Row = TypeVar("Row", Event, CdrRow)


def grouped(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows of each call together; only calls that may still go on are held in memory."""
    open_calls: dict[str, list[Row]] = {}
    for count, row in enumerate(rows, 1):
        open_calls.setdefault(row.call, []).append(row)
        if count % _CLEAR_EVERY == 0:
            for call in [key for key, held in open_calls.items() if row.at - held[-1].at > LONGEST]:
                yield open_calls.pop(call)
    yield from open_calls.values()


def in_order(events: Iterable[Event], zone: ZoneInfo) -> list[Event]:
    """The events of a call as they were written, for times without a zone do not grow in the hour that comes twice.

    One that seems to lie before its predecessor there is of the second time.
    """
    found: list[Event] = []
    for event in sorted(events, key=lambda one: one.place):
        again = _second_time(event.at, zone)
        found.append(replace(event, at=again) if found and event.at < found[-1].at <= again else event)
    return found


def _second_time(at: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which clocks show the same once more; the same instant where they do so only once."""
    return at.astimezone(zone).replace(fold=1).astimezone(UTC)
