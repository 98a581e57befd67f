"""The table `orders` in each engine of the sql provider, and passes over it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import psycopg
import pymysql

from exporter.config.sources.sql import SqlOptions
from exporter.passes import Page, Pass
from exporter.sources.base import SourceContext
from exporter.sources.providers.sql import SqlSource, create
from tests.sources.source_context import RecordingTelemetry

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
COLUMNS: dict[str, Any] = {
    "id": "nr",
    "amount": "total",
    "currency": "cur",
    "status": {"from": "state", "map": {"W": "won", "O": "open"}},
    "closed_at": "closed",
    "owner": "seller",
    "updated_at": "changed",
    "attributes.note": "note",
}
TABLE = (
    "CREATE TABLE orders (nr INTEGER PRIMARY KEY, total DECIMAL(12,2), cur VARCHAR(3), state VARCHAR(1), "
    "closed DATE, seller VARCHAR(40), changed TIMESTAMP NULL, note VARCHAR(80), gone INTEGER DEFAULT 0)"
)
INSERT = "INSERT INTO orders VALUES ({0}, 10.50, 'CHF', 'W', '2026-03-01', 'Ada', '2026-03-01 08:00:00', 'n', 0)"


def source_context(base: Path, **environ: str) -> SourceContext:
    """A context whose secrets are in `environ`."""
    return SourceContext(environ, base, ZoneInfo("Europe/Zurich"), lambda: NOW, RecordingTelemetry())


@dataclass
class Database:
    """An engine with the table `orders`; `run` changes it as its owner, `options` are a reader's."""

    run: Callable[[str], None]
    options: dict[str, Any]
    base: Path
    environ: dict[str, str]

    def source(self, **entity: Any) -> SqlSource:
        part = {"entity": "deals", "table": "orders", "updated": "changed", "columns": COLUMNS, **entity}
        options = SqlOptions.model_validate({
            "name": "erp", "provider": "sql", **self.options, "entities": [{k: v for k, v in part.items() if v}],
        })  # fmt: skip
        return create(options, source_context(self.base, **self.environ))


def on_postgresql(port: int, base: Path) -> Database:
    """The table on a PostgreSQL server."""

    def run(statement: str) -> None:
        with psycopg.connect(host="127.0.0.1", port=port, user="owner", dbname="postgres", autocommit=True) as owner:
            owner.execute(statement)

    run("DROP TABLE IF EXISTS orders")
    run(TABLE)
    run("DROP ROLE IF EXISTS reader")
    run("CREATE ROLE reader LOGIN")
    run("GRANT SELECT ON orders TO reader")
    options = {"engine": "postgresql", "host": "127.0.0.1", "port": port, "database": "postgres", "user": "reader"}
    return Database(run, {**options, "tls": "off"}, base, {})


def on_mariadb(server: tuple[int, Path], base: Path) -> Database:
    """The table on a MariaDB server."""
    port, sock = server

    def run(statement: str) -> None:
        with pymysql.connect(unix_socket=str(sock), user="root", autocommit=True) as owner, owner.cursor() as cursor:
            cursor.execute("CREATE DATABASE IF NOT EXISTS shop")
            cursor.execute("USE shop")
            cursor.execute(statement)

    run("DROP TABLE IF EXISTS orders")
    run(TABLE)
    run("CREATE OR REPLACE USER reader@'127.0.0.1' IDENTIFIED BY 'tr0ub4dor'")
    run("GRANT SELECT ON shop.* TO reader@'127.0.0.1'")
    options = {"engine": "mysql", "host": "127.0.0.1", "port": port, "database": "shop", "user": "reader"}
    return Database(run, {**options, "tls": "off", "password": {"env": "PW"}}, base, {"PW": "tr0ub4dor"})


def on_sqlite(base: Path) -> Database:
    """The table in a file of SQLite."""

    def run(statement: str) -> None:
        owner = sqlite3.connect(base / "shop.db")
        with owner:
            owner.execute(statement)
        owner.close()

    run(TABLE)
    return Database(run, {"engine": "sqlite", "path": "shop.db"}, base, {})


def on_duckdb(base: Path) -> Database:
    """The table in a file of DuckDB."""

    def run(statement: str) -> None:
        with duckdb.connect(str(base / "shop.duckdb")) as owner:
            owner.execute(statement)

    run(TABLE)
    return Database(run, {"engine": "duckdb", "path": "shop.duckdb"}, base, {})


def read(source: SqlSource, cursor: str | None = None, resume: str | None = None, pages: int = 10**6) -> list[Page]:
    """The first pages of one pass, by default all."""

    async def gather() -> list[Page]:
        pages_read: list[Page] = []
        reading = source.read(Pass("deals", NOW, cursor, resume))
        async with aclosing(reading):
            async for page in reading:
                pages_read.append(page)
                if len(pages_read) == pages:
                    break
        return pages_read

    return asyncio.run(gather())


def ids(pages: list[Page]) -> list[str]:
    """The ids of all records, in order."""
    return [record.id for page in pages for record in page.records]


def fill(database: Database, count: int) -> None:
    """Inserts so many orders."""
    rows = ", ".join(INSERT.format(number).partition("VALUES ")[2] for number in range(1, count + 1))
    database.run(f"INSERT INTO orders VALUES {rows}")
