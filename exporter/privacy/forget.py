"""Forgets a person: finds out what they are known by, and has the store replace it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from exporter import __version__
from exporter.config.root import Config
from exporter.errors import ControlError, ExitCode
from exporter.metrics.connection import Reader
from exporter.privacy.known_by import KnownPersons
from exporter.store.replaced_names import PersonNames, TokenKind
from exporter.store.store import Store

MAX_LISTED = 20
"""Persons that a refusal lists."""


def forget_person(store: Store, config: Config, person: str, now: datetime) -> dict[str, Any]:
    """Forgets the person whom an id, email or name means; returns the receipt, which has no personal data.

    Raises ControlError if nobody or several persons are known by this text, and StoreError.
    """
    replacement = store.replace_persons(TokenKind.FORGOTTEN, lambda connection: (names_of(connection, config, person),))
    (token,) = replacement.tokens
    return {
        "receipt": store.digest(person),
        "at": now.astimezone(UTC).isoformat(timespec="seconds"),
        "program": __version__,
        "token": token,
        "replaced": dict(replacement.counts),
        "files_deleted": list(replacement.files_deleted),
        "files_left": list(replacement.files_left),
    }


def names_of(reader: Reader, config: Config, text: str) -> PersonNames:
    """What the person is known by whom the text means. Raises ControlError."""
    persons = KnownPersons(reader, config)
    labels = persons.labels(text)
    if not labels:
        raise ControlError("nobody is known by this id, email or name", ExitCode.USAGE)
    if len(labels) > 1:
        known = "\n".join(f"  {label}" for label in labels[:MAX_LISTED])
        raise ControlError(f"several persons may be meant: give an id or an email\n{known}", ExitCode.USAGE)
    return persons.names(labels[0])
