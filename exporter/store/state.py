"""What is known about each source's entity: cursor, watermark, outcome of its passes; and the entities' versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb

from exporter.errors import Reason


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the passes over one entity of one source went; instants are UTC.

    `watermark` is the instant up to which the entity is complete, None until a first pass completed. `failures`
    counts passes that failed in a row, `reason` and `failed_at` tell of the last. `retry_at` is the instant
    before which the vendor wants no request. `seconds` is how long the last completed pass took, `staged` the
    number of records that passes under way have brought so far.
    """

    source: str
    entity: str
    cursor: str | None = None
    fingerprint: str = ""
    last_success: datetime | None = None
    last_full: datetime | None = None
    watermark: datetime | None = None
    failures: int = 0
    reason: Reason | None = None
    failed_at: datetime | None = None
    retry_at: datetime | None = None
    seconds: float | None = None
    staged: int = 0


def naive(instant: datetime) -> datetime:
    """As the database holds it: in UTC, without a zone. Raises ValueError for an instant without one."""
    if instant.tzinfo is None:
        raise ValueError("an instant without a zone cannot be stored")
    return instant.astimezone(UTC).replace(tzinfo=None)


def aware(instant: Any) -> Any:
    """Back from the database; None stays None."""
    return None if instant is None else instant.replace(tzinfo=UTC)


_OUTCOMES = """
    SELECT source, entity, cursor, fingerprint, last_success, last_full, watermark, failures, reason, failed_at,
        retry_at, seconds, coalesce(under_way.records, 0)::BIGINT
    FROM outcomes
    LEFT JOIN (
        SELECT source, entity, sum(records) AS records FROM pages WHERE NOT visiting GROUP BY source, entity
    ) AS under_way USING (source, entity)
    ORDER BY source, entity"""

_OUTCOME = """
    SELECT source, entity, cursor, fingerprint, last_success, last_full, watermark, failures, reason, failed_at,
        retry_at, seconds, 0
    FROM outcomes WHERE source = ? AND entity = ?"""


def outcomes(connection: duckdb.DuckDBPyConnection) -> tuple[Outcome, ...]:
    """All outcomes, by source and entity."""
    return tuple(map(_outcome, connection.execute(_OUTCOMES).fetchall()))


def outcome(connection: duckdb.DuckDBPyConnection, source: str, entity: str) -> Outcome:
    """The outcome of one entity; an empty one where it was never tried. `staged` is not filled in."""
    row = connection.execute(_OUTCOME, [source, entity]).fetchone()
    return Outcome(source, entity) if row is None else _outcome(row)


def save(connection: duckdb.DuckDBPyConnection, known: Outcome) -> None:
    """Replaces the outcome of one entity."""
    drop(connection, known.source, known.entity)
    instants = (known.last_success, known.last_full, known.watermark, known.failed_at, known.retry_at)
    success, full, watermark, failed, retry = (None if at is None else naive(at) for at in instants)
    values: list[object] = [known.source, known.entity, known.fingerprint, known.cursor, success, full, watermark]
    values += [known.failures, known.reason and known.reason.value, failed, retry, known.seconds]
    connection.execute("INSERT INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)


def drop(connection: duckdb.DuckDBPyConnection, source: str, entity: str) -> None:
    """Forgets the outcome of one entity."""
    connection.execute("DELETE FROM outcomes WHERE source = ? AND entity = ?", [source, entity])


def versions(connection: duckdb.DuckDBPyConnection) -> Mapping[str, int]:
    """Each entity's version: another number means other rows."""
    return dict(connection.execute("SELECT entity, version FROM entity_state").fetchall())


def count_commit(connection: duckdb.DuckDBPyConnection) -> int:
    """Counts a publishing commit and gives its number."""
    row = connection.execute("UPDATE store_meta SET commits = commits + 1 RETURNING commits").fetchone()
    if row is None:
        raise AssertionError("store_meta has one row")
    return int(row[0])


def bump(connection: duckdb.DuckDBPyConnection, entity: str, version: int) -> None:
    """Says that the entity's rows changed."""
    connection.execute("UPDATE entity_state SET version = ? WHERE entity = ?", [version, entity])


def _outcome(row: tuple[Any, ...]) -> Outcome:
    source, entity, cursor, fingerprint, success, full, watermark, failures, reason, failed, retry, seconds, count = row
    return Outcome(
        source=source,
        entity=entity,
        cursor=cursor,
        fingerprint=fingerprint,
        last_success=aware(success),
        last_full=aware(full),
        watermark=aware(watermark),
        failures=failures,
        reason=None if reason is None else Reason(reason),
        failed_at=aware(failed),
        retry_at=aware(retry),
        seconds=seconds,
        staged=count,
    )
