"""What replaced persons are called, and the list of them: digests of what they were known by, each with its token.

The list is in the store and in a file beside it, `kpi.forgotten`, which outlives the store: when a damaged store is
rebuilt, or an older backup is restored, the list in the store lacks persons, and the one in the file still has them.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import duckdb
import orjson

from exporter.disk import open_private, sync_to_disk
from exporter.errors import StoreError

LIST_NAME = "kpi.forgotten"

_TOKEN_BYTES = 5
_TOKEN = re.compile(r"(forgotten|former)-[0-9a-f]{10}")

_log = logging.getLogger(__name__)


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


def _no_tokens() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class ReplacedNames:
    """Keys of digests, the one for new digests first, and tokens by digest."""

    keys: tuple[str, ...] = ()
    tokens: Mapping[str, str] = field(default_factory=_no_tokens)

    @classmethod
    def stored(cls, connection: duckdb.DuckDBPyConnection) -> ReplacedNames:
        """The list in the store. Raises duckdb.Error."""
        keys = connection.execute("SELECT key FROM digest_key ORDER BY rowid").fetchall()
        tokens = dict(connection.execute("SELECT digest, token FROM forgotten_names").fetchall())
        return cls(tuple(key for (key,) in keys), tokens)

    @classmethod
    def load(cls, path: Path) -> ReplacedNames:
        """The list in a file, empty if there is none. Raises StoreError if the file cannot be read."""
        try:
            content = orjson.loads(path.read_bytes())
            return cls(
                tuple(map(str, content["keys"])), {str(key): str(token) for key, token in content["tokens"].items()}
            )
        except FileNotFoundError:
            return cls()
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror or error}") from error
        except (ValueError, KeyError, TypeError, AttributeError):
            _log.error("%s is damaged and is replaced by the list in the store: %s", path, _DAMAGED_HINT)
            return cls()

    def save(self, path: Path) -> None:
        """Replaces the file, readable by its owner only, in one step. Raises StoreError."""
        draft = path.with_name(f"{path.name}.new")
        try:
            with open(draft, "wb", opener=open_private) as file:
                file.write(orjson.dumps({"keys": self.keys, "tokens": dict(self.tokens)}))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            sync_to_disk(path.parent)
        except OSError as error:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise StoreError(f"{path} cannot be written: {error.strerror or error}") from error

    def store(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Replaces the list in the store. Raises duckdb.Error."""
        connection.execute("DELETE FROM digest_key")
        connection.execute("DELETE FROM forgotten_names")
        for key in self.keys:
            connection.execute("INSERT INTO digest_key VALUES (?)", [key])
        rows = [list(self.tokens), list(self.tokens.values())]
        connection.execute("INSERT INTO forgotten_names SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[])", rows)

    def united(self, other: ReplacedNames) -> ReplacedNames:
        """The persons of both lists."""
        return ReplacedNames(tuple(dict.fromkeys((*self.keys, *other.keys))), {**other.tokens, **self.tokens})

    def keyed(self) -> ReplacedNames:
        """The list with a key, drawn for the first person."""
        return self if self.keys else ReplacedNames((secrets.token_hex(32),), self.tokens)

    def adding(self, tokens: Iterable[tuple[str, str]]) -> ReplacedNames:
        """The list with more digests."""
        return ReplacedNames(self.keys, {**self.tokens, **dict(tokens)})

    def without(self, tokens: Iterable[str]) -> ReplacedNames:
        """The list without these persons."""
        gone = tuple(tokens)
        remaining = {digest: name for digest, name in self.tokens.items() if not name.startswith(gone)}
        return ReplacedNames(self.keys, remaining)


_DAMAGED_HINT = "after restoring a backup, forget the persons again who were forgotten since it was made"
