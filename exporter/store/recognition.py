"""Recognises replaced persons in tables that still name them, as those of a backup made before do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import duckdb

from exporter.store.detached import quoted
from exporter.store.forgetting import PersonNames, token_of
from exporter.store.person_columns import filled_tables, owner_column
from exporter.store.schema import entity_tables
from exporter.store.suppression import Suppression

_Pairs = dict[str, set[tuple[str, str]]]


def recognised(connection: duckdb.DuckDBPyConnection, suppression: Suppression) -> Mapping[str, PersonNames]:
    """What the tables call replaced persons, by token; without those whom they do not name."""
    records: _Pairs = defaultdict(set)
    owners: _Pairs = defaultdict(set)
    texts: dict[str, set[str]] = defaultdict(set)
    for table in entity_tables("people"):
        query = f"SELECT DISTINCT source, id, name, email FROM {quoted(table)}"  # noqa: S608
        for source, row_id, name, email in connection.execute(query).fetchall():
            found = suppression.record_token(source, row_id) or suppression.text_token(email)
            if found is not None:
                records[token_of(found)].add((source, row_id))
                texts[token_of(found)].update(text.strip() for text in (name, email) if text and text.strip())
    for source, owner in _owners(connection):
        if (token := suppression.owner_token(source, owner)) is not None:
            owners[token].add((source, owner))
    labels = {token: {*found, *_with_email(found)} for token, found in texts.items()}
    for label in _sealed_persons(connection):
        if (token := suppression.text_token(label)) is not None:
            labels.setdefault(token, set()).add(label)
    return {
        token: PersonNames(
            records=frozenset(records[token]),
            owners=frozenset(owners[token]),
            texts=frozenset(texts[token]),
            labels=frozenset(labels.get(token, ())),
        )
        for token in {*records, *owners, *labels}
    }


def _owners(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    owners: set[tuple[str, str]] = set()
    for entity, table in filled_tables(connection):
        if (column := owner_column(entity)) is not None:
            name = quoted(column)
            query = f"SELECT DISTINCT source, {name} FROM {quoted(table)} WHERE {name} IS NOT NULL"  # noqa: S608
            owners.update(connection.execute(query).fetchall())
    return owners


def _sealed_persons(connection: duckdb.DuckDBPyConnection) -> list[str]:
    query = "SELECT person FROM seals UNION SELECT person FROM restatements"
    return [person for (person,) in connection.execute(query).fetchall() if person is not None]


def _with_email(texts: set[str]) -> set[str]:
    """The labels of persons who share their name: `NAME (EMAIL)`."""
    return {f"{name} ({email})" for name in texts for email in texts if "@" in email and name != email}
