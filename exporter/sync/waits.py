"""Lifting the waits that a vendor asked for, before they end."""

from __future__ import annotations

from exporter.errors import ControlError, ExitCode
from exporter.store.store import Store


def lift_waits(store: Store, source: str) -> dict[str, object]:
    """Ends the stored waits of a source: `{"source": ..., "waits": ...}`.

    Raises ControlError if no such source was ever read, and StoreError.
    """
    known = sorted({outcome.source for outcome in store.outcomes()})
    if source not in known:
        raise ControlError(f"{source} was never read: name one of {', '.join(known) or 'no sources'}", ExitCode.USAGE)
    return {"source": source, "waits": store.lift_waits(source)}
