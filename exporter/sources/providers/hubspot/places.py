"""Where a reading of HubSpot stands: the cursor that a pass leaves, and the token that continues a broken one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

SECONDS_PER_ARCHIVED_PAGE = 10
"""The recycle bin is listed again after so many seconds for each page it last had: one request in ten seconds."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """What a completed pass leaves. `shape` is a fingerprint of what was asked for: another one starts anew."""

    shape: str
    changed: datetime
    archived_at: datetime
    """When the archived objects were last listed."""
    archived_pages: int

    def text(self) -> str:
        """As JSON, for the store."""
        instants = [at.astimezone(UTC).isoformat() for at in (self.changed, self.archived_at)]
        return json.dumps([self.shape, *instants, self.archived_pages])

    @classmethod
    def of(cls, text: str | None, shape: str) -> Cursor | None:
        """The stored cursor; None where everything is to be read."""
        if text is None:
            return None
        kept, changed, archived_at, pages = json.loads(text)
        if kept != shape:
            return None
        return cls(kept, datetime.fromisoformat(changed), datetime.fromisoformat(archived_at), pages)

    def archived_due(self, now: datetime) -> bool:
        """Whether the archived objects are to be listed again."""
        return now - self.archived_at >= timedelta(seconds=SECONDS_PER_ARCHIVED_PAGE * self.archived_pages)


@dataclass(frozen=True, slots=True)
class Place:
    """How far a pass has come."""

    archived: bool = False
    """Reading the archived objects, after the live ones."""
    after: str | None = None
    """The list's position, or the last id of a search."""
    latest: datetime | None = None
    """The latest change seen so far."""
    archived_pages: int = 0

    def token(self, shape: str) -> str:
        """As JSON, for the store."""
        latest = self.latest.astimezone(UTC).isoformat() if self.latest else None
        return json.dumps([shape, self.archived, self.after, latest, self.archived_pages])

    @classmethod
    def of(cls, token: str | None, shape: str) -> Place:
        """Where to go on; at the beginning where there is no token or something else is asked for now."""
        if token is None:
            return cls()
        kept, archived, after, latest, pages = json.loads(token)
        if kept != shape:
            return cls()
        return cls(archived, after, datetime.fromisoformat(latest) if latest else None, pages)
