"""Forgetting a person: what identifies them is replaced by a token, everywhere in the store.

Records, their versions and the results of company and teams stay, so that closed figures do not change.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial

import duckdb

from exporter.records import ENTITIES, columns, is_free_text, person_column
from exporter.store import ledger, set_aside, state
from exporter.store.detached import quoted
from exporter.store.schema import entity_tables
from exporter.store.set_aside import RemovedRecords

_TOKEN_BYTES = 5


@dataclass(frozen=True, slots=True)
class PersonNames:
    """What a person is known by.

    `records` are the (source, id) of their records, `owners` the (source, text) by which records name them as owner,
    agent or manager, `texts` their emails and names, `labels` those of their series. `unique_texts` mean nobody else.
    """

    records: frozenset[tuple[str, str]]
    owners: frozenset[tuple[str, str]]
    texts: frozenset[str]
    labels: frozenset[str]
    unique_texts: frozenset[str] = field(default_factory=frozenset)


def new_token() -> str:
    """What a forgotten person is called from now on."""
    return f"forgotten-{secrets.token_hex(_TOKEN_BYTES)}"


def record_id(token: str, number: int) -> str:
    """The id of the person's n-th record."""
    return token if number == 0 else f"{token}-{number}"


def replace_person(connection: duckdb.DuckDBPyConnection, names: PersonNames, token: str) -> Mapping[str, int]:
    """Replaces the person in all tables; returns how many rows of which kind held them."""
    counts: Counter[str] = Counter()
    for entity in ENTITIES:
        for table in filter(partial(_has_rows, connection), entity_tables(entity)):
            kind = "versions" if table != entity else "records"
            counts[kind] += _replace_owner(connection, entity, table, names.owners, token)
            counts["texts"] += _replace_texts(connection, entity, table, names.texts, token)
    counts["people"] += _strip_people(connection, names.records, token)
    for label in names.labels:
        counts["ledger"] += ledger.forget_person(connection, label)
    for source, row_id in names.records:
        statement = "DELETE FROM rejects WHERE entity = 'people' AND source = ? AND id = ?"
        counts["rejects"] += _count(connection, statement, [source, row_id])
    counts["pages"] += _count(connection, "DELETE FROM pages", [])
    connection.execute("DELETE FROM passes")
    counts["snapshots"] += _count(connection, "DELETE FROM snapshots", [])
    return counts


def bring_all_back(connection: duckdb.DuckDBPyConnection) -> tuple[RemovedRecords, ...]:
    """Moves the records that are set aside into their tables, for `put_all_aside` to move them back."""
    removed = set_aside.removed(connection)
    for each in removed:
        set_aside.bring_back(connection, each.source, each.entity, each.source)
    return removed


def put_all_aside(connection: duckdb.DuckDBPyConnection, removed: Iterable[RemovedRecords]) -> None:
    """Sets records aside again."""
    for each in removed:
        outcome = state.read_outcome(connection, each.source, each.entity)
        set_aside.put_aside(connection, outcome, each.removed_at)
        state.delete_outcome(connection, each.source, each.entity)


def _has_rows(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    return bool(connection.execute(f"SELECT 1 FROM {quoted(table)} LIMIT 1").fetchall())  # noqa: S608


def _strip_people(connection: duckdb.DuckDBPyConnection, records: Iterable[tuple[str, str]], token: str) -> int:
    count = 0
    for number, (source, row_id) in enumerate(sorted(records)):
        for table in entity_tables("people"):
            statement = f"""
                UPDATE {quoted(table)} SET id = ?, name = ?, email = NULL, attributes = '{{}}'
                WHERE source = ? AND id = ?"""  # noqa: S608
            count += _count(connection, statement, [record_id(token, number), token, source, row_id])
    return count


def _replace_owner(
    connection: duckdb.DuckDBPyConnection, entity: str, table: str, owners: Iterable[tuple[str, str]], token: str
) -> int:
    column = "manager" if entity == "people" else person_column(entity)
    if column is None:
        return 0
    pairs = [f"{source}\n{text}" for source, text in owners]
    statement = f"""
        UPDATE {quoted(table)} SET {quoted(column)} = ?
        WHERE concat(source, chr(10), {quoted(column)}) IN (SELECT unnest(?::VARCHAR[]))"""  # noqa: S608
    return _count(connection, statement, [token, pairs])


def _replace_texts(
    connection: duckdb.DuckDBPyConnection, entity: str, table: str, texts: Iterable[str], token: str
) -> int:
    """Replaces emails and full names within free texts; a name of one word only where it is a whole attribute."""
    count = 0
    for text in sorted(texts, key=len, reverse=True):
        within = rf"(^|[^\pL\pN]){re.escape(text)}($|[^\pL\pN])"
        whole = rf"""(:\s*"){re.escape(text)}(")"""
        is_distinct = "@" in text or " " in text
        for column in _free_texts(entity):
            if is_distinct or column == "attributes":
                pattern = within if is_distinct else whole
                name = quoted(column)
                statement = f"""
                    UPDATE {quoted(table)} SET {name} = regexp_replace({name}, $pattern, $token, 'gi')
                    WHERE regexp_matches({name}, $pattern, 'i')"""  # noqa: S608
                count += _count(connection, statement, {"pattern": pattern, "token": rf"\1{token}\2"})
    return count


@cache
def _free_texts(entity: str) -> tuple[str, ...]:
    names = (c.name for c in columns(entity) if is_free_text(entity, c.name) and not c.person)
    return (*(name for name in names if (entity, name) not in _OWN), "attributes")


_OWN = frozenset({("people", "name"), ("people", "email"), ("people", "manager")})
"""Columns that are replaced by whose record it is."""


def _count(connection: duckdb.DuckDBPyConnection, statement: str, values: object) -> int:
    row = connection.execute(statement, values).fetchone()
    return int(row[0]) if row else 0
