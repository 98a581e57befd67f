"""How far a pass over the lists of an entity has come; the token of each page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from exporter.passes import Pass
from exporter.records import Record
from exporter.sources.cursor import next_cursor
from exporter.sources.http.pagination import Batch
from exporter.sources.providers.pipedrive.api import Part


@dataclass(frozen=True, slots=True)
class Place:
    """A list, the position in it, and the last row that was read of it."""

    part: int = 0
    position: str | None = None
    last: str | None = None
    shifted: bool = False
    """Rows vanished while pages were read, which may have pushed others past the reader."""
    latest: str | None = None
    """The latest change seen."""

    def after(self, batch: Batch, part: Part, records: Sequence[Record]) -> Place:
        """The place after one more page: the last row of the page before comes again where nothing was missed."""
        ids = [str(row.get("id")) for row in batch.rows if isinstance(row, dict)]
        overlaps = getattr(part.paginator, "overlap", 0) > 0
        shifted = self.shifted or (overlaps and self.last is not None and self.last not in ids)
        times = [record.updated_at.isoformat() for record in records if record.updated_at is not None]
        latest = max([*times, self.latest] if self.latest else times, default=None)
        if batch.following is None:
            return Place(self.part + 1, shifted=shifted, latest=latest)
        return Place(self.part, batch.following, ids[-1] if overlaps and ids else None, shifted, latest)

    def cursor(self, sync_pass: Pass, oldest: datetime, skew: float) -> str | None:
        """The latest change read, or `oldest` if that is later."""
        latest = max(datetime.fromisoformat(self.latest), oldest) if self.latest else oldest
        return next_cursor(sync_pass, latest, skew=skew)

    def token(self) -> str:
        """As JSON, for the store."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, token: str | None) -> Place:
        """The place that a token stands for; the beginning without one."""
        return cls(**json.loads(token)) if token else cls()
