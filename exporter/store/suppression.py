"""Keeps forgotten persons forgotten: whatever a source delivers about them gets their token before it is stored.

The store remembers keyed digests of what they were known by, and none of it as text.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any, TypeVar

import duckdb

from exporter.errors import InvalidRecordError
from exporter.passes import Page
from exporter.records import Person, Record, person_column
from exporter.store.forgetting import PersonNames, record_id

RecordType = TypeVar("RecordType", bound=Record)

_RECORD, _OWNER, _TEXT = "record", "owner", "text"


class Suppression:
    """Knows forgotten persons by what sources call them."""

    def __init__(self, key: str, tokens: Mapping[str, str]) -> None:
        self._key = key.encode()
        self._tokens = tokens

    @classmethod
    def load(cls, connection: duckdb.DuckDBPyConnection) -> Suppression:
        """The persons that the store has forgotten."""
        keys = connection.execute("SELECT key FROM digest_key").fetchall()
        tokens = dict(connection.execute("SELECT digest, token FROM forgotten_names").fetchall())
        return cls(keys[0][0] if keys else "", tokens)

    def __bool__(self) -> bool:
        return bool(self._tokens)

    def digest(self, *parts: str) -> str:
        """A digest that nobody can compare with those of another store."""
        return hmac.new(self._key, "\n".join(parts).encode("utf-8", "surrogatepass"), sha256).hexdigest()

    def applied(self, source: str, page: Page) -> tuple[Page, Mapping[str, str]]:
        """The page without forgotten persons, and the former ids of the records whose id it replaced, by the new."""
        if not self._tokens:
            return page, {}
        records, former = [], {}
        for record in page.records:
            replaced = self._person(source, record) if isinstance(record, Person) else self._owned(source, record)
            records.append(replaced)
            if replaced.id != record.id:
                former[replaced.id] = record.id
        rejected = page.rejected
        if any(isinstance(record, Person) for record in page.records) or not page.records:
            rejected = tuple(self._rejection(source, error) for error in rejected)
        return replace(page, records=tuple(records), rejected=rejected), former

    def _token(self, *parts: str) -> str | None:
        return self._tokens.get(self.digest(*parts))

    def _by_text(self, text: str | None) -> str | None:
        return self._token(_TEXT, text.strip().casefold()) if text else None

    def _by_owner(self, source: str, text: str | None) -> str | None:
        if not text:
            return None
        return self._token(_OWNER, source, text) or self._token(_RECORD, source, text) or self._by_text(text)

    def _person(self, source: str, record: Person) -> Person:
        manager = self._by_owner(source, record.manager) or record.manager
        token, new_id = self._token(_RECORD, source, record.id), ""
        if token is None and (token := self._by_text(record.email)) is not None:
            new_id = f"-{self.digest(_RECORD, source, record.id)[:8]}"
        if token is None:
            return self._without_texts(record if manager == record.manager else replace(record, manager=manager))
        name = "-".join(token.split("-")[:2])
        return replace(record, id=token + new_id, name=name, email=None, manager=manager, attributes={})

    def _owned(self, source: str, record: Record) -> Record:
        column = person_column_of(record)
        owner = getattr(record, column) if column else None
        token = self._by_owner(source, owner)
        if column is not None and token is not None:
            changes: dict[str, Any] = {column: "-".join(token.split("-")[:2])}
            record = replace(record, **changes)
        return self._without_texts(record)

    def _without_texts(self, record: RecordType) -> RecordType:
        """The record without attributes that are an email or a name of a forgotten person."""
        tokens = {name: self._by_text(value) for name, value in record.attributes.items()}
        if not any(tokens.values()):
            return record
        return replace(record, attributes={name: tokens[name] or text for name, text in record.attributes.items()})

    def _rejection(self, source: str, error: InvalidRecordError) -> InvalidRecordError:
        token = error.record_id and self._token(_RECORD, source, error.record_id)
        return InvalidRecordError(error.reason, error.field, error.where, token) if token else error


def person_column_of(record: Record) -> str | None:
    """The column that names the owner of a record."""
    from exporter.records import ENTITY_OF

    return person_column(ENTITY_OF[type(record)])


def remember(connection: duckdb.DuckDBPyConnection, names: PersonNames, token: str) -> Suppression:
    """Adds the digests of what a person is known by, with a key that is drawn for the first person."""
    if not connection.execute("SELECT key FROM digest_key").fetchall():
        connection.execute("INSERT INTO digest_key VALUES (?)", [secrets.token_hex(32)])
    suppression = Suppression.load(connection)
    rows = [(_digest(suppression, parts), name) for parts, name in _known_by(names, token)]
    if rows:
        connection.executemany("INSERT INTO forgotten_names VALUES (?, ?)", rows)
    return Suppression.load(connection)


def _digest(suppression: Suppression, parts: tuple[str, ...]) -> str:
    return suppression.digest(*parts)


def _known_by(names: PersonNames, token: str) -> Iterable[tuple[tuple[str, ...], str]]:
    for number, (source, row_id) in enumerate(sorted(names.records)):
        yield (_RECORD, source, row_id), record_id(token, number)
    for source, text in names.owners:
        yield (_OWNER, source, text), token
    for text in names.unique_texts:
        yield (_TEXT, text.strip().casefold()), token
