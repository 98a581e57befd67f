"""The final results of periods that are over, and the entries of the ledger that tell what changed about them later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from exporter.config.fields import Scope, Status


class Cause(StrEnum):
    """Why a result of a sealed period changed, the strongest first: of several causes the first one is reported."""

    DEFINITION = "definition"
    """What the KPI measures changed: its formula, a metric, its bands or the calendar."""
    TARGET = "target"
    """Its target changed."""
    LATE = "late"
    """A record of the period arrived after the last look."""
    DELETED = "deleted"
    """A record of the period was deleted."""
    REDATED = "redated"
    """The instant that places a record in the period changed."""
    EDITED = "edited"
    """Something else about a record of the period, or about a person, changed."""
    OTHER = "other"
    """None of these, such as an exchange rate."""


class ResultKey(NamedTuple):
    """Whose result in which period.

    `name` is that of the team or the person, None for the company. A person keeps it when the team changes.
    """

    kpi: str
    period: str
    scope: Scope
    name: str | None


class PeriodResult(NamedTuple):
    """What a KPI amounted to in a whole period. Numbers are None if they are unknown or meaningless."""

    value: float | None
    target: float | None
    target_ratio: float | None
    status: Status


NO_RESULT = PeriodResult(None, None, None, Status.NO_DATA)
"""The result of a team or a person without records."""


class _LedgerResult:
    """Whose result an entry of the ledger has, in which period, and the result."""

    __slots__ = ()

    kpi: str
    scope: Scope
    team: str | None
    person: str | None
    period: str
    value: float | None
    target: float | None
    target_ratio: float | None
    status: Status

    @property
    def key(self) -> ResultKey:
        """Whose result it is; a period is sealed once for each."""
        return ResultKey(self.kpi, self.period, self.scope, self.person if self.person is not None else self.team)

    @property
    def result(self) -> PeriodResult:
        """The result of the seal, or the one since the restatement."""
        return PeriodResult(self.value, self.target, self.target_ratio, self.status)


@dataclass(frozen=True, slots=True)
class Seal(_LedgerResult):
    """The result of one KPI for the company, a team or a person in one period, as it stood when it became final.

    `period` is the period's name, such as 2026-10, 2026-Q3, 2026-W07 or 2026-10-31; `start` and `end` bound it. The
    digests say on which definition and on which targets the result rests. `watermark` is the instant up to which all
    its sources were complete.
    """

    kpi: str
    scope: Scope
    team: str | None
    person: str | None
    period: str
    start: datetime
    end: datetime
    value: float | None
    target: float | None
    target_ratio: float | None
    status: Status
    coverage: float | None
    definition_digest: str
    target_digest: str
    watermark: datetime
    sealed_at: datetime


@dataclass(frozen=True, slots=True)
class Restatement(_LedgerResult):
    """A change of a result after its period was sealed. The seal stays as it is.

    The previous numbers are those of the last restatement, or of the seal if this is the first one; a team or person
    whose first record came later had none.
    """

    kpi: str
    scope: Scope
    team: str | None
    person: str | None
    period: str
    start: datetime
    previous_value: float | None
    value: float | None
    previous_target: float | None
    target: float | None
    previous_target_ratio: float | None
    target_ratio: float | None
    previous_status: Status
    status: Status
    cause: Cause
    restated_at: datetime

    @property
    def previous(self) -> PeriodResult:
        """The result before it."""
        return PeriodResult(self.previous_value, self.previous_target, self.previous_target_ratio, self.previous_status)


@dataclass(frozen=True, slots=True)
class PeriodLook:
    """The last comparison of a KPI's sealed period with what the records say.

    It is written with the seals, so a period without a look is not sealed; `start` and `end` bound it. `commits` is
    the number of the store's commits that it saw, and `known_until` the instant at which the newest record that it saw
    became known, None if there was none.
    """

    kpi: str
    period: str
    start: datetime
    end: datetime
    definition_digest: str
    target_digest: str
    commits: int
    known_until: datetime | None
    looked_at: datetime


@dataclass(frozen=True, slots=True)
class LedgerEntries:
    """What is written to the ledger at once."""

    seals: tuple[Seal, ...] = ()
    restatements: tuple[Restatement, ...] = ()
    looks: tuple[PeriodLook, ...] = ()


class FinalVerdict(NamedTuple):
    """How the company did in a sealed period, as it was sealed, and on which targets that rests."""

    kpi: str
    start: datetime
    end: datetime
    target_ratio: float | None
    status: Status
    target_digest: str


class RestatedValue(NamedTuple):
    """The company's value of a sealed period, as restated last."""

    kpi: str
    period: str
    value: float
