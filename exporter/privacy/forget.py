"""Forgets a person: finds out what they are known by, and has the store replace it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from exporter import __version__
from exporter.config.root import Config
from exporter.errors import ControlError, ExitCode
from exporter.metrics.connection import Reader
from exporter.metrics.lookup_tables import all_owners
from exporter.metrics.people import Directory
from exporter.records import ENTITIES, person_column
from exporter.store.forgetting import PersonNames
from exporter.store.store import Store

_TABLES = ("people", "people_versions")

MAX_LISTED = 20
"""Persons that a refusal lists."""


def forget_person(store: Store, config: Config, person: str, now: datetime) -> dict[str, Any]:
    """Forgets the person whom an id, email or name means; returns the receipt, which has no personal data.

    Raises ControlError if nobody or several persons are known by this text, and StoreError.
    """
    forgotten = store.forget_person(lambda connection: names_of(connection, config, person), person)
    return {
        "receipt": forgotten.digest,
        "at": now.astimezone(UTC).isoformat(timespec="seconds"),
        "program": __version__,
        "token": forgotten.token,
        "replaced": dict(forgotten.counts),
        "files_deleted": list(forgotten.files_deleted),
        "files_left": list(forgotten.files_left),
    }


def names_of(connection: Reader, config: Config, text: str) -> PersonNames:
    """What the person is known by whom the text means. Raises ControlError."""
    directory = Directory.load(connection, config)
    owned = [entity for entity in ENTITIES if person_column(entity) is not None]
    owners = (*all_owners(connection, owned), *_managers(connection))
    persons = {owner: directory.owner(*owner) for owner in owners}
    labels = directory.matches(text)
    if not labels:
        raise ControlError("nobody is known by this id, email or name", ExitCode.USAGE)
    if len(labels) > 1:
        known = "\n".join(f"  {label}" for label in labels[:MAX_LISTED])
        raise ControlError(f"several persons may be meant: give an id or an email\n{known}", ExitCode.USAGE)
    label = labels[0]
    person = directory.person(label)
    records = directory.records(person)
    texts = {*_texts(connection, records), *(owner for (_, owner), found in persons.items() if found == person)}
    ids = {row_id for _, row_id in records}
    unique = {each for each in texts - ids if directory.matches(each) in ((label,), ())}
    return PersonNames(
        records=frozenset(records),
        owners=frozenset(owner for owner, found in persons.items() if found == person),
        texts=frozenset(texts - ids),
        labels=frozenset({label, *texts}),
        unique_texts=frozenset(unique),
    )


def _managers(connection: Reader) -> list[tuple[str, str]]:
    query = "SELECT DISTINCT source, manager FROM {} WHERE manager IS NOT NULL"
    return [pair for table in _TABLES for pair in connection.execute(query.format(table)).fetchall()]


def _texts(connection: Reader, records: Iterable[tuple[str, str]]) -> set[str]:
    """Emails and names in all versions of the records."""
    query = "SELECT name, email FROM {} WHERE source = ? AND id = ?"
    queries = [query.format(table) for table in _TABLES]
    rows = [row for record in records for query in queries for row in connection.execute(query, record).fetchall()]
    return {text.strip() for row in rows for text in row if text and text.strip()}
