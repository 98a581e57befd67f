"""How far a pass over calls has come; the token of each page, so that an interrupted backfill goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from exporter.errors import IncompletePassError, Reason
from exporter.records import Record


@dataclass(frozen=True, slots=True)
class Place:
    """A window of calls by their start, `since` to `until` in epoch seconds, and the position in its pages."""

    since: int
    until: int | None = None
    """None: still to be cut to a size that can be listed whole."""
    position: str | None = None
    rows: int = 0
    """Rows read of the window."""
    promised: int | None = None
    """The smallest number of rows that the vendor said the window has."""
    oldest: datetime | None = None
    latest: datetime | None = None
    shrunk: bool = False
    """Calls vanished while pages were read, which may have pushed others past the reader."""

    def after(self, records: Sequence[Record], rows: int, total: int, position: str | None) -> Place:
        """The place after one more page."""
        starts = [at for record in records if (at := getattr(record, "started_at", None)) is not None]
        return replace(
            self,
            position=position,
            rows=self.rows + rows,
            promised=total if self.promised is None else min(total, self.promised),
            oldest=min([*starts, self.oldest] if self.oldest else starts, default=None),
            latest=max([*starts, self.latest] if self.latest else starts, default=None),
            shrunk=self.shrunk or (self.promised is not None and total < self.promised),
        )

    def next_window(self, end: int) -> Place:
        """The place after the window's last page; raises IncompletePassError(CAPPED) where rows are missing.

        Windows share their border second, so that it does not matter whether the vendor's bounds are inclusive.
        """
        if self.rows < (self.promised or 0):
            text = f"{self.promised} calls promised, {self.rows} given"
            raise IncompletePassError(Reason.CAPPED, text)
        since = end if self.until is None else self.until
        return replace(self, since=since, until=None, position=None, rows=0, promised=None)

    def token(self) -> str:
        """As JSON, for the store."""
        seen = [at.astimezone(UTC).isoformat() if at else None for at in (self.oldest, self.latest)]
        return json.dumps([self.since, self.until, self.position, self.rows, self.promised, *seen, self.shrunk])

    @classmethod
    def of(cls, token: str) -> Place:
        """The place that a token stands for."""
        since, until, position, rows, promised, oldest, latest, shrunk = json.loads(token)
        first, last = (datetime.fromisoformat(text) if text else None for text in (oldest, latest))
        return cls(since, until, position, rows, promised, first, last, shrunk)
