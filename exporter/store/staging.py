"""Staged pages: what a pass has brought so far, each page with the token that continues after it."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import orjson

from exporter.passes import Page
from exporter.store.rows import payload


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a pass is staged: an entity of a source has one slot for full passes and one for the others.

    So a reconcile that takes hours can pause at a page while the newest changes are read and published.
    """

    source: str
    entity: str
    whole: bool

    @property
    def key(self) -> list[object]:
        """Values for `source = ? AND entity = ? AND whole = ?`."""
        return [self.source, self.entity, self.whole]


@dataclass(frozen=True, slots=True)
class Staged:
    """What a slot holds."""

    pages: int
    records: int
    resume: str | None


INSERT_PAGE = "INSERT INTO pages VALUES (?, ?, ?, ?, FALSE, ?, ?, ?, ?)"


def page_values(slot: Slot, number: int, page: Page) -> list[object]:
    """The values of a staged page's row; pages are numbered in the order of their arrival, over all slots.

    Rejected records whose id is known are kept as present, so that no listing takes them for deleted.
    """
    present = [error.record_id for error in page.rejected if error.record_id is not None]
    listed = orjson.dumps(present).decode() if present else None
    content = payload(slot.entity, page.records) if page.records else None
    return [*slot.key, number, len(page.records), page.resume, listed, content]


def last_page(connection: duckdb.DuckDBPyConnection) -> int:
    """The highest number given to a staged page."""
    row = connection.execute("SELECT max(page) FROM pages").fetchone()
    return (row[0] or 0) if row else 0


def staged(connection: duckdb.DuckDBPyConnection, slot: Slot) -> Staged:
    """How much the slot's own pass has brought, and its last page's token."""
    row = connection.execute(
        "SELECT count(*), coalesce(sum(records), 0)::BIGINT, arg_max(coalesce(resume, ''), page) FROM pages"
        " WHERE source = ? AND entity = ? AND whole = ? AND NOT visiting",
        slot.key,
    ).fetchone()
    pages, records, resume = row or (0, 0, None)
    return Staged(pages, records, resume or None)


def clear(connection: duckdb.DuckDBPyConnection, slot: Slot) -> None:
    """Forgets what the slot staged."""
    connection.execute("DELETE FROM pages WHERE source = ? AND entity = ? AND whole = ?", slot.key)


def hand_over(connection: duckdb.DuckDBPyConnection, slot: Slot) -> None:
    """Moves what the slot staged to the full pass under way, as visiting pages.

    What was published meanwhile must not look deleted, or older, to a listing that began before.
    """
    connection.execute(
        "UPDATE pages SET whole = TRUE, visiting = TRUE WHERE source = ? AND entity = ? AND whole = ?", slot.key
    )
