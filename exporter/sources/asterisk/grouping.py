"""From rows in the order of time to the calls they are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TypeVar

from exporter.sources.asterisk.rows import CdrRow, Event

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
