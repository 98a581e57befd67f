"""State beside the records: how the passes of each source and entity went, versions, commits, the last snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from exporter.errors import Reason

_RECENT = timedelta(seconds=10)
"""A jump of the clock is noticed within this time."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the passes over one entity of one source went; instants are UTC.

    `watermark` is the instant up to which the entity is complete, None until a first pass succeeds. `failures`
    counts consecutive failed passes; `reason` and `failed_at` describe the last. `retry_at` is the instant before
    which the vendor accepts no request. `seconds` is the duration of the last successful pass, `staged` the number
    of records staged by unfinished passes, `rejected` that of records which are missing because they were rejected.
    `rebuilt_at` is when the store took the place of a damaged one, until an operator accepts what was lost with it.
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
    rejected: int = 0
    rebuilt_at: datetime | None = None

    def wait(self, now: datetime) -> float:
        """Seconds for which the vendor accepts no request yet: never more than it asked for, whatever the clock did."""
        if self.retry_at is None:
            return 0.0
        asked = self.retry_at - (self.failed_at or now)
        return max(min(self.retry_at - now, asked).total_seconds(), 0.0)


def naive_utc(instant: datetime) -> datetime:
    """The instant as the database stores it: in UTC, without a time zone. Raises ValueError if it has no time zone."""
    if instant.tzinfo is None:
        raise ValueError("an instant without a time zone cannot be stored")
    return instant.astimezone(UTC).replace(tzinfo=None)


def aware_utc(instant: Any) -> Any:
    """The instant that the database returned, in UTC; None stays None."""
    return None if instant is None else instant.replace(tzinfo=UTC)


_OUTCOMES = """
    SELECT source, entity, cursor, fingerprint, last_success, last_full, watermark, failures, reason, failed_at,
        retry_at, seconds, coalesce(under_way.records, 0)::BIGINT, coalesce(missing.records, 0)::BIGINT,
        (SELECT max(rebuilt_at) FROM rebuilds WHERE accepted_at IS NULL)
    FROM outcomes
    LEFT JOIN (
        SELECT source, entity, sum(records) AS records FROM pages WHERE NOT visiting GROUP BY source, entity
    ) AS under_way USING (source, entity)
    LEFT JOIN (
        SELECT source, entity, sum(records) AS records FROM rejects GROUP BY source, entity
    ) AS missing USING (source, entity)
    ORDER BY source, entity"""

_OUTCOME = """
    SELECT source, entity, cursor, fingerprint, last_success, last_full, watermark, failures, reason, failed_at,
        retry_at, seconds, 0, 0, NULL
    FROM outcomes WHERE source = ? AND entity = ?"""


def read_outcomes(connection: duckdb.DuckDBPyConnection) -> tuple[Outcome, ...]:
    """All outcomes, by source and entity."""
    return tuple(map(_outcome, connection.execute(_OUTCOMES).fetchall()))


def read_outcome(connection: duckdb.DuckDBPyConnection, source: str, entity: str) -> Outcome:
    """The outcome of one entity, empty if no pass was ever begun; only `read_outcomes` fills in the rest of it."""
    row = connection.execute(_OUTCOME, [source, entity]).fetchone()
    return Outcome(source, entity) if row is None else _outcome(row)


def save_outcome(connection: duckdb.DuckDBPyConnection, outcome: Outcome) -> None:
    """Replaces the outcome of one entity."""
    delete_outcome(connection, outcome.source, outcome.entity)
    instants = (outcome.last_success, outcome.last_full, outcome.watermark, outcome.failed_at, outcome.retry_at)
    success, full, watermark, failed, retry = (None if at is None else naive_utc(at) for at in instants)
    values: list[object] = [outcome.source, outcome.entity, outcome.fingerprint, outcome.cursor, success, full]
    values += [watermark, outcome.failures, outcome.reason and outcome.reason.value, failed, retry, outcome.seconds]
    connection.execute("INSERT INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)


def shift_waits(connection: duckdb.DuckDBPyConnection, jump: timedelta, now: datetime) -> None:
    """Moves the stored waits with the wall clock, except those that were stored in the last seconds, after the jump."""
    recent = [naive_utc(now - _RECENT), naive_utc(now)]
    connection.execute(
        "UPDATE outcomes SET retry_at = retry_at + ?, failed_at = failed_at + ?"
        " WHERE retry_at IS NOT NULL AND failed_at NOT BETWEEN ? AND ?",
        [jump, jump, *recent],
    )


def lift_waits(connection: duckdb.DuckDBPyConnection, source: str) -> int:
    """Ends the waits of a source and returns their number."""
    lifted = "UPDATE outcomes SET retry_at = NULL WHERE source = ? AND retry_at IS NOT NULL RETURNING entity"
    return len(connection.execute(lifted, [source]).fetchall())


def delete_outcome(connection: duckdb.DuckDBPyConnection, source: str, entity: str) -> None:
    """Deletes the outcome of one entity."""
    connection.execute("DELETE FROM outcomes WHERE source = ? AND entity = ?", [source, entity])


def read_versions(connection: duckdb.DuckDBPyConnection) -> Mapping[str, int]:
    """Each entity's version, which changes whenever the entity's rows change."""
    return dict(connection.execute("SELECT entity, version FROM entity_state").fetchall())


def set_version(connection: duckdb.DuckDBPyConnection, entity: str, version: int) -> None:
    """Sets the entity's version, because its rows changed."""
    connection.execute("UPDATE entity_state SET version = ? WHERE entity = ?", [version, entity])


def read_commits(connection: duckdb.DuckDBPyConnection) -> int:
    """The number of publishing commits, which is also the highest version of an entity."""
    row = connection.execute("SELECT commits FROM store_meta").fetchone()
    return int(row[0]) if row else 0


def count_commit(connection: duckdb.DuckDBPyConnection) -> int:
    """Counts a publishing commit and returns its number."""
    row = connection.execute("UPDATE store_meta SET commits = commits + 1 RETURNING commits").fetchone()
    if row is None:
        raise AssertionError("store_meta has one row")
    return int(row[0])


def publish_all(connection: duckdb.DuckDBPyConnection) -> int:
    """Counts a publishing commit that changes every entity, and returns its number."""
    commits = count_commit(connection)
    for entity in read_versions(connection):
        set_version(connection, entity, commits)
    return commits


def save_snapshot(connection: duckdb.DuckDBPyConnection, snapshot: bytes, memory: bytes, at: datetime) -> None:
    """Replaces the stored snapshot and the status memory."""
    connection.execute("DELETE FROM snapshots")
    connection.execute("INSERT INTO snapshots VALUES (?, ?, ?)", [naive_utc(at), snapshot, memory])


def load_snapshot(connection: duckdb.DuckDBPyConnection) -> tuple[bytes, bytes, datetime] | None:
    """The stored snapshot, the status memory and the instant of both; None before the first."""
    row = connection.execute("SELECT snapshot, memory, taken_at FROM snapshots").fetchone()
    return None if row is None else (row[0], row[1], aware_utc(row[2]))


def _outcome(row: tuple[Any, ...]) -> Outcome:
    source, entity, cursor, fingerprint, success, full, watermark, failures, reason, failed, retry, seconds = row[:12]
    staged, rejected, rebuilt = row[12:]
    return Outcome(
        source=source,
        entity=entity,
        cursor=cursor,
        fingerprint=fingerprint,
        last_success=aware_utc(success),
        last_full=aware_utc(full),
        watermark=aware_utc(watermark),
        failures=failures,
        reason=None if reason is None else Reason(reason),
        failed_at=aware_utc(failed),
        retry_at=aware_utc(retry),
        seconds=seconds,
        staged=staged,
        rejected=rejected,
        rebuilt_at=aware_utc(rebuilt),
    )
