"""The persons of a data directory who have a token: how they get one, keep it, and lose it when they return."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

import duckdb

from exporter.passes import Page
from exporter.store import set_aside, state
from exporter.store.database import Database
from exporter.store.detached import quoted
from exporter.store.person_tables import bring_person_back, filled_tables, owner_column, replace_persons
from exporter.store.replaced_names import LIST_NAME, PersonNames, ReplacedNames, TokenKind, new_token, token_of
from exporter.store.schema import entity_tables
from exporter.store.suppression import Suppression

_Pairs = dict[str, set[tuple[str, str]]]
FindNames = Callable[[duckdb.DuckDBPyConnection], Sequence[PersonNames]]


@dataclass(frozen=True, slots=True)
class Replacement:
    """Tokens of the persons who were replaced, how many rows held them, and files beside the store."""

    tokens: tuple[str, ...]
    counts: Mapping[str, int]
    files_deleted: tuple[str, ...] = ()
    files_left: tuple[str, ...] = ()


class ReplacedPersons:
    """Replaces persons, and applies that to what sources deliver. Its list is in the store and in a file beside it.

    The file is written before the store when persons are added, and after it when they return: whatever a kill leaves
    undone is done by the next `adopt`, or when the source lists the person again.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._list = database.path.with_name(LIST_NAME)
        self._returning = Lock()
        self.suppression = Suppression(ReplacedNames())

    def adopt(self) -> None:
        """Makes the lists in the store and in the file the same; whom the store lacks is replaced in it.

        To be called once a store was opened. Raises StoreError.
        """
        with self._database.reading() as connection:
            stored = ReplacedNames.stored(connection)
        listed = ReplacedNames.load(self._list)
        names = listed.united(stored)
        if names != listed:
            names.save(self._list)
        self.suppression = Suppression(names)
        if names.tokens.keys() > stored.tokens.keys():
            self._replace_again()

    def replace(self, kind: TokenKind, find: FindNames) -> Replacement:
        """Replaces the persons whom `find` finds in the transaction, now and in what sources deliver later.

        Then the file is written anew. Unfinished passes start again. Nothing else may use the store meanwhile. What
        `find` raises is raised. Raises StoreError.
        """
        with self._database.write() as connection, set_aside.all_back(connection):
            persons = {new_token(kind): names for names in find(connection)}
            suppression = Suppression(self.suppression.names.keyed())
            digests = (digest for token, names in persons.items() for digest in suppression.digests(names, token))
            suppression = Suppression(suppression.names.adding(digests))
            if persons:
                suppression.names.save(self._list)
            counts = self._write(connection, persons, suppression)
            commits = state.publish_all(connection)
        self._database.record_commits(commits)
        self.suppression = suppression
        deleted, left = self._database.rewrite() if persons else ((), ())
        return Replacement(tuple(persons), counts, deleted, left)

    def bring_back(self, source: str, page: Page) -> None:
        """Gives former persons whom the page lists their name and email back. Raises StoreError.

        If the store cannot be written, they stay replaced until the source lists them again.
        """
        if not self.suppression.returning(source, page):
            return
        with self._returning:
            suppression = self.suppression
            returning = suppression.returning(source, page)
            with self._database.write() as connection, set_aside.all_back(connection):
                for token, person in returning.items():
                    bring_person_back(connection, source, person, token, suppression.record_token(source, person.id))
                names = suppression.names.without(returning)
                names.store(connection)
                commits = state.publish_all(connection)
            self.suppression = Suppression(names)
            self._database.record_commits(commits)
            names.save(self._list)

    def _replace_again(self) -> None:
        """Replaces persons whom the store still names, because it is older than the list or was rebuilt."""
        with self._database.write() as connection, set_aside.all_back(connection):
            persons = _recognised(connection, self.suppression)
            self._write(connection, persons, self.suppression)
            commits = state.publish_all(connection)
        self._database.record_commits(commits)
        if persons:
            self._database.rewrite()

    @staticmethod
    def _write(
        connection: duckdb.DuckDBPyConnection, persons: Mapping[str, PersonNames], suppression: Suppression
    ) -> Mapping[str, int]:
        suppression.names.store(connection)
        return replace_persons(connection, persons, suppression.new_id) if persons else {}


def _recognised(connection: duckdb.DuckDBPyConnection, suppression: Suppression) -> Mapping[str, PersonNames]:
    """What the tables of an older store call replaced persons, by token; without those whom they do not name."""
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
