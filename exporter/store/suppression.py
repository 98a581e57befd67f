"""Keeps replaced persons replaced: whatever a source delivers about them gets their token before it is stored.

The store remembers keyed digests of what they were known by, and none of it as text.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any, TypeVar

from exporter.errors import InvalidRecordError
from exporter.passes import Page
from exporter.records import ENTITY_OF, Person, Record, person_column
from exporter.store.replaced_names import PersonNames, ReplacedNames, TokenKind, kind_of, record_id, token_of

RecordType = TypeVar("RecordType", bound=Record)

_RECORD, _OWNER, _TEXT = "record", "owner", "text"


class Suppression:
    """Knows replaced persons by what sources call them."""

    def __init__(self, names: ReplacedNames) -> None:
        self.names = names

    def digest(self, *parts: str) -> str:
        """A digest that nobody can compare with those of another store."""
        return _digest(self.names.keys[0] if self.names.keys else "", parts)

    def record_token(self, source: str, row_id: str) -> str | None:
        """The id that takes the place of a record's, if it is that of a replaced person."""
        return self._token(_RECORD, source, row_id)

    def new_id(self, token: str, source: str, row_id: str) -> str:
        """The id that takes the place of a record's of the person who has this token."""
        return self.record_token(source, row_id) or f"{token}-{self.digest(_RECORD, source, row_id)[:8]}"

    def text_token(self, text: str | None) -> str | None:
        """The token of the replaced person with this email or name."""
        return self._token(_TEXT, text.strip().casefold()) if text else None

    def owner_token(self, source: str, text: str | None) -> str | None:
        """The token of the replaced person whom a record names as its owner, agent or manager."""
        if not text:
            return None
        token = self._token(_OWNER, source, text) or self.record_token(source, text) or self.text_token(text)
        return token and token_of(token)

    def returning(self, source: str, page: Page) -> Mapping[str, Person]:
        """The former persons whom the page lists, by token, each with the record that does."""
        returning: dict[str, Person] = {}
        for record in page.records if self.names.tokens else ():
            if isinstance(record, Person) and not record.deleted:
                token = self.record_token(source, record.id) or self.text_token(record.email)
                if token is not None and kind_of(token) is TokenKind.FORMER:
                    returning[token_of(token)] = record
        return returning

    def applied(self, source: str, page: Page) -> tuple[Page, Mapping[str, str]]:
        """The page without replaced persons, and the former ids of the records whose id it replaced, by the new."""
        if not self.names.tokens:
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

    def digests(self, names: PersonNames, token: str) -> Iterator[tuple[str, str]]:
        """The digests of what a person is known by, each with the token or record id that takes its place."""
        for number, (source, row_id) in enumerate(sorted(names.records)):
            yield self.digest(_RECORD, source, row_id), record_id(token, number)
        for source, text in names.owners:
            yield self.digest(_OWNER, source, text), token
        for text in names.unique_texts:
            yield self.digest(_TEXT, text.strip().casefold()), token

    def _token(self, *parts: str) -> str | None:
        digests = (_digest(key, parts) for key in self.names.keys)
        return next(filter(None, map(self.names.tokens.get, digests)), None)

    def _person(self, source: str, record: Person) -> Person:
        manager = self.owner_token(source, record.manager) or record.manager
        token = self.record_token(source, record.id) or self.text_token(record.email)
        if token is None:
            return self._without_texts(record if manager == record.manager else replace(record, manager=manager))
        token = token_of(token)
        new_id = self.new_id(token, source, record.id)
        return replace(record, id=new_id, name=token, email=None, manager=manager, attributes={})

    def _owned(self, source: str, record: Record) -> Record:
        column = person_column(ENTITY_OF[type(record)])
        token = self.owner_token(source, getattr(record, column)) if column else None
        if column is not None and token is not None:
            changes: dict[str, Any] = {column: token}
            record = replace(record, **changes)
        return self._without_texts(record)

    def _without_texts(self, record: RecordType) -> RecordType:
        """The record without attributes that are an email or a name of a replaced person."""
        tokens = {name: self.text_token(value) for name, value in record.attributes.items()}
        if not any(tokens.values()):
            return record
        return replace(record, attributes={name: tokens[name] or text for name, text in record.attributes.items()})

    def _rejection(self, source: str, error: InvalidRecordError) -> InvalidRecordError:
        token = error.record_id and self.record_token(source, error.record_id)
        return InvalidRecordError(error.reason, error.field, error.where, token) if token else error


def _digest(key: str, parts: tuple[str, ...]) -> str:
    return hmac.new(key.encode(), "\n".join(parts).encode("utf-8", "surrogatepass"), sha256).hexdigest()
