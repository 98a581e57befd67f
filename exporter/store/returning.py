"""Bringing a former person back whom a source lists again: their token gives way to the name and email in the list."""

from __future__ import annotations

import duckdb
import orjson

from exporter.records import Person
from exporter.store import ledger
from exporter.store.detached import quoted
from exporter.store.person_columns import filled_tables, free_texts, owner_column


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
        for text in free_texts(entity):
            written = _json(name)[1:-1] if text == "attributes" else name
            statement = f"UPDATE {quoted(table)} SET {quoted(text)} = replace({quoted(text)}, ?, ?)"  # noqa: S608
            connection.execute(f"{statement} WHERE contains({quoted(text)}, ?)", [token, written, token])
    statement = "UPDATE pages SET payload = replace(payload, ?, CASE WHEN source = ? THEN ? ELSE ? END)"
    connection.execute(statement, [_json(token), source, _json(here), _json(elsewhere)])
    # attributes are JSON within the JSON of a page
    attribute, written = (_json(_json(text))[1:-1] for text in (token, name))
    connection.execute("UPDATE pages SET payload = replace(payload, ?, ?)", [attribute, written])
    ledger.replace_person(connection, token, name)


def _name_records(
    connection: duckdb.DuckDBPyConnection, table: str, source: str, person: Person, token: str, row_id: str | None
) -> None:
    if row_id is not None:
        statement = f"UPDATE {quoted(table)} SET id = ? WHERE source = ? AND id = ?"  # noqa: S608
        connection.execute(statement, [person.id, source, row_id])
    statement = f"UPDATE {quoted(table)} SET name = ?, email = ? WHERE name = ?"  # noqa: S608
    connection.execute(statement, [person.name, person.email, token])


def _json(text: str) -> str:
    return orjson.dumps(text).decode()
