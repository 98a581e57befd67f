"""What a process shows before it has evaluated anything: the snapshot that the run before left."""

from __future__ import annotations

from exporter import naming
from exporter.exposition.snapshot import thaw
from exporter.store.store import Store
from exporter.web.server import ServedState


def restore(store: Store, state: ServedState, digest: str) -> bytes:
    """Shows the kept snapshot, with its own age, if it was taken under this config; gives the kept memory.

    The memory is empty where nothing was kept. Raises StoreError.
    """
    kept = store.load_snapshot()
    if kept is None:
        return b""
    body, memory, _ = kept
    snapshot = thaw(body, digest)
    if snapshot is not None:
        state.snapshot = snapshot
        state.self_metrics.set(naming.SERIES, snapshot.series)
    return memory
