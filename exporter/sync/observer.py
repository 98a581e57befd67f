"""What the sync reports about its work: to the self-metrics, the progress bar, the log and the evaluator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from exporter.errors import Reason
from exporter.naming import SourceState


def _no_rejections() -> Mapping[Reason, int]:
    return {}


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a pass. `total` is what the vendor announced, if it did; `seconds` counts from the resumption."""

    source: str
    entity: str
    full: bool
    pages: int
    records: int
    seconds: float
    total: int | None = None

    @property
    def rate(self) -> float:
        """Records per second."""
        return self.records / self.seconds if self.seconds > 0 else 0.0

    @property
    def remaining(self) -> float | None:
        """Seconds until the end at this rate; None if the total is unknown."""
        if self.total is None or not self.rate:
            return None
        return max(self.total - self.records, 0) / self.rate


@dataclass(frozen=True, slots=True)
class PassReport:
    """The result of one pass over one entity.

    `paused` says that a full pass yielded to newer changes and resumes later: it neither succeeded nor failed.
    `rejected` counts records by reason, and `examples` says of the first ones where they are; the other counts come
    from the store. `retry_after` is the number of seconds for which the vendor accepts no request.
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
    rejected: Mapping[Reason, int] = field(default_factory=_no_rejections)
    examples: tuple[str, ...] = ()
    records: int = 0
    pages: int = 0
    seconds: float = 0.0
    retry_after: float | None = None

    @property
    def rejected_total(self) -> int:
        """The number of rejected records."""
        return sum(self.rejected.values())

    @property
    def rejections(self) -> str:
        """How many records were rejected and where the first ones are, in words; empty if none was."""
        rows = "1 row was" if self.rejected_total == 1 else f"{self.rejected_total} rows were"
        more = "; ..." if self.rejected_total > len(self.examples) else ""
        return f"{rows} rejected: {'; '.join(self.examples)}{more}" if self.examples else ""


class Observer:
    """Receives events on the sync's event loop. Methods must return at once and never raise; these do nothing."""

    def progressed(self, progress: Progress) -> None:
        """A page was read."""

    def finished(self, report: PassReport) -> None:
        """A pass succeeded, failed or paused."""

    def published(self, source: str, entity: str) -> None:
        """A pass was published: rows or the watermark changed."""

    def scheduled(self, source: str, entity: str, at: datetime) -> None:
        """The entity's next pass is due at this instant."""

    def state_changed(self, source: str, state: SourceState) -> None:
        """The source has another state."""

    def store_failed(self, operation: str, reason: str) -> None:
        """A store operation failed (begin, stage, publish, deliver, fail, ping) with `reason` error or damaged."""

    def store_rebuilt(self) -> None:
        """A damaged store was replaced by an empty one."""

    def clock_jumped(self, seconds: float) -> None:
        """The wall clock jumped by more than a minute."""
