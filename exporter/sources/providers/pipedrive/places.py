"""How far a pass over the lists of an entity has come; the token of each page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from exporter.passes import Pass
from exporter.records import Record
from exporter.sources.cursor import StoredPosition, next_cursor
from exporter.sources.http.pagination import Batch
from exporter.sources.providers.pipedrive.api import Part


@dataclass(frozen=True, slots=True)
class Place(StoredPosition):
    """A list, the position in it, and the last row that was read of it."""

    part: int = 0
    position: str | None = None
    last: str | None = None
    shifted: bool = False
    """Rows vanished while pages were read, which may have pushed others past the reader."""
    latest: datetime | None = None
    """The latest change seen."""

    def after(self, batch: Batch, part: Part, records: Sequence[Record]) -> Place:
        """The place after one more page: the last row of the page before comes again where nothing was missed."""
        ids = [str(row.get("id")) for row in batch.rows if isinstance(row, dict)]
        overlaps = getattr(part.paginator, "overlap", 0) > 0
        shifted = self.shifted or (overlaps and self.last is not None and self.last not in ids)
        times = [record.updated_at for record in records if record.updated_at is not None]
        latest = max([*times, self.latest] if self.latest else times, default=None)
        if batch.following is None:
            return Place(self.part + 1, shifted=shifted, latest=latest)
        return Place(self.part, batch.following, ids[-1] if overlaps and ids else None, shifted, latest)

    def cursor(self, sync_pass: Pass, oldest: datetime, skew: float) -> str | None:
        """The latest change read, or `oldest` if that is later."""
        latest = max(self.latest, oldest) if self.latest else oldest
        return next_cursor(sync_pass, latest, skew=skew)
