"""Where a pass starts, resumes and ends: cursors, resume tokens, and the last page, which carries the cursor."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Self, get_type_hints

from exporter.errors import SourceError
from exporter.passes import Page, Pass

NO_LAG = timedelta(0)


def complete_until(sync_pass: Pass, skew: float = 0.0, lag: timedelta = NO_LAG) -> datetime:
    """The instant up to which a pass has read every change, on the vendor's clock.

    `skew` is the vendor's clock minus ours in seconds: a slow vendor clock stamps later changes with times before
    the start of the pass. `lag` is how long the vendor may take to list a change.
    """
    return sync_pass.started_at - lag + timedelta(seconds=min(0.0, skew))


def next_instant(
    sync_pass: Pass,
    previous: datetime | None,
    latest: datetime | None,
    *,
    skew: float = 0.0,
    lag: timedelta = NO_LAG,
) -> datetime | None:
    """Where the next pass starts: the latest change read, at most `complete_until`, and never before `previous`.

    None if no change has ever been read.
    """
    if latest is None:
        return previous
    instant = min(latest, complete_until(sync_pass, skew, lag))
    return instant if previous is None else max(previous, instant)


def next_cursor(sync_pass: Pass, latest: datetime | None, *, skew: float = 0.0, lag: timedelta = NO_LAG) -> str | None:
    """The `next_instant` as text, for a cursor that is that instant and nothing else.

    `latest` is the start of the pass if the provider has read every change up to then.
    """
    previous = datetime.fromisoformat(sync_pass.cursor) if sync_pass.cursor else None
    instant = next_instant(sync_pass, previous, latest, skew=skew, lag=lag)
    return instant.astimezone(UTC).isoformat() if instant else None


def changes_since(sync_pass: Pass, lookback: timedelta) -> datetime | None:
    """Where a pass starts to read, if its cursor is an instant; None for a full pass.

    `lookback` is how far behind the cursor changes may still appear.
    """
    return datetime.fromisoformat(sync_pass.cursor) - lookback if sync_pass.cursor else None


@dataclass(frozen=True, slots=True)
class StoredPosition:
    """Base of the frozen dataclasses that the store keeps as text: a cursor or resume token of several values.

    The text is a JSON list of the fields in their order, which are texts, numbers, flags, instants and tuples.
    """

    def to_text(self) -> str:
        """The position as text."""
        return json.dumps([getattr(self, item.name) for item in fields(self)], default=_iso)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The position that `to_text` wrote; raises ValueError for a text of another shape or number of fields."""
        values = json.loads(text)
        if not isinstance(values, list):
            raise ValueError("a stored position is a JSON list")
        types = get_type_hints(cls)
        create: Callable[..., Self] = cls
        pairs = zip(fields(cls), values, strict=True)
        return create(*[_decoded(value, types[item.name]) for item, value in pairs])


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat()


def _decoded(value: Any, kind: Any) -> Any:
    if isinstance(value, str) and kind in (datetime, datetime | None):
        return datetime.fromisoformat(value)
    return tuple(value) if isinstance(value, list) else value


async def finish_last_page(pages: AsyncIterator[Page], finish: Callable[[Page], Page]) -> AsyncIterator[Page]:
    """The same pages, with `finish` applied to the last one, or to an empty page if there are none.

    Each page is delayed until the next one arrives. If that fails, the delayed page is yielded unfinished before
    the error, so that the next attempt resumes after it.
    """
    pending: Page | None = None
    try:
        async for page in pages:
            if pending is not None:
                yield pending
            pending = page
    except SourceError:
        if pending is not None:
            yield pending
        raise
    yield finish(pending or Page(()))
