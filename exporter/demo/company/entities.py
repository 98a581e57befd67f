"""What the company's records are and how they change: each carries its whole life, past and to come.

A record is written once, with the instants at which it will change. What a vendor shows at an instant is
read off it, so that the past is the same whenever somebody looks. Instants are seconds since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple


class StageStep(NamedTuple):
    """A stage entered at an instant."""

    at: int
    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordHistory:
    """A record that comes into being, changes and may go again."""

    id: int
    archived_at: int | None = None
    merged_at: int | None = None
    """When it was merged into another and vanished."""

    def event_times(self) -> tuple[int, ...]:
        """The instants at which its own facts change, the first at its creation; later ones in any order."""
        raise NotImplementedError

    def change_times(self) -> tuple[int, ...]:
        """Every instant at which it changes, its end included, in order."""
        ends = tuple(at for at in (self.archived_at, self.merged_at) if at is not None)
        return tuple(sorted((*self.event_times(), *ends)))

    def changed_at(self, now: int) -> int:
        """Its last change up to now."""
        return max(at for at in self.change_times() if at <= now)

    def exists(self, now: int) -> bool:
        """Created and not merged away; archived ones exist."""
        return self.event_times()[0] <= now and not (self.merged_at is not None and self.merged_at <= now)

    def archived(self, now: int) -> bool:
        """Put into the recycle bin by now."""
        return self.archived_at is not None and self.archived_at <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedRecord(RecordHistory):
    """A record of the CRM that moves through stages, given in order of time, the first at its creation."""

    steps: tuple[StageStep, ...]

    def event_times(self) -> tuple[int, ...]:
        """The instants of its steps."""
        return tuple(step.at for step in self.steps)

    @property
    def created_at(self) -> int:
        """When it came into being."""
        return self.steps[0].at

    def stage(self, now: int) -> str:
        """The stage it is in now."""
        return next(step.stage for step in reversed(self.steps) if step.at <= now)

    def entered(self, stage: str, now: int) -> int | None:
        """When it last entered a stage, if it has by now."""
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
    """When somebody noticed that the amount was wrong."""
    corrected: Decimal | None = None

    def event_times(self) -> tuple[int, ...]:
        """Its steps and the correction of its amount."""
        steps = tuple(step.at for step in self.steps)
        return steps if self.corrected_at is None else (*steps, self.corrected_at)

    def worth(self, now: int) -> Decimal:
        """The amount as known now."""
        if self.corrected is not None and self.corrected_at is not None and self.corrected_at <= now:
            return self.corrected
        return self.amount

    def closed_at(self, now: int) -> int | None:
        """When it was won or lost, if it is by now."""
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
        """Its steps, the first reply and the rating."""
        own = (*(step.at for step in self.steps), self.replied_at)
        return own if self.rated_at is None else (*own, self.rated_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneCall(RecordHistory):
    """A call with everything that happens to it. An unanswered one has a reason, or rang in vain."""

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
    """When its topic is noted, minutes or hours after the call."""

    def event_times(self) -> tuple[int, ...]:
        """As a call log sees it: it is written down when it is over, and tagged later."""
        return (self.ended_at,) if self.tagged_at is None else (self.ended_at, self.tagged_at)
