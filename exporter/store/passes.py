"""Passes under way: how one begins or goes on, and what a completed one leaves behind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import duckdb

from exporter.errors import StoreError
from exporter.passes import Pass
from exporter.store import staging, state
from exporter.store.staging import Slot
from exporter.store.state import Outcome, aware, naive

RESUMABLE = timedelta(days=7)
"""A pass that was interrupted longer ago starts again: vendors forget their page tokens."""


@dataclass(frozen=True, slots=True)
class Started:
    """A pass under way. `resumed_at` is when it was last taken up, `base` the entity's cursor at its start."""

    started_at: datetime
    resumed_at: datetime
    base: str | None
    fingerprint: str


def begin(connection: duckdb.DuckDBPyConnection, slot: Slot, now: datetime, fingerprint: str) -> Pass:
    """The pass that goes on in the slot, or a new one; see Store.begin."""
    known = state.outcome(connection, slot.source, slot.entity)
    changed = known.fingerprint != fingerprint
    slot = replace(slot, whole=slot.whole or changed or known.cursor is None)
    cursor = None if slot.whole else known.cursor
    going_on = find(connection, slot)
    resume = staging.staged(connection, slot).resume if going_on else None
    if going_on and resume and _may_go_on(going_on, slot, known, now, fingerprint):
        _save(connection, slot, replace(going_on, resumed_at=now))
        return Pass(slot.entity, going_on.started_at, cursor, resume)
    for stale in (slot, replace(slot, whole=not slot.whole)) if changed else (slot,):
        clear(connection, stale)
    _save(connection, slot, Started(now, now, known.cursor, fingerprint))
    state.save(connection, known)
    return Pass(slot.entity, now, cursor)


def under_way(
    connection: duckdb.DuckDBPyConnection, source: str, entity: str, full: bool | None
) -> tuple[Slot, Started]:
    """The pass that is to be published: the one asked for, else the only one. Raises StoreError."""
    for whole in (True, False) if full is None else (full,):
        slot = Slot(source, entity, whole)
        if found := find(connection, slot):
            return slot, found
    raise StoreError(f"no pass over {source} {entity} is under way")


def succeeded(known: Outcome, slot: Slot, begun: Started, cursor: str | None, at: datetime, lag: timedelta) -> Outcome:
    """What is known after the pass is published."""
    kept = known.cursor if known.fingerprint == begun.fingerprint else None
    overtaken = slot.whole and kept != begun.base  # a later pass was published while this one was paused
    return replace(
        known,
        fingerprint=begun.fingerprint,
        cursor=kept if overtaken or cursor is None else cursor,
        last_success=at,
        last_full=at if slot.whole else known.last_full,
        watermark=_watermark(known.watermark, begun.started_at - lag, at),
        failures=0,
        reason=None,
        failed_at=None,
        retry_at=None,
    )


def find(connection: duckdb.DuckDBPyConnection, slot: Slot) -> Started | None:
    """The slot's pass, if one is under way."""
    row = connection.execute(
        "SELECT started_at, resumed_at, base, fingerprint FROM passes WHERE source = ? AND entity = ? AND whole = ?",
        slot.key,
    ).fetchone()
    return None if row is None else Started(aware(row[0]), aware(row[1]), row[2], row[3])


def clear(connection: duckdb.DuckDBPyConnection, slot: Slot) -> None:
    """Forgets the slot's pass and what it staged."""
    staging.clear(connection, slot)
    connection.execute("DELETE FROM passes WHERE source = ? AND entity = ? AND whole = ?", slot.key)


def _save(connection: duckdb.DuckDBPyConnection, slot: Slot, begun: Started) -> None:
    connection.execute("DELETE FROM passes WHERE source = ? AND entity = ? AND whole = ?", slot.key)
    values = [*slot.key, naive(begun.started_at), naive(begun.resumed_at), begun.base, begun.fingerprint]
    connection.execute("INSERT INTO passes VALUES (?, ?, ?, ?, ?, ?, ?)", values)


def _may_go_on(begun: Started, slot: Slot, known: Outcome, now: datetime, fingerprint: str) -> bool:
    same = begun.fingerprint == fingerprint and (slot.whole or begun.base == known.cursor)
    return same and begun.started_at <= now <= begun.resumed_at + RESUMABLE


def _watermark(before: datetime | None, reached: datetime, now: datetime) -> datetime:
    """Never backwards, unless it lay in the future: then the clock was wrong and is now right."""
    return reached if before is None or before > now else max(before, reached)
