"""The same hundred queries in SQLite and PostgreSQL, one by one, as dashboards on a database run them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import psycopg

from exporter.store.store import Store
from tests.bench.call_metrics import DAY, MONTH, NOW, PEOPLE, TEAMS, Definition, definitions, rows_of
from tests.bench.measure import process_cpu
from tests.databases import postgresql

Totals = dict[tuple[str, str, str], float]
"""Counted calls over all groups, by metric, grouping and window, to verify that all engines agree."""

_CALLS = "calls (id {t}, direction {t}, status {t}, queue {t}, agent {t}, started_at {i}, wait {f}, talk {f})"
_SQLITE = {
    "rows": "count(*)",
    "talk": "sum(talk)",
    "wait": "avg(wait)",
    "long": "p90(talk)",
    "queues": "count(DISTINCT queue)",
}
_POSTGRESQL = {**_SQLITE, "long": "percentile_cont(0.9) WITHIN GROUP (ORDER BY talk)"}
WINDOWS = {"month": MONTH, "day": DAY}
GROUPS = ("person", "team")


class _Percentile:
    """A percentile aggregate, which SQLite lacks."""

    def __init__(self) -> None:
        self._values: list[float] = []

    def step(self, value: float) -> None:
        self._values.append(value)

    def finalize(self) -> float:
        ordered, position = sorted(self._values), (len(self._values) - 1) * 0.9
        low = int(position)
        return ordered[low] + (ordered[min(low + 1, len(ordered) - 1)] - ordered[low]) * (position - low)


def sqlite_seconds(store: Store, folder: Path) -> tuple[float, Totals]:
    """CPU seconds of all queries, on a table with an index on time."""
    connection = sqlite3.connect(folder / "peer.sqlite")
    connection.create_aggregate("p90", 1, _Percentile)  # type: ignore[arg-type]
    connection.execute("CREATE TABLE " + _CALLS.format(t="TEXT", i="INTEGER", f="REAL"))
    for batch in rows_of(store):
        rows = [(*row[:5], int(row[5].timestamp() * 1e6), *row[6:]) for row in batch]  # type: ignore[attr-defined]
        connection.executemany("INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    connection.execute("CREATE INDEX by_time ON calls (started_at)")
    _people(connection.execute)
    connection.execute("ANALYZE")

    def ask(sql: str, window: str) -> list[tuple[object, ...]]:
        bounds = [int(at.replace(tzinfo=None).timestamp() * 1e6) for at in (WINDOWS[window], NOW)]
        return connection.execute(sql.format("?", "?"), bounds).fetchall()

    before = time.process_time()
    totals = _ask_all(_SQLITE, ask)
    spent = time.process_time() - before
    connection.close()
    return spent, totals


def postgresql_seconds(store: Store) -> tuple[float, Totals]:
    """CPU seconds of the server process for all queries, without parallel workers."""
    with _filled(store) as connection:

        def ask(sql: str, window: str) -> list[tuple[object, ...]]:
            bounds = [WINDOWS[window].replace(tzinfo=None), NOW.replace(tzinfo=None)]
            return connection.execute(sql.format("%s", "%s").encode(), bounds).fetchall()

        before = process_cpu(connection.info.backend_pid)
        totals = _ask_all(_POSTGRESQL, ask)
        return process_cpu(connection.info.backend_pid) - before, totals


@contextmanager
def _filled(store: Store) -> Iterator[psycopg.Connection]:
    with (
        postgresql() as port,
        psycopg.connect(f"host=127.0.0.1 port={port} user=owner dbname=postgres", autocommit=True) as connection,
    ):
        for setting in ("jit = off", "max_parallel_workers_per_gather = 0", "work_mem = '256MB'"):
            connection.execute(f"SET {setting}".encode())
        connection.execute(f"CREATE TABLE {_CALLS.format(t='TEXT', i='TIMESTAMP', f='DOUBLE PRECISION')}".encode())
        with connection.cursor().copy("COPY calls FROM STDIN") as copy:
            for batch in rows_of(store):
                for row in batch:
                    copy.write_row(row)
        connection.execute("CREATE INDEX by_time ON calls (started_at)")
        _people(lambda sql: connection.execute(sql.encode()))
        connection.execute("VACUUM ANALYZE calls")
        yield connection


def _people(execute: Callable[[str], object]) -> None:
    execute("CREATE TABLE people (id TEXT, team TEXT)")
    values = ", ".join(f"('agent {n}', 'Team {n % TEAMS}')" for n in range(PEOPLE))
    execute(f"INSERT INTO people VALUES {values}")


def _ask_all(aggregates: dict[str, str], ask: Callable[[str, str], list[tuple[object, ...]]]) -> Totals:
    totals: Totals = {}
    for definition, group, window in product(definitions(), GROUPS, WINDOWS):
        rows = ask(_query(definition, group, aggregates), window)
        if definition.aggregate == "rows":
            totals[definition.name, group, window] = float(sum(row[1] for row in rows))  # type: ignore[misc]
    return totals


def _query(definition: Definition, group: str, aggregates: dict[str, str]) -> str:
    """The SQL of a query, with `{}` for each bound of the window."""
    where = "".join(f" AND {column} = '{value}'" for column, value in definition.where.items())
    name, joined = ("team", " JOIN people ON people.id = agent") if group == "team" else ("agent", "")
    return (
        f"SELECT {name}, {aggregates[definition.aggregate]} FROM calls{joined}"
        f" WHERE started_at >= {{}} AND started_at < {{}}{where} GROUP BY 1"
    )
