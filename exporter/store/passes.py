"""Unfinished passes: how one begins or resumes, and the outcome it leaves when it succeeds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import duckdb

from exporter.errors import StoreError
from exporter.passes import Pass
from exporter.store import staging, state
from exporter.store.staging import Slot
from exporter.store.state import Outcome, aware_utc, naive_utc

RESUMABLE = timedelta(days=7)
"""A pass interrupted longer ago starts again: vendors expire their page tokens."""


@dataclass(frozen=True, slots=True)
class OpenPass:
    """An unfinished pass. `resumed_at` is when it was last resumed, `base` the entity's cursor when it started."""

    started_at: datetime
    resumed_at: datetime
    base: str | None = None
    fingerprint: str = ""


def begin(connection: duckdb.DuckDBPyConnection, slot: Slot, now: datetime, fingerprint: str) -> Pass:
    """Resumes the slot's pass or starts a new one; see Store.begin."""
    outcome = state.read_outcome(connection, slot.source, slot.entity)
    changed = outcome.fingerprint != fingerprint
    slot = replace(slot, full=slot.full or changed or outcome.cursor is None)
    cursor = None if slot.full else outcome.cursor
    open_pass = find(connection, slot)
    _, resume = staging.progress(connection, slot)
    if open_pass and resume:
        same = open_pass.fingerprint == fingerprint and (slot.full or open_pass.base == outcome.cursor)
        if same and open_pass.started_at <= now <= open_pass.resumed_at + RESUMABLE:
            _save(connection, slot, replace(open_pass, resumed_at=now))
            return Pass(slot.entity, open_pass.started_at, cursor, resume)
    for stale in (slot, replace(slot, full=not slot.full)) if changed else (slot,):
        clear(connection, stale)
    _save(connection, slot, OpenPass(now, now, outcome.cursor, fingerprint))
    state.save_outcome(connection, outcome)
    return Pass(slot.entity, now, cursor)


def require(
    connection: duckdb.DuckDBPyConnection, source: str, entity: str, full: bool | None
) -> tuple[Slot, OpenPass]:
    """The unfinished pass to publish; `full` selects one if there are two. Raises StoreError if there is none."""
    for is_full in (True, False) if full is None else (full,):
        slot = Slot(source, entity, is_full)
        if open_pass := find(connection, slot):
            return slot, open_pass
    raise StoreError(f"{source} {entity} has no unfinished pass")


def succeeded(
    outcome: Outcome, slot: Slot, open_pass: OpenPass, cursor: str | None, now: datetime, complete_until: datetime
) -> Outcome:
    """The outcome after the pass is published, which read everything up to `complete_until`."""
    current = outcome.cursor if outcome.fingerprint == open_pass.fingerprint else None
    overtaken = slot.full and current != open_pass.base  # a later pass was published while this one was paused
    watermark = complete_until
    # the watermark goes back only if it lies in the future, because the clock was wrong then, or if other options
    # declare it
    if outcome.watermark is not None and outcome.watermark <= now and outcome.fingerprint == open_pass.fingerprint:
        watermark = max(outcome.watermark, watermark)
    return replace(
        outcome,
        fingerprint=open_pass.fingerprint,
        cursor=current if overtaken or cursor is None else cursor,
        last_success=now,
        last_full=now if slot.full else outcome.last_full,
        watermark=watermark,
        failures=0,
        reason=None,
        failed_at=None,
        retry_at=None,
    )


def find(connection: duckdb.DuckDBPyConnection, slot: Slot) -> OpenPass | None:
    """The slot's unfinished pass, if there is one."""
    row = connection.execute(
        "SELECT started_at, resumed_at, base, fingerprint FROM passes WHERE source = ? AND entity = ? AND whole = ?",
        slot.key,
    ).fetchone()
    return None if row is None else OpenPass(aware_utc(row[0]), aware_utc(row[1]), row[2], row[3])


def clear(connection: duckdb.DuckDBPyConnection, slot: Slot) -> None:
    """Deletes the slot's pass and its staged pages."""
    staging.clear(connection, slot)
    connection.execute("DELETE FROM passes WHERE source = ? AND entity = ? AND whole = ?", slot.key)


def _save(connection: duckdb.DuckDBPyConnection, slot: Slot, open_pass: OpenPass) -> None:
    connection.execute("DELETE FROM passes WHERE source = ? AND entity = ? AND whole = ?", slot.key)
    instants = [naive_utc(open_pass.started_at), naive_utc(open_pass.resumed_at)]
    values = [*slot.key, *instants, open_pass.base, open_pass.fingerprint]
    connection.execute("INSERT INTO passes VALUES (?, ?, ?, ?, ?, ?, ?)", values)
