"""A company with a few handwritten records, and a clock that only the test moves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from exporter.demo.company.company import DemoCompany, Timeline
from exporter.demo.company.entities import DealHistory, LeadHistory, PhoneCall, StageStep, TicketHistory
from exporter.demo.company.staff import Staff

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def at(minutes: float) -> int:
    """The instant `minutes` after START, in seconds since 1970."""
    return int((START + timedelta(minutes=minutes)).timestamp())


class ManualClock:
    """A clock that moves only on `advance` and `sleep`."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    def advance(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)

    def monotonic(self) -> float:
        return (self.now - START).total_seconds()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


class TinyCompany(DemoCompany):
    """A company with exactly the given records."""

    def __init__(
        self,
        deals: Iterable[DealHistory] = (),
        leads: Iterable[LeadHistory] = (),
        tickets: Iterable[TicketHistory] = (),
        calls: Iterable[PhoneCall] = (),
    ) -> None:
        super().__init__(1, START.date())
        self.staff = Staff(1)
        for timeline, records in (
            (self.deals, deals),
            (self.leads, leads),
            (self.tickets, tickets),
            (self.calls, calls),
        ):
            _fill(timeline, records)

    def advance(self, now: int) -> None:
        """Adds nothing."""


def _fill(timeline: Timeline[Any], records: Iterable[Any]) -> None:
    timeline.extend(sorted(records, key=lambda record: record.id))


def deal(key: int, *steps: tuple[float, str], **fields: Any) -> DealHistory:
    """A deal; steps are (minutes after START, stage), by default opened at START."""
    defaults: dict[str, Any] = {
        "name": f"Deal {key}", "amount": Decimal(100 * key), "currency": "CHF", "partner": False,
        "owner": 1, "origin": "REFERRALS", "expected_at": at(90_000),
    }  # fmt: skip
    return DealHistory(id=key, steps=_steps(steps or ((0, "discovery"),)), **{**defaults, **fields})


def lead(key: int, *steps: tuple[float, str], **fields: Any) -> LeadHistory:
    """A lead, new at START."""
    defaults: dict[str, Any] = {"name": f"Lead {key}", "owner": 2, "origin": "ORGANIC_SEARCH"}
    return LeadHistory(id=key, steps=_steps(steps or ((0, "new"),)), **{**defaults, **fields})


def ticket(key: int, *steps: tuple[float, str], **fields: Any) -> TicketHistory:
    """A ticket, opened at START and replied to an hour later."""
    defaults: dict[str, Any] = {
        "subject": f"Ticket {key}", "care": False, "agent": 25, "priority": "HIGH", "channel": "EMAIL",
        "replied_at": at(60),
    }  # fmt: skip
    return TicketHistory(id=key, steps=_steps(steps or ((0, "new"),)), **{**defaults, **fields})


def phone_call(key: int, minutes: float, **fields: Any) -> PhoneCall:
    """An inbound call answered after 20 seconds and over after three minutes."""
    start = at(minutes)
    defaults: dict[str, Any] = {
        "inbound": True, "line": "Support line", "started_at": start, "answered_at": start + 20,
        "ended_at": start + 180, "agent": 25,
    }  # fmt: skip
    return PhoneCall(id=key, **{**defaults, **fields})


def _steps(steps: Iterable[tuple[float, str]]) -> tuple[StageStep, ...]:
    return tuple(StageStep(at(minutes), stage) for minutes, stage in steps)
