"""The ledger in the store: seals, which are never overwritten, restatements, and the last look at each sealed period.

It lives in the same file as the records: a store that is rebuilt starts a new ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import duckdb
import orjson

from exporter.config.fields import Scope, Status
from exporter.seals import (
    Cause,
    FinalVerdict,
    LedgerEntries,
    PeriodLook,
    PeriodResult,
    RestatedValue,
    Restatement,
    ResultKey,
    Seal,
)
from exporter.store.schema import LEDGER_TABLES
from exporter.store.state import aware_utc, naive_utc

_Row = TypeVar("_Row", Seal, Restatement, PeriodLook)
_TABLES: dict[type[Seal] | type[Restatement] | type[PeriodLook], str] = {
    Seal: "seals",
    Restatement: "restatements",
    PeriodLook: "period_looks",
}
_ENUMS = {"scope": Scope, "status": Status, "previous_status": Status, "cause": Cause}


def read_seals(connection: duckdb.DuckDBPyConnection, kpi: str | None = None) -> tuple[Seal, ...]:
    """All seals, or those of one KPI, by KPI, period and scope."""
    return _read(connection, Seal, "kpi, period_start, scope, team, person", kpi)


def read_seals_of(
    connection: duckdb.DuckDBPyConnection, periods: Iterable[tuple[str, datetime]], known_at: datetime | None = None
) -> tuple[Seal, ...]:
    """The seals of periods, each given as (KPI, start); those that existed at an instant, if one is given."""
    pairs = orjson.dumps([[kpi, naive_utc(start).isoformat(sep=" ")] for kpi, start in periods]).decode()
    rows = connection.execute(_SEALS_OF, [pairs]).fetchall()
    seals = (_entry(Seal, row) for row in rows)
    return tuple(seal for seal in seals if known_at is None or seal.sealed_at <= known_at)


def read_restatements(connection: duckdb.DuckDBPyConnection, kpi: str | None = None) -> tuple[Restatement, ...]:
    """All restatements, or those of one KPI, in the order in which they were made."""
    return _read(connection, Restatement, "restated_at, kpi, period_start, scope, team, person", kpi)


def read_restated_values(
    connection: duckdb.DuckDBPyConnection, most_periods: int, known_at: datetime | None = None
) -> tuple[RestatedValue, ...]:
    """The company's values as restated last, by `known_at` if given, of the newest restated periods of each KPI."""
    known = None if known_at is None else naive_utc(known_at)
    rows = connection.execute(_RESTATED, {"most": most_periods, "known": known}).fetchall()
    return tuple(RestatedValue(*row) for row in rows)


def read_verdicts(
    connection: duckdb.DuckDBPyConnection, most_periods: int, known_at: datetime | None = None
) -> tuple[FinalVerdict, ...]:
    """The company's newest sealed verdicts on each KPI, newest first; by `known_at` if given."""
    known = None if known_at is None else naive_utc(known_at)
    rows = connection.execute(_VERDICTS, {"most": most_periods, "known": known}).fetchall()
    return tuple(
        FinalVerdict(kpi, aware_utc(start), aware_utc(end), ratio, Status(status), digest)
        for kpi, start, end, ratio, status, digest in rows
    )


def ledger_version(connection: duckdb.DuckDBPyConnection) -> tuple[object, ...]:
    """Differs whenever seals or restatements were added or forgotten."""
    return tuple(connection.execute(_VERSION).fetchall()[0])


def read_looks(connection: duckdb.DuckDBPyConnection) -> tuple[PeriodLook, ...]:
    """The last look at each sealed period."""
    return _read(connection, PeriodLook, "kpi, period", None)


def read_standing(
    connection: duckdb.DuckDBPyConnection, periods: Iterable[tuple[str, str]]
) -> dict[ResultKey, tuple[str | None, PeriodResult]]:
    """The results that stand in periods, each given as (KPI, period): as restated last, else as sealed.

    With each comes the team that it has in the ledger.
    """
    pairs = orjson.dumps([list(period) for period in periods]).decode()
    standing = {}
    for kpi, period, scope, team, person, *numbers, status in connection.execute(_STANDING, [pairs]).fetchall():
        value, target, target_ratio = numbers
        key = ResultKey(kpi, period, Scope(scope), team if person is None else person)
        standing[key] = team, PeriodResult(value, target, target_ratio, Status(status))
    return standing


def write(connection: duckdb.DuckDBPyConnection, entries: LedgerEntries) -> None:
    """Adds seals and restatements, and replaces looks. A period and scope that is sealed already stays as it is."""
    _insert(connection, Seal, entries.seals)
    _insert(connection, Restatement, entries.restatements)
    if entries.looks:
        pairs = orjson.dumps([[look.kpi, look.period] for look in entries.looks]).decode()
        connection.execute(_DELETE_LOOKS, [pairs])
    _insert(connection, PeriodLook, entries.looks)


def replace_person(connection: duckdb.DuckDBPyConnection, person: str, name: str | None) -> int:
    """Renames a person in seals and restatements, or deletes theirs if there is no new name; returns how many."""
    count = 0
    for table in ("seals", "restatements"):
        if name is None:
            row = connection.execute(f"DELETE FROM {table} WHERE person = ?", [person]).fetchone()  # noqa: S608
        else:
            statement = f"UPDATE {table} SET person = ? WHERE person = ?"  # noqa: S608
            row = connection.execute(statement, [name, person]).fetchone()
        count += row[0] if row else 0
    return count


_PAIRS = """(SELECT unnest(from_json_strict(?, '[["VARCHAR"]]')) AS pair)"""
_PERIODS = f"SELECT (pair[1], pair[2]) FROM {_PAIRS}"  # noqa: S608 - texts of our own, as in all statements here
_STANDING = f"""
    SELECT kpi, period, scope, team, person, value, target, target_ratio, status FROM (
        SELECT *, 0 AS position, sealed_at AS instant FROM seals
        UNION ALL BY NAME
        SELECT *, 1 AS position, restated_at AS instant FROM restatements
    )
    WHERE (kpi, period) IN ({_PERIODS})
    ORDER BY position, instant"""  # noqa: S608
_SEAL_COLUMNS = ", ".join(name for name, _ in LEDGER_TABLES["seals"])
_SEALS_OF = f"""
    SELECT {_SEAL_COLUMNS} FROM seals
    WHERE (kpi, period_start) IN (SELECT (pair[1], pair[2]::TIMESTAMP) FROM {_PAIRS})"""  # noqa: S608
_RESTATED = """
    SELECT kpi, period, value FROM (
        SELECT * FROM restatements WHERE scope = 'company' AND (restated_at <= $known OR $known IS NULL)
        QUALIFY row_number() OVER (PARTITION BY kpi, period ORDER BY restated_at DESC) = 1
    )
    WHERE value IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY kpi ORDER BY period_start DESC) <= $most
    ORDER BY kpi, period_start"""
_VERDICTS = """
    SELECT kpi, period_start, period_end, target_ratio, status, target_digest FROM seals
    WHERE scope = 'company' AND (sealed_at <= $known OR $known IS NULL)
    QUALIFY row_number() OVER (PARTITION BY kpi ORDER BY period_start DESC) <= $most
    ORDER BY kpi, period_start DESC"""
_VERSION = """
    SELECT sealed.*, restated.*
    FROM (SELECT count(*), max(sealed_at) FROM seals) AS sealed,
        (SELECT count(*), max(restated_at) FROM restatements) AS restated"""
_DELETE_LOOKS = f"DELETE FROM period_looks WHERE (kpi, period) IN ({_PERIODS})"  # noqa: S608


def _read(connection: duckdb.DuckDBPyConnection, kind: type[_Row], order: str, kpi: str | None) -> tuple[_Row, ...]:
    where, values = ("", []) if kpi is None else ("WHERE kpi = ?", [kpi])
    names = ", ".join(name for name, _ in LEDGER_TABLES[_TABLES[kind]])
    query = f"SELECT {names} FROM {_TABLES[kind]} {where} ORDER BY {order}"  # noqa: S608 - names of our own
    return tuple(_entry(kind, row) for row in connection.execute(query, values).fetchall())


def _entry(kind: type[_Row], row: Sequence[Any]) -> _Row:
    names = [field.name for field in fields(kind)]
    return kind(**{name: _value(name, value) for name, value in zip(names, row, strict=True)})


def _value(name: str, value: Any) -> Any:
    if name in _ENUMS:
        return _ENUMS[name](value)
    return aware_utc(value) if isinstance(value, datetime) else value


def _insert(connection: duckdb.DuckDBPyConnection, kind: type[_Row], entries: Sequence[_Row]) -> None:
    table = _TABLES[kind]
    names = zip(LEDGER_TABLES[table], fields(kind), strict=True)
    if entries:
        columns = {column: [getattr(entry, field.name) for entry in entries] for (column, _), field in names}
        connection.execute(_insert_statement(table), [orjson.dumps(columns).decode()])


@cache
def _insert_statement(table: str) -> str:
    """Inserts columnar JSON: binding one parameter per value would cost far more."""
    definitions = LEDGER_TABLES[table]
    structure = orjson.dumps({name: [sql_type] for name, sql_type in definitions}).decode()
    unfolded = ", ".join(f"unnest(content.{name}) AS {name}" for name, _ in definitions)
    return f"INSERT INTO {table} SELECT {unfolded} FROM (SELECT from_json_strict(?, '{structure}') AS content)"  # noqa: S608
