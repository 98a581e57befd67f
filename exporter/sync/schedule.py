"""Which entity of a source is read next, when, and whether in full."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from exporter.errors import Reason
from exporter.sources.base import Source
from exporter.store.state import Outcome
from exporter.sync.observer import PassReport
from exporter.sync.pacing import Pacing

_HINDERED = frozenset({Reason.RATE_LIMITED, Reason.STORE})


def _no_fingerprints() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Job:
    """A source, how often it is read, how often in full, and per entity the digest of the options that matter."""

    source: Source
    sync_every: timedelta
    reconcile_every: timedelta = timedelta(hours=24)
    fingerprints: Mapping[str, str] = field(default_factory=_no_fingerprints)

    @property
    def interval(self) -> float:
        """Seconds between two passes."""
        return self.sync_every.total_seconds()


@dataclass(slots=True)
class _Entry:
    """Instants on the monotonic clock, but for `last_full`, which outlives the process."""

    due: float
    failures: int = 0
    last_full: datetime | None = None
    incremental: bool = False
    full_not_before: float = 0.0
    paused: bool = False
    full_turn: bool = False


class Schedule:
    """One source's plan. Full passes that take longer than an interval take turns with the newest changes."""

    def __init__(self, job: Job, pacing: Pacing, chance: random.Random) -> None:
        self._job = job
        self._pacing = pacing
        self._chance = chance
        self._entries = {entity: _Entry(due=0.0) for entity in job.source.entities}

    def start(self, outcomes: Mapping[str, Outcome], now: float, wall: datetime) -> None:
        """Takes up where the last process left off: no pass before its time, no request before the vendor's."""
        spread = self._chance.uniform(0, min(1.0, self._job.interval * 0.1))
        for entity, entry in self._entries.items():
            known = outcomes.get(entity) or Outcome(self._job.source.name, entity)
            self._learn(entry, known)
            wait = 0.0
            if known.retry_at is not None:
                wait = (known.retry_at - wall).total_seconds()
            elif known.last_success and not known.failures and known.fingerprint == self._fingerprint(entity):
                since = (wall - known.last_success).total_seconds()
                wait = self._job.interval - since if since >= 0 else 0.0
            entry.due = now + max(wait, 0.0) + spread

    def learn(self, outcomes: Mapping[str, Outcome]) -> None:
        """Takes over what the store knows after a pass."""
        for entity, known in outcomes.items():
            if entity in self._entries:
                self._learn(self._entries[entity], known)

    def due(self, now: float) -> list[str]:
        """The entities to read now, in the source's order."""
        return [entity for entity, entry in self._entries.items() if entry.due <= now]

    def wait(self, now: float) -> float:
        """Seconds until the next entity is due."""
        return max(min(entry.due for entry in self._entries.values()) - now, 0.0)

    def wants_full(self, entity: str, now: float, wall: datetime) -> bool:
        """True where it is the turn of a full pass."""
        entry = self._entries[entity]
        if entry.paused:
            return entry.full_turn
        if entry.last_full is None:
            return True
        fresh = timedelta(0) <= wall - entry.last_full < self._job.reconcile_every
        return not fresh and now >= entry.full_not_before

    def pause_after(self, entity: str) -> float | None:
        """Seconds after which a full pass makes way; None where there is nothing to make way for."""
        return max(self._job.interval, 30.0) if self._entries[entity].incremental else None

    def note(self, report: PassReport, now: float) -> float:
        """Plans the entity's next pass and gives the seconds until then."""
        entry = self._entries[report.entity]
        entry.failures = 0 if report.success or report.paused else entry.failures + 1
        wait = self._pacing.after(report, entry.failures, self._job.interval, self._chance)
        if report.paused or (report.success and entry.paused and not report.full):
            entry.full_turn = not report.paused
            entry.paused, wait = True, 0.0
        elif report.full:
            entry.paused = False
            if not report.success and report.reason not in _HINDERED:
                entry.full_not_before = now + self._pacing.full_retry
        entry.due = now + wait
        return wait

    def put_off(self, failed: str) -> None:
        """The source failed as a whole: nothing of it is read before the entity that failed."""
        until = self._entries[failed].due
        for entry in self._entries.values():
            entry.due = max(entry.due, until)

    def reset(self, now: float) -> None:
        """The store was emptied: everything is due, in full."""
        self._entries = {entity: _Entry(due=now) for entity in self._entries}

    def _learn(self, entry: _Entry, known: Outcome) -> None:
        entry.failures, entry.last_full = known.failures, known.last_full
        entry.incremental = known.cursor is not None

    def _fingerprint(self, entity: str) -> str:
        return self._job.fingerprints.get(entity, "")
