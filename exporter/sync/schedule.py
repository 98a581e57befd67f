"""Which entity of a source is read next, when, and whether in full."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from exporter.errors import Reason
from exporter.sources.backoff import FAILURE_LIMIT, credential_wait, retry_wait
from exporter.sources.base import Source
from exporter.store.state import Outcome
from exporter.sync.observer import PassReport

FIRST_RETRY = 2.0
"""The longest wait in seconds before the first retry."""

FULL_RETRY = 3600.0
"""Seconds until a full pass that the vendor's responses made impossible is tried again."""

SPREAD = 0.05
"""Share of the interval by which passes are spread, so that sources do not fall into step."""

MIN_FULL_PASS = 30.0
"""Seconds after which a full pass may pause, at the earliest."""

_TRANSIENT = frozenset(
    {
        Reason.CONNECT,
        Reason.DNS,
        Reason.TLS,
        Reason.TIMEOUT,
        Reason.PROTOCOL,
        Reason.SERVER_ERROR,
        Reason.BREAKER_OPEN,
        Reason.STORE,
        Reason.INTERNAL,
    }
)
_CREDENTIALS = frozenset({Reason.UNAUTHORIZED, Reason.FORBIDDEN})
_UNRELATED_TO_FULL_PASS = frozenset({Reason.RATE_LIMITED, Reason.STORE})


def _no_fingerprints() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Job:
    """A source, its sync interval, its interval between full passes, and a fingerprint of the options by entity."""

    source: Source
    sync_every: timedelta
    reconcile_every: timedelta = timedelta(hours=24)
    fingerprints: Mapping[str, str] = field(default_factory=_no_fingerprints)

    @property
    def interval(self) -> float:
        """Seconds between two passes."""
        return self.sync_every.total_seconds()


def next_wait(report: PassReport, failures: int, interval: float, rng: random.Random) -> float:
    """Seconds until the entity's next pass; `failures` includes this one.

    Transient failures are retried after an exponential wait with full jitter, at most the interval; from the fifth
    failure on, once per interval. Refused credentials are probed after 5 minutes, growing to 1 hour.
    """
    if report.retry_after is not None:
        return report.retry_after + rng.uniform(0, min(1.0, interval * SPREAD))
    if report.reason in _CREDENTIALS:
        return max(interval, credential_wait(failures))
    if report.reason in _TRANSIENT and failures < FAILURE_LIMIT:
        return retry_wait(failures, rng.random(), FIRST_RETRY, interval)
    return interval * (1 + rng.uniform(0, SPREAD))


@dataclass(slots=True)
class _EntityPlan:
    """Times are of the monotonic clock, except `last_full`, which outlives the process."""

    due: float
    failures: int = 0
    last_full: datetime | None = None
    incremental: bool = False
    full_not_before: float = 0.0
    paused: bool = False
    full_turn: bool = False


class Schedule:
    """The schedule of one source. Full passes longer than an interval alternate with incremental ones."""

    def __init__(self, job: Job, rng: random.Random) -> None:
        self._job = job
        self._rng = rng
        self._plans = {entity: _EntityPlan(due=0.0) for entity in job.source.entities}

    def start(self, outcomes: Mapping[str, Outcome], now: float, wall: datetime) -> None:
        """Continues the schedule of the last process: passes keep their interval, and vendors their wait."""
        spread = self._rng.uniform(0, min(1.0, self._job.interval * 0.1))
        self.update(outcomes)
        for entity, plan in self._plans.items():
            outcome = outcomes.get(entity) or Outcome(self._job.source.name, entity)
            wait = 0.0
            same_options = outcome.fingerprint == self._job.fingerprints.get(entity, "")
            if outcome.retry_at is not None:
                wait = outcome.wait(wall)
            elif outcome.last_success and not outcome.failures and same_options:
                since = (wall - outcome.last_success).total_seconds()
                wait = self._job.interval - since if since >= 0 else 0.0
            plan.due = now + max(wait, 0.0) + spread

    def update(self, outcomes: Mapping[str, Outcome]) -> None:
        """Takes over what the store recorded about past passes."""
        for entity, outcome in outcomes.items():
            if plan := self._plans.get(entity):
                plan.failures, plan.last_full = outcome.failures, outcome.last_full
                plan.incremental = outcome.cursor is not None

    def due(self, now: float) -> list[str]:
        """The entities to read now, in the source's order."""
        return [entity for entity, plan in self._plans.items() if plan.due <= now]

    def wait(self, now: float) -> float:
        """Seconds until the next entity is due."""
        return max(min(plan.due for plan in self._plans.values()) - now, 0.0)

    def wants_full(self, entity: str, now: float, wall: datetime) -> bool:
        """True if the entity's next pass is a full one."""
        plan = self._plans[entity]
        if plan.paused:
            return plan.full_turn
        if plan.last_full is None:
            return True
        recent = timedelta(0) <= wall - plan.last_full < self._job.reconcile_every
        return not recent and now >= plan.full_not_before

    def pause_after(self, entity: str) -> float | None:
        """Seconds after which a full pass pauses for newer changes; None if there is no incremental pass."""
        return max(self._job.interval, MIN_FULL_PASS) if self._plans[entity].incremental else None

    def record(self, report: PassReport, now: float) -> float:
        """Schedules the entity's next pass and returns the seconds until then."""
        plan = self._plans[report.entity]
        plan.failures = 0 if report.success or report.paused else plan.failures + 1
        wait = next_wait(report, plan.failures, self._job.interval, self._rng)
        if report.paused or (report.success and plan.paused and not report.full):
            plan.full_turn = not report.paused
            plan.paused, wait = True, 0.0
        elif report.full:
            plan.paused = False
            if not report.success and report.reason not in _UNRELATED_TO_FULL_PASS:
                plan.full_not_before = now + FULL_RETRY
        plan.due = now + wait
        return wait

    def postpone(self, entity: str) -> None:
        """The source failed as a whole: none of its entities is read before this one."""
        earliest = self._plans[entity].due
        for plan in self._plans.values():
            plan.due = max(plan.due, earliest)

    def reset(self, now: float) -> None:
        """The store was emptied: every entity is due, in full."""
        self._plans = {entity: _EntityPlan(due=now) for entity in self._plans}
