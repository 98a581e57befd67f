"""The sql provider against real databases: every engine, every pass, and what goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exporter.config.sources.sql import SqlOptions
from exporter.errors import Reason, SourceError, SourceRejectedError, SourceUnavailableError
from exporter.passes import Listing
from tests.databases import mariadb, postgresql
from tests.sources.orders import (
    COLUMNS,
    INSERT,
    Database,
    fill,
    ids,
    on_duckdb,
    on_mariadb,
    on_postgresql,
    on_sqlite,
    read,
)


@pytest.fixture(scope="module")
def postgres_port() -> Iterator[int]:
    with postgresql() as port:
        yield port


@pytest.fixture(scope="module")
def mariadb_place() -> Iterator[tuple[int, Path]]:
    with mariadb() as place:
        yield place


@pytest.fixture(params=["postgresql", "mysql", "sqlite", "duckdb"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "postgresql":
        return on_postgresql(request.getfixturevalue("postgres_port"), tmp_path)
    if request.param == "mysql":
        return on_mariadb(request.getfixturevalue("mariadb_place"), tmp_path)
    return on_sqlite(tmp_path) if request.param == "sqlite" else on_duckdb(tmp_path)


def test_a_row_becomes_a_record_with_exact_money_local_dates_and_attributes(database: Database) -> None:
    database.run(INSERT.format(7))
    (page,) = read(database.source())
    (deal,) = page.records
    assert (deal.id, deal.amount, deal.currency, deal.status) == ("7", Decimal("10.50"), "CHF", "won")
    assert deal.closed_at == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert deal.updated_at == datetime(2026, 3, 1, 7, tzinfo=UTC)
    assert deal.attributes == {"note": "n"}
    assert page.listing == Listing()


def test_everything_is_read_once_in_pages_of_a_thousand(database: Database) -> None:
    fill(database, 2500)
    pages = read(database.source())
    assert [len(page.records) for page in pages] == [1000, 1000, 500]
    assert sorted(map(int, ids(pages))) == list(range(1, 2501))
    assert [page.cursor is not None for page in pages] == [False, False, True]


def test_an_interrupted_full_pass_continues_after_the_last_stored_row(database: Database) -> None:
    fill(database, 2500)
    (first,) = read(database.source(), pages=1)
    rest = read(database.source(), resume=first.resume)
    assert sorted(map(int, ids([first, *rest]))) == list(range(1, 2501))


def test_only_changes_since_the_cursor_are_read(database: Database) -> None:
    fill(database, 3)
    *_, last = read(database.source())
    database.run("UPDATE orders SET state = 'O', changed = '2026-03-09 08:00:00' WHERE nr = 2")
    pages = read(database.source(lookback=None), last.cursor)
    changed = {record.id: record.status for page in pages for record in page.records}
    assert changed["2"] == "open"
    assert pages[-1].listing is None
    assert pages[-1].cursor is not None
    assert pages[-1].cursor > (last.cursor or "")


def test_a_block_of_equal_change_times_larger_than_a_page_is_read_whole_and_resumes(database: Database) -> None:
    fill(database, 1)
    *_, last = read(database.source())
    database.run("DELETE FROM orders")
    fill(database, 2500)
    (first,) = read(database.source(), last.cursor, pages=1)
    rest = read(database.source(), last.cursor, first.resume)
    assert sorted(map(int, ids([first, *rest]))) == list(range(1, 2501))


def test_without_changes_the_cursor_stays_and_only_the_lookback_is_read(database: Database) -> None:
    fill(database, 3)
    database.run("UPDATE orders SET changed = '2026-02-01 08:00:00' WHERE nr < 3")
    *_, last = read(database.source())
    for _ in range(2):
        pages = read(database.source(), last.cursor)
        assert (ids(pages), pages[-1].cursor) == (["3"], last.cursor)


def test_rows_that_never_changed_need_a_query_with_their_time_of_creation(database: Database) -> None:
    """A change time that is null is no place in the order of changes."""
    fill(database, 2)
    *_, last = read(database.source())
    database.run("INSERT INTO orders (nr, closed, changed) VALUES (3, '2026-03-02', NULL)")
    assert "3" not in ids(read(database.source(), last.cursor))
    assert "3" in ids(read(database.source()))
    query = "SELECT o.*, COALESCE(changed, closed) AS moved FROM orders o"
    moved = database.source(table=None, query=query, updated="moved", columns={"id": "nr", "amount": "total"})
    *_, last = read(moved)
    database.run("INSERT INTO orders (nr, closed, changed) VALUES (4, '2026-03-03', NULL)")
    (record,) = [record for page in read(moved, last.cursor) for record in page.records if record.id == "4"]
    assert record.amount is None  # type: ignore[attr-defined]


def test_a_change_time_in_the_future_does_not_move_the_cursor_past_the_pass(database: Database) -> None:
    fill(database, 2)
    database.run("UPDATE orders SET changed = '2026-03-10 20:00:00' WHERE nr = 1")
    *_, last = read(database.source())
    assert "2026-03-01" in (last.cursor or "")


def test_a_deletion_mark_makes_a_tombstone(database: Database) -> None:
    fill(database, 2)
    database.run("UPDATE orders SET gone = 1 WHERE nr = 2")
    (page,) = read(database.source(deleted={"field": "gone"}))
    assert {record.id: record.deleted for record in page.records} == {"1": False, "2": True}


def test_a_query_of_the_config_reads_like_a_table_and_may_hold_percent_signs(database: Database) -> None:
    fill(database, 12)
    query = "SELECT nr, total, cur, state, closed, seller, changed, note FROM orders WHERE seller LIKE 'A%' AND nr > 9"
    pages = read(database.source(table=None, query=query))
    assert sorted(ids(pages)) == ["10", "11", "12"]


def test_an_empty_table_is_one_empty_page_with_a_listing(database: Database) -> None:
    (page,) = read(database.source())
    assert page.records == ()
    assert page.listing == Listing()


def test_a_table_without_change_column_is_read_whole_at_every_pass(database: Database) -> None:
    fill(database, 2)
    source = database.source(updated=None)
    assert read(source)[-1].cursor is None
    assert len(ids(read(source, '["int", "5"]'))) == 2


def test_an_unknown_column_or_table_is_refused_with_the_cure(database: Database) -> None:
    for wrong in ({"updated": "nowhere"}, {"table": "nothing"}):
        with pytest.raises(SourceRejectedError, match="check table, query and columns") as raised:
            read(database.source(**wrong))
        assert raised.value.reason is Reason.SCHEMA


def test_the_reader_cannot_write_even_by_a_query(database: Database) -> None:
    fill(database, 1)
    with pytest.raises(SourceError):
        read(database.source(table=None, query="DELETE FROM orders"))
    with pytest.raises(SourceError, match="one SELECT"):
        read(database.source(table=None, query="SELECT 1; DROP TABLE orders"))
    assert ids(read(database.source())) == ["1"]


def test_odd_names_are_quoted_and_cannot_become_sql(database: Database) -> None:
    fill(database, 1)
    for name in ('nr"; DROP TABLE orders; --', "nr`; DROP TABLE orders; --", "nr'; --"):
        with pytest.raises(SourceRejectedError):
            read(database.source(columns={**COLUMNS, "owner": name}))
    assert ids(read(database.source())) == ["1"]


def test_check_says_for_each_entity_whether_it_may_be_read(database: Database) -> None:
    (access,) = asyncio.run(database.source().check())
    assert (access.allowed, access.missing) == (True, "")
    (refused,) = asyncio.run(database.source(table="nothing").check())
    assert not refused.allowed


def test_check_warns_of_a_user_that_may_write(postgres_port: int, tmp_path: Path) -> None:
    database = on_postgresql(postgres_port, tmp_path)
    database.run("GRANT INSERT ON orders TO reader")
    (access,) = asyncio.run(database.source().check())
    assert access.allowed
    assert "SELECT" in access.missing


def test_a_missing_right_is_forbidden_and_a_wrong_password_unauthorized(
    postgres_port: int, mariadb_place: tuple[int, Path], tmp_path: Path
) -> None:
    database = on_postgresql(postgres_port, tmp_path)
    database.run("REVOKE SELECT ON orders FROM reader")
    with pytest.raises(SourceRejectedError, match="GRANT SELECT") as raised:
        read(database.source())
    assert raised.value.reason is Reason.FORBIDDEN
    other = on_mariadb(mariadb_place, tmp_path)
    other.environ["PW"] = "c0rrecthorse"
    with pytest.raises(SourceRejectedError) as refused:
        read(other.source())
    assert refused.value.reason is Reason.UNAUTHORIZED
    assert "c0rrecthorse" not in str(refused.value)


def test_an_unreachable_server_is_unavailable(tmp_path: Path) -> None:
    for engine in ("postgresql", "mysql"):
        options = {"engine": engine, "host": "127.0.0.1", "port": 1, "database": "x", "user": "y", "tls": "off"}
        with pytest.raises(SourceUnavailableError) as raised:
            read(Database(print, options, tmp_path, {}).source())
        assert raised.value.reason is Reason.CONNECT


def test_the_server_aborts_a_statement_that_takes_too_long(postgres_port: int, tmp_path: Path) -> None:
    database = on_postgresql(postgres_port, tmp_path)
    database.options["statement_timeout"] = "1s"
    query = "SELECT o.* FROM orders o, (SELECT pg_sleep(20)) AS nap"
    database.run(INSERT.format(1))
    with pytest.raises(SourceUnavailableError, match="statement_timeout") as raised:
        read(database.source(table=None, query=query))
    assert raised.value.reason is Reason.TIMEOUT


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for engine in ("sqlite", "duckdb"):
        with pytest.raises(SourceRejectedError, match=r"there is no file gone\.db"):
            read(Database(print, {"engine": engine, "path": "gone.db"}, tmp_path, {}).source())


def test_a_plain_connection_is_refused_where_tls_is_asked_for(postgres_port: int, tmp_path: Path) -> None:
    database = on_postgresql(postgres_port, tmp_path)
    database.options["tls"] = "require"
    with pytest.raises(SourceError) as raised:
        read(database.source())
    assert raised.value.reason is Reason.TLS


@pytest.mark.parametrize(
    ("changes", "cure"),
    [
        ({"engine": "sqlite"}, "needs path"),
        ({"engine": "postgresql"}, "needs host and database"),
        ({"engine": "sqlite", "path": "x", "entities": []}, "at least 1"),
    ],
)
def test_options_that_cannot_reach_a_database_are_refused(changes: dict[str, Any], cure: str) -> None:
    entity = {"entity": "deals", "table": "orders", "columns": {"id": "nr"}}
    with pytest.raises(ValueError, match=cure):
        SqlOptions.model_validate({"name": "erp", "provider": "sql", "entities": [entity], **changes})


def test_lookback_reads_again_what_may_have_been_committed_late(tmp_path: Path) -> None:
    database = on_duckdb(tmp_path)
    fill(database, 1)
    *_, last = read(database.source())
    database.run("INSERT INTO orders VALUES (9, 1, 'CHF', 'W', NULL, NULL, '2026-03-01 07:58:00', NULL, 0)")
    assert "9" in ids(read(database.source(), last.cursor))
