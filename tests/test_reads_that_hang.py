"""Stops and reloads while a source is read that does not answer, seen from outside: real databases, files and names."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

from tests.databases import mariadb, postgresql
from tests.exporter_process import Exporter, exporting
from tests.shop import CONFIG, REVENUE, TOKEN, kept_in, send, today, won
from tests.sources.orders import on_mariadb, on_postgresql, on_sqlite
from tests.waiting import until

HANGS = 120.0
"""Seconds after which a process that was told to stop counts as hung; it needs at most ten."""

ENDLESS = {
    "postgresql": "SELECT 1 AS nr FROM pg_sleep(7200)",
    "mysql": "SELECT SLEEP(7200) AS nr",
    "sqlite": "WITH RECURSIVE n(nr) AS (SELECT 1 UNION ALL SELECT nr + 1 FROM n) SELECT max(nr) AS nr FROM n",
}
RELOADED = "kpi_exporter_config_last_reload_success_timestamp_seconds"


@dataclass(frozen=True)
class EndlessRead:
    """A source whose statement does not end, and the ids of the sessions that execute it at the server."""

    options: Mapping[str, Any]
    base: Path
    environ: Mapping[str, str]
    sessions: Callable[[], set[int]] | None = None

    def config(self) -> Path:
        """A company that gets its deals from posts, and its tickets from the endless statement."""
        entity = {"entity": "tickets", "query": ENDLESS[self.options["engine"]], "columns": {"id": "nr"}}
        timeouts = {"sync_every": "1s", "statement_timeout": "2h"}
        source = {"name": "erp", "provider": "sql", **timeouts, **self.options, "entities": [entity]}
        return with_source(self.base, source)


def with_source(base: Path, source: Mapping[str, Any]) -> Path:
    path = base / "kpis.yaml"
    path.write_text(CONFIG.replace("metrics:", f"  - {json.dumps(source)}\nmetrics:", 1))
    return path


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[EndlessRead]:
    with postgresql() as port:
        database = on_postgresql(port, tmp_path)

        def sessions() -> set[int]:
            statement = "SELECT pid FROM pg_stat_activity WHERE usename = 'reader' AND state = 'active'"
            with psycopg.connect(host="127.0.0.1", port=port, user="owner", dbname="postgres") as owner:
                return {int(pid) for (pid,) in owner.execute(statement).fetchall()}

        yield EndlessRead(database.options, tmp_path, database.environ, sessions)


@pytest.fixture
def maria(tmp_path: Path) -> Iterator[EndlessRead]:
    with mariadb() as server:
        database = on_mariadb(server, tmp_path)

        def sessions() -> set[int]:
            with pymysql.connect(unix_socket=str(server[1]), user="root") as owner, owner.cursor() as cursor:
                cursor.execute(
                    "SELECT id FROM information_schema.PROCESSLIST WHERE user = 'reader' AND command = 'Query'"
                )
                return {int(number) for (number,) in cursor.fetchall()}

        yield EndlessRead(database.options, tmp_path, database.environ, sessions)


@pytest.fixture
def lite(tmp_path: Path) -> EndlessRead:
    database = on_sqlite(tmp_path)
    return EndlessRead(database.options, tmp_path, database.environ)


@pytest.fixture(params=["postgres", "maria", "lite"])
def read(request: pytest.FixtureRequest) -> EndlessRead:
    endless: EndlessRead = request.getfixturevalue(request.param)
    return endless


@contextmanager
def reading(config: Path, environ: Mapping[str, str] | None = None) -> Iterator[Exporter]:
    """The exporter while it reads from the source `erp`."""
    variables = {"SHOP_TOKEN": TOKEN, **(environ or {})}
    with exporting(config, config.parent / "data", "--log-level", "info", environ=variables) as exporter:
        until(lambda: exporter.value('kpi_exporter_source_state{source="erp",state="backfill"}') == 1)
        yield exporter


def ends(exporter: Exporter) -> None:
    """The exporter ends with exit code 0 after SIGTERM, and acknowledged posts are stored."""
    assert send(exporter, [won(9, 50, closed_at=today())])[0] == 200
    exporter.process.send_signal(signal.SIGTERM)
    assert exporter.process.wait(HANGS) == 0


def test_a_stop_cancels_a_statement_at_the_database(read: EndlessRead) -> None:
    with reading(read.config(), read.environ) as exporter:
        if read.sessions is not None:
            until(read.sessions)
        ends(exporter)
        if read.sessions is not None:
            until(lambda: not read.sessions())
    assert kept_in(read.base / "data") == ["9"]


def test_a_reload_cancels_a_statement_and_posts_go_on(read: EndlessRead) -> None:
    with reading(read.config(), read.environ) as exporter:
        if read.sessions is not None:
            until(read.sessions)
        for turn in (1, 2):
            before, statements = exporter.value(RELOADED), read.sessions() if read.sessions is not None else set()
            exporter.process.send_signal(signal.SIGHUP)
            answers = []

            def is_reloaded(before: float | None = before, answers: list[int] = answers) -> bool:
                answers.append(send(exporter, [won(len(answers), 1, closed_at=today())])[0])
                return exporter.value(RELOADED) != before

            until(is_reloaded)
            assert set(answers) == {200}
            assert send(exporter, [won("last", 1000 * turn, closed_at=today())])[0] == 200
            until(lambda turn=turn: (exporter.value(REVENUE) or 0) >= 1000 * turn)
            if read.sessions is not None:
                until(lambda statements=statements: not statements & read.sessions())
        assert exporter.value("kpi_exporter_store_up") == 1
        ends(exporter)


def test_a_server_that_ignores_cancellation_does_not_delay_a_stop(postgres: EndlessRead) -> None:
    with reading(postgres.config(), postgres.environ) as exporter:
        until(postgres.sessions)
        (pid,) = postgres.sessions()
        os.kill(pid, signal.SIGSTOP)
        try:
            ends(exporter)
        finally:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
def test_a_server_that_accepts_and_never_answers_does_not_delay_a_stop(tmp_path: Path, engine: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        options = {"engine": engine, "host": "127.0.0.1", "port": port, "database": "x", "user": "y", "tls": "off"}
        with reading(EndlessRead(options, tmp_path, {}).config()) as exporter:
            ends(exporter)


def test_a_file_that_does_not_answer_does_not_delay_a_stop(tmp_path: Path) -> None:
    """A named pipe whose writer writes nothing blocks whoever reads it, as a file does whose server hangs."""
    table, pipe = tmp_path / "tickets.csv", tmp_path / "pipe"
    table.write_text("id\n1\n")
    source = {"name": "erp", "provider": "csv", "path": table.name, "entity": "tickets", "columns": {"id": "id"}}
    with exporting(
        with_source(tmp_path, {**source, "sync_every": "1s"}), tmp_path / "data", environ={"SHOP_TOKEN": TOKEN}
    ) as exporter:
        os.mkfifo(pipe)
        pipe.replace(table)
        writers: list[int] = []

        def is_open() -> list[int]:
            with suppress(OSError):  # nobody reads
                writers.append(os.open(table, os.O_WRONLY | os.O_NONBLOCK))
            return writers

        until(is_open)
        ends(exporter)
        os.close(writers[0])
