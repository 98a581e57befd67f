"""Replacing persons: what identifies them gives way to a token, everywhere in the store.

Records, their versions and the results of company and teams stay, so that closed figures do not change.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import duckdb

from exporter.store import ledger
from exporter.store.detached import quoted
from exporter.store.person_columns import filled_tables, free_texts, owner_column
from exporter.store.schema import entity_tables

_TOKEN_BYTES = 5
_TOKEN = re.compile(r"(forgotten|former)-[0-9a-f]{10}")


class TokenKind(StrEnum):
    """Why a person has a token: somebody had them forgotten for good, or no source has listed them for a while."""

    FORGOTTEN = "forgotten"
    FORMER = "former"


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


def new_token(kind: TokenKind) -> str:
    """What a person is called from now on."""
    return f"{kind}-{secrets.token_hex(_TOKEN_BYTES)}"


def is_token(name: str | None) -> bool:
    """True if this is no name but a token."""
    return name is not None and _TOKEN.fullmatch(name) is not None


def kind_of(token: str) -> TokenKind:
    """The kind of a token, or of the id of a record that is made of one."""
    return TokenKind(token.split("-", maxsplit=1)[0])


def token_of(record_id: str) -> str:
    """The token that the id of a record is made of."""
    return "-".join(record_id.split("-")[:2])


def record_id(token: str, number: int) -> str:
    """The id of the person's n-th record."""
    return token if number == 0 else f"{token}-{number}"


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


def _replace_texts(connection: duckdb.DuckDBPyConnection, entity: str, table: str, tokens: Mapping[str, str]) -> int:
    """Replaces emails and full names within free texts; a name of one word only where it is a whole attribute."""
    distinct = {text: token for text, token in tokens.items() if "@" in text or " " in text}
    words = {text: token for text, token in tokens.items() if text not in distinct}
    count = 0
    for column in free_texts(entity):
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


def _count(connection: duckdb.DuckDBPyConnection, statement: str, values: object) -> int:
    row = connection.execute(statement, values).fetchone()
    return int(row[0]) if row else 0
