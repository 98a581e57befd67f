"""The company's records, each with its full history, past and future.

A record is created once, with the instants at which it will change. A fake API computes from it what the vendor would
show at an instant, so the past never changes. Instants are seconds since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple


class StageStep(NamedTuple):
    """The instant at which a record entered a stage."""

    at: int
    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordHistory:
    """A record that is created, changes, and may be archived or merged."""

    id: int
    archived_at: int | None = None
    merged_at: int | None = None
    """When it was merged into another record and disappeared."""

    def event_times(self) -> tuple[int, ...]:
        """The instants at which its values change: its creation first, the others in any order."""
        raise NotImplementedError

    def change_times(self) -> tuple[int, ...]:
        """Every instant at which it changes, including its end, in order."""
        end_times = tuple(at for at in (self.archived_at, self.merged_at) if at is not None)
        return tuple(sorted((*self.event_times(), *end_times)))

    def changed_at(self, now: int) -> int:
        """Its last change as of `now`."""
        return max(at for at in self.change_times() if at <= now)

    def exists(self, now: int) -> bool:
        """Created and not merged into another; archived records exist."""
        return self.event_times()[0] <= now and not (self.merged_at is not None and self.merged_at <= now)

    def archived(self, now: int) -> bool:
        """Whether it is in the recycle bin as of `now`."""
        return self.archived_at is not None and self.archived_at <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedRecord(RecordHistory):
    """A record that moves through stages; `steps` are in order of time, the first at its creation."""

    steps: tuple[StageStep, ...]

    def event_times(self) -> tuple[int, ...]:
        """The instants of its steps."""
        return tuple(step.at for step in self.steps)

    @property
    def created_at(self) -> int:
        """When it was created."""
        return self.steps[0].at

    def stage(self, now: int) -> str:
        """Its stage as of `now`."""
        return next(step.stage for step in reversed(self.steps) if step.at <= now)

    def entered(self, stage: str, now: int) -> int | None:
        """When it last entered a stage; None if it has not as of `now`."""
        return next((step.at for step in reversed(self.steps) if step.stage == stage and step.at <= now), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DealHistory(StagedRecord):
    """A sales opportunity. Stages: discovery, demo, offer, negotiation, contract, won, lost."""

    name: str
    amount: Decimal
    currency: str
    partner: bool
    owner: int
    origin: str
    expected_at: int
    corrected_at: int | None = None
    """When a wrong amount is corrected."""
    corrected: Decimal | None = None

    def event_times(self) -> tuple[int, ...]:
        """The instants of its steps and of the correction."""
        times = StagedRecord.event_times(self)
        return times if self.corrected_at is None else (*times, self.corrected_at)

    def amount_at(self, now: int) -> Decimal:
        """The amount as of `now`."""
        if self.corrected is not None and self.corrected_at is not None and self.corrected_at <= now:
            return self.corrected
        return self.amount

    def closed_at(self, now: int) -> int | None:
        """When it was won or lost; None if it is open as of `now`."""
        return self.entered("won", now) or self.entered("lost", now)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadHistory(StagedRecord):
    """A prospect. Stages: new, working, qualified, converted, lost."""

    name: str
    owner: int
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketHistory(StagedRecord):
    """A request to the helpdesk. Stages: new, waiting_on_contact, waiting_on_us, closed."""

    subject: str
    care: bool
    agent: int
    priority: str
    channel: str
    replied_at: int
    rating: int | None = None
    rated_at: int | None = None

    def event_times(self) -> tuple[int, ...]:
        """The instants of its steps, the first reply and the rating."""
        times = (*StagedRecord.event_times(self), self.replied_at)
        return times if self.rated_at is None else (*times, self.rated_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneCall(RecordHistory):
    """A call. `missed_reason` is set for unanswered inbound calls."""

    inbound: bool
    line: str
    started_at: int
    ended_at: int
    answered_at: int | None = None
    agent: int | None = None
    missed_reason: str | None = None
    voicemail: bool = False
    topic: str | None = None
    tagged_at: int | None = None
    """When its topic is recorded, minutes or hours after the call."""

    def event_times(self) -> tuple[int, ...]:
        """When the call log records it: at its end, and when it is tagged."""
        return (self.ended_at,) if self.tagged_at is None else (self.ended_at, self.tagged_at)
