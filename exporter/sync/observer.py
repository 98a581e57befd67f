"""What the sync tells about its work: to the self-metrics, the progress bar, the log and the evaluator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from exporter.errors import Reason
from exporter.naming import SourceState


def _none() -> Mapping[Reason, int]:
    return {}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pass is. `total` is what the vendor promised, where it promises; `seconds` since it was taken up."""

    source: str
    entity: str
    full: bool
    pages: int
    records: int
    seconds: float
    total: int | None = None

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.records / self.seconds if self.seconds > 0 else 0.0

    @property
    def remaining(self) -> float | None:
        """Seconds until the end at this rate; None where the total is not known."""
        if self.total is None or not self.rate:
            return None
        return max(self.total - self.records, 0) / self.rate


@dataclass(frozen=True, slots=True)
class PassReport:
    """How one pass over one entity ended.

    `paused` says that a full pass made way for newer changes and goes on later: neither success nor failure.
    `rejected` counts records by reason, the other counts are the store's. `retry_after` is how many seconds
    the vendor wants to be left alone.
    """

    source: str
    entity: str
    full: bool
    success: bool = False
    paused: bool = False
    reason: Reason | None = None
    message: str = ""
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    rejected: Mapping[Reason, int] = field(default_factory=_none)
    records: int = 0
    pages: int = 0
    seconds: float = 0.0
    retry_after: float | None = None

    @property
    def rejected_total(self) -> int:
        """How many records were not taken."""
        return sum(self.rejected.values())

    @property
    def changed(self) -> bool:
        """True where rows of the store are other than before."""
        return bool(self.new or self.updated or self.deleted)


class Observer(Protocol):
    """Called on the sync's event loop: every method returns at once and never raises."""

    def progressed(self, progress: Progress) -> None:
        """A page was read."""
        ...

    def finished(self, report: PassReport) -> None:
        """A pass ended, well or not."""
        ...

    def published(self, source: str, entity: str) -> None:
        """A pass was published: rows or the watermark are other than before."""
        ...

    def scheduled(self, source: str, entity: str, at: datetime) -> None:
        """When the entity is read next."""
        ...

    def state_changed(self, source: str, state: SourceState) -> None:
        """What the source is doing now."""
        ...

    def store_failed(self, operation: str, reason: str) -> None:
        """An operation of the store failed (begin, stage, publish, deliver, fail, ping); `reason`: error or damaged."""
        ...

    def store_rebuilt(self) -> None:
        """A damaged store was moved aside while running."""
        ...

    def clock_jumped(self, seconds: float) -> None:
        """The wall clock jumped by more than a minute."""
        ...


class NullObserver:
    """An observer that listens to nothing; others override what they want to hear."""

    def progressed(self, progress: Progress) -> None:
        """Nothing."""

    def finished(self, report: PassReport) -> None:
        """Nothing."""

    def published(self, source: str, entity: str) -> None:
        """Nothing."""

    def scheduled(self, source: str, entity: str, at: datetime) -> None:
        """Nothing."""

    def state_changed(self, source: str, state: SourceState) -> None:
        """Nothing."""

    def store_failed(self, operation: str, reason: str) -> None:
        """Nothing."""

    def store_rebuilt(self) -> None:
        """Nothing."""

    def clock_jumped(self, seconds: float) -> None:
        """Nothing."""
