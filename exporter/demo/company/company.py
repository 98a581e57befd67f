"""The company: its staff and everything that has happened up to an instant.

Each day is drawn only from the seed and its date. A restart therefore shows the same company, and time only adds to it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Generic, TypeVar

from exporter.demo.company import phones, sales, service
from exporter.demo.company.entities import DealHistory, LeadHistory, PhoneCall, RecordHistory, TicketHistory
from exporter.demo.company.rhythm import local_day, midnight
from exporter.demo.company.staff import Employee, Staff

MONTHS_OF_HISTORY = 15
SEED = 7

_FIRST_DAY = date(2020, 1, 1)
_IDS_PER_DAY = 1000
WARM_UP = timedelta(days=150)
"""Simulated before the first day, so that work is already under way on it."""

L = TypeVar("L", bound=RecordHistory)
Draw = Callable[[Random, Staff, date, int], Iterable[L]]
"""Draws the records of a day; the argument is the first id."""


class Timeline(Generic[L]):
    """Records of one kind in order of id, with an index of their change times that is built on first use."""

    def __init__(self) -> None:
        self.records: list[L] = []
        self._ids: list[int] = []
        self._changes: list[tuple[int, int]] = []
        self._indexed = 0

    def extend(self, records: Iterable[L]) -> None:
        """Appends records, whose ids must be higher than all present ones."""
        self.records.extend(records)
        self._ids.extend(record.id for record in self.records[len(self._ids) :])

    def from_id(self, first: int) -> Iterator[L]:
        """Records with ids from `first` on, in order of id."""
        for index in range(bisect_left(self._ids, first), len(self.records)):
            yield self.records[index]

    def changed_since(self, since: int, now: int) -> list[L]:
        """Records that changed from `since` up to and including `now`, in order of id."""
        self._index()
        low, high = bisect_left(self._changes, (since, -1)), bisect_left(self._changes, (now + 1, -1))
        return [self.records[index] for index in sorted({index for _, index in self._changes[low:high]})]

    def _index(self) -> None:
        for index in range(self._indexed, len(self.records)):
            self._changes.extend((at, index) for at in self.records[index].change_times())
        if self._indexed < len(self.records):
            self._changes.sort()
            self._indexed = len(self.records)


class DemoCompany:
    """The simulated company since its first day, `since`. `people` includes former employees."""

    def __init__(self, seed: int, since: date) -> None:
        self.seed, self.since = seed, since
        self.staff = Staff(seed)
        self.people: tuple[Employee, ...] = self.staff.members
        self.deals: Timeline[DealHistory] = Timeline()
        self.leads: Timeline[LeadHistory] = Timeline()
        self.tickets: Timeline[TicketHistory] = Timeline()
        self.calls: Timeline[PhoneCall] = Timeline()
        self._next_day = since

    def advance(self, now: int) -> None:
        """Simulates all days up to and including the local day of `now`; never goes back."""
        last = local_day(now)
        if last >= self._next_day:
            first, self._next_day = self._next_day, last + timedelta(days=1)
            warm_up = self.since - WARM_UP if first == self.since else first
            self._fill(self.deals, "deals", sales.deals, warm_up, last)
            self._fill(self.leads, "leads", sales.leads, warm_up, last)
            self._fill(self.tickets, "tickets", service.tickets, warm_up, last)
            self._fill(self.calls, "calls", phones.calls, first, last)

    def calls_between(self, since: int, until: int) -> tuple[int, int]:
        """The slice bounds in `calls.records` of calls that started from `since` up to and including `until`."""
        low = bisect_left(self.calls.records, since, key=lambda call: call.started_at)
        return low, bisect_right(self.calls.records, until, key=lambda call: call.started_at)

    def _fill(self, timeline: Timeline[L], kind: str, draw: Draw[L], first: date, last: date) -> None:
        opening = midnight(self.since)
        records = draw_days(self.seed, kind, draw, self.staff, (first, last))
        timeline.extend(record for record in records if record.event_times()[-1] >= opening)


def draw_days(seed: int, kind: str, draw: Draw[L], staff: Staff, days: tuple[date, date]) -> Iterator[L]:
    """The records of one kind on all days from the first to the last."""
    for day, first_id in numbered_days(*days):
        yield from draw(Random(f"{seed}/{kind}/{day}"), staff, day, first_id)  # noqa: S311


def numbered_days(first: date, last: date) -> Iterator[tuple[date, int]]:
    """The days from the first to the last, with the first id of each."""
    for days in range((first - _FIRST_DAY).days, (last - _FIRST_DAY).days + 1):
        yield _FIRST_DAY + timedelta(days=days), days * _IDS_PER_DAY


def first_day(now: datetime, months: int = MONTHS_OF_HISTORY) -> date:
    """The first day of the history: the start of the quarter that was current `months` months ago."""
    total = now.year * 12 + now.month - 1 - months
    total -= total % 3
    return date(total // 12, total % 12 + 1, 1)
