"""Persons in the store's tables: where these name them, how a token takes the place of that, and gives way again.

Records, their versions and the results of company and teams stay, so that closed figures do not change.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache

import duckdb
import orjson

from exporter.records import ENTITIES, Person, columns, is_free_text, person_column
from exporter.store import ledger
from exporter.store.detached import quoted
from exporter.store.replaced_names import PersonNames, TokenKind, kind_of
from exporter.store.schema import entity_tables

_OWN = frozenset({("people", "name"), ("people", "email"), ("people", "manager")})
"""Columns that are replaced by whose record it is."""


def filled_tables(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str]]:
    """Each table that has rows, with its entity."""
    for entity in ENTITIES:
        for table in entity_tables(entity):
            if connection.execute(f"SELECT 1 FROM {quoted(table)} LIMIT 1").fetchall():  # noqa: S608
                yield entity, table


def owner_column(entity: str) -> str | None:
    """The column that names the owner, agent or manager of a record, if there is one."""
    return "manager" if entity == "people" else person_column(entity)


def replace_persons(
    connection: duckdb.DuckDBPyConnection, persons: Mapping[str, PersonNames], new_id: Callable[[str, str, str], str]
) -> Counter[str]:
    """Replaces persons, by token, in all tables; returns how many rows of which kind held them.

    `new_id` gives, for a token, a source and an id there, the id that takes its place. Results of a forgotten person
    are deleted, those of a former one go on under the token. Unfinished passes and the stored snapshot are deleted.
    """
    counts: Counter[str] = Counter()
    owners = {owner: token for token, names in persons.items() for owner in names.owners}
    texts = {text: token for token, names in persons.items() for text in names.texts}
    for entity, table in tuple(filled_tables(connection)):
        counts["records" if table == entity else "versions"] += _replace_owners(connection, entity, table, owners)
        counts["texts"] += _replace_texts(connection, entity, table, texts)
    for token, names in persons.items():
        ids = {record: new_id(token, *record) for record in names.records}
        counts["people"] += _strip_people(connection, ids, token)
        for label in names.labels:
            renamed = token if kind_of(token) is TokenKind.FORMER else None
            counts["ledger"] += ledger.replace_person(connection, label, renamed)
        for source, row_id in names.records:
            statement = "DELETE FROM rejects WHERE entity = 'people' AND source = ? AND id = ?"
            counts["rejects"] += _count(connection, statement, [source, row_id])
    counts["pages"] += _count(connection, "DELETE FROM pages", [])
    connection.execute("DELETE FROM passes")
    counts["snapshots"] += _count(connection, "DELETE FROM snapshots", [])
    return counts


def bring_person_back(
    connection: duckdb.DuckDBPyConnection, source: str, person: Person, token: str, row_id: str | None
) -> None:
    """Replaces the token by what the source calls the person; `row_id` is what took the place of the record's id.

    The source itself names owners by the id of the record, other sources by email or name. Texts that named the person
    get the name, until the source delivers them anew.
    """
    name = (person.name or person.email or person.id).strip()
    elsewhere = person.email or name
    here = elsewhere if row_id is None else person.id
    for entity, table in tuple(filled_tables(connection)):
        if entity == "people":
            _name_records(connection, table, source, person, token, row_id)
        if (column := owner_column(entity)) is not None:
            statement = f"""
                UPDATE {quoted(table)} SET {quoted(column)} = CASE WHEN source = ? THEN ? ELSE ? END
                WHERE {quoted(column)} = ?"""  # noqa: S608
            connection.execute(statement, [source, here, elsewhere, token])
        for text in _free_texts(entity):
            written = _json(name)[1:-1] if text == "attributes" else name
            statement = f"UPDATE {quoted(table)} SET {quoted(text)} = replace({quoted(text)}, ?, ?)"  # noqa: S608
            connection.execute(f"{statement} WHERE contains({quoted(text)}, ?)", [token, written, token])
    statement = "UPDATE pages SET payload = replace(payload, ?, CASE WHEN source = ? THEN ? ELSE ? END)"
    connection.execute(statement, [_json(token), source, _json(here), _json(elsewhere)])
    # attributes are JSON within the JSON of a page
    attribute, written = (_json(_json(text))[1:-1] for text in (token, name))
    connection.execute("UPDATE pages SET payload = replace(payload, ?, ?)", [attribute, written])
    ledger.replace_person(connection, token, name)


def _replace_owners(
    connection: duckdb.DuckDBPyConnection, entity: str, table: str, owners: Mapping[tuple[str, str], str]
) -> int:
    column = owner_column(entity)
    if column is None:
        return 0
    name, former = quoted(column), [f"{source}\n{text}" for source, text in owners]
    statement = f"""
        UPDATE {quoted(table)} SET {name} = replacement.new
        FROM (SELECT unnest(?::VARCHAR[]) AS former, unnest(?::VARCHAR[]) AS new) AS replacement
        WHERE concat(source, chr(10), {name}) = replacement.former"""  # noqa: S608
    return _count(connection, statement, [former, list(owners.values())])


def _strip_people(connection: duckdb.DuckDBPyConnection, ids: Mapping[tuple[str, str], str], token: str) -> int:
    count = 0
    for (source, row_id), new_id in ids.items():
        for table in entity_tables("people"):
            statement = f"""
                UPDATE {quoted(table)} SET id = ?, name = ?, email = NULL, attributes = '{{}}'
                WHERE source = ? AND id = ?"""  # noqa: S608
            count += _count(connection, statement, [new_id, token, source, row_id])
    return count


@cache
def _free_texts(entity: str) -> tuple[str, ...]:
    """The columns that may name anybody within a text; `attributes` is JSON."""
    names = (c.name for c in columns(entity) if is_free_text(entity, c.name) and not c.person)
    return (*(name for name in names if (entity, name) not in _OWN), "attributes")


def _replace_texts(connection: duckdb.DuckDBPyConnection, entity: str, table: str, tokens: Mapping[str, str]) -> int:
    """Replaces emails and full names within free texts; a name of one word only where it is a whole attribute."""
    distinct = {text: token for text, token in tokens.items() if "@" in text or " " in text}
    words = {text: token for text, token in tokens.items() if text not in distinct}
    count = 0
    for column in _free_texts(entity):
        count += _replace_text(connection, table, column, r"(^|[^\pL\pN])", r"($|[^\pL\pN])", distinct)
        if column == "attributes":
            count += _replace_text(connection, table, column, r'(:\s*")', '(")', words)
    return count


def _replace_text(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, before: str, after: str, tokens: Mapping[str, str]
) -> int:
    """Replaces the texts wherever they stand between `before` and `after`; one scan finds the rows of all of them."""
    if not tokens:
        return 0
    longest_first = sorted(tokens, key=len, reverse=True)
    pattern = f"{before}({'|'.join(map(re.escape, longest_first))}){after}"
    name = quoted(column)
    query = f"SELECT rowid, {name} FROM {quoted(table)} WHERE regexp_matches({name}, ?, 'i')"  # noqa: S608
    rows = connection.execute(query, [pattern]).fetchall()
    for text in longest_first:
        if not any(text.casefold() in content.casefold() for _, content in rows):
            continue
        statement = f"""
            UPDATE {quoted(table)} SET {name} = regexp_replace({name}, $pattern, $token, 'gi')
            WHERE rowid IN (SELECT unnest($rows::BIGINT[]))"""  # noqa: S608
        values = {"pattern": f"{before}{re.escape(text)}{after}", "token": rf"\1{tokens[text]}\2"}
        connection.execute(statement, {**values, "rows": [number for number, _ in rows]})
    return len(rows)


def _name_records(
    connection: duckdb.DuckDBPyConnection, table: str, source: str, person: Person, token: str, row_id: str | None
) -> None:
    if row_id is not None:
        statement = f"UPDATE {quoted(table)} SET id = ? WHERE source = ? AND id = ?"  # noqa: S608
        connection.execute(statement, [person.id, source, row_id])
    statement = f"UPDATE {quoted(table)} SET name = ?, email = ? WHERE name = ?"  # noqa: S608
    connection.execute(statement, [person.name, person.email, token])


def _count(connection: duckdb.DuckDBPyConnection, statement: str, values: object) -> int:
    row = connection.execute(statement, values).fetchone()
    return int(row[0]) if row else 0


def _json(text: str) -> str:
    return orjson.dumps(text).decode()
