"""Records, pages and stores for tests of the store."""

from __future__ import annotations

import resource
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from exporter.passes import Listing, Page
from exporter.records import Call, Deal
from exporter.store import state
from exporter.store.merge import MergeResult
from exporter.store.store import Store

NOW = datetime(2025, 11, 19, 14, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def deal(key: int | str, updated: float = 0, **columns: Any) -> Deal:
    """A deal changed `updated` hours after NOW."""
    return Deal(id=str(key), updated_at=NOW + updated * HOUR, **{"amount": Decimal(10), "created_at": NOW, **columns})


def call(number: int) -> Call:
    """The n-th call, one a minute."""
    at = NOW + timedelta(minutes=number)
    return Call(id=f"c{number}", updated_at=at, started_at=at, talk_seconds=float(number % 600), agent="ada")


def read(
    store: Store, *records: Deal, source: str = "crm", at: datetime = NOW, full: bool = False, **ending: Any
) -> MergeResult:
    """A complete pass over the deals, in one page."""
    sync_pass = store.begin(source, "deals", at, full=full)
    store.stage(sync_pass, source, Page(records))
    return store.publish(source, "deals", full=sync_pass.cursor is None, at=at, **{"cursor": "c", **ending})


def rows(store: Store, columns: str = "id, updated_at, deleted, amount", entity: str = "deals") -> list[Any]:
    """Stored rows, deleted ones included, by id."""
    with store.reading() as connection:
        return connection.execute(f"SELECT {columns} FROM {entity} ORDER BY source, id").fetchall()


def live(store: Store, entity: str = "deals") -> list[str]:
    """Ids of the rows that are not deleted."""
    with store.reading() as connection:
        result = connection.execute(f"SELECT id FROM {entity} WHERE NOT deleted ORDER BY source, id").fetchall()
    return [key for (key,) in result]


def everything() -> Listing:
    """States that a pass listed every record."""
    return Listing()


def filled(folder: Path, deals: Iterable[int] = range(50)) -> None:
    """Leaves a closed store with deals in the folder."""
    store = Store.open(folder)
    read(store, *map(deal, deals))
    store.close()


def watermarks(store: Store) -> dict[tuple[str, str], datetime]:
    """(source, entity) to the instant up to which it is complete, without those that never completed."""
    return {(o.source, o.entity): o.watermark for o in store.outcomes() if o.watermark is not None}


def versions(store: Store) -> dict[str, int]:
    """Each entity's version, which is another number whenever its rows change."""
    with store.reading() as connection:
        return dict(state.read_versions(connection))


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """Simulates a full disk for this process: files cannot grow beyond the size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
