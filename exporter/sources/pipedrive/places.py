"""How far a pass over the lists of an entity has come; the token of each page."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from exporter.sources.pagination import Batch
from exporter.sources.pipedrive.api import Part


@dataclass(frozen=True, slots=True)
class Place:
    """A list, the position in it, and the last row that was read of it."""

    part: int = 0
    position: str | None = None
    last: str | None = None
    shifted: bool = False
    """Rows vanished while pages were read, which may have pushed others past the reader."""

    def after(self, batch: Batch, part: Part) -> Place:
        """The place after one more page: the last row of the page before comes again where nothing was missed."""
        ids = [str(row.get("id")) for row in batch.rows if isinstance(row, dict)]
        overlaps = getattr(part.paginator, "overlap", 0) > 0
        shifted = self.shifted or (overlaps and self.last is not None and self.last not in ids)
        if batch.following is None:
            return Place(self.part + 1, shifted=shifted)
        return Place(self.part, batch.following, ids[-1] if overlaps and ids else None, shifted)

    def token(self) -> str:
        """As JSON, for the store."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, token: str | None) -> Place:
        """The place that a token stands for; the beginning without one."""
        return cls(**json.loads(token)) if token else cls()
