"""Options of the asterisk provider."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from exporter.config.fields import Duration, LocalPath, SecretField, Section, Title, parse_duration
from exporter.config.sources.base import HttpOptions

_TABLE = r"^[A-Za-z_][\w$]*(\.[A-Za-z_][\w$]*){0,2}$"


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError("no such time zone") from None
    return name


class AsteriskDatabase(Section):
    """The database that Asterisk or FreePBX writes to."""

    engine: Literal["mysql", "postgresql"] = "mysql"
    """mysql is MariaDB too."""
    host: Title
    """The server."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Its port; default: the engine's."""
    database: Title = "asteriskcdrdb"
    """The database on the server."""
    user: Title
    """A user that may only SELECT."""
    password: SecretField | None = None
    """The user's password."""
    tls: Literal["verify", "require", "off"] = "verify"
    """verify: encrypted and the server's certificate checked; off only for loopback or a trusted network."""
    table: Annotated[str, Field(pattern=_TABLE)] | None = None
    """Name of the table. Default: queuelog or cdr, by calls_from."""
    start_column: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")] = "calldate"
    """The column of cdr with the start of a row: calldate in FreePBX, start in Asterisk's own schema."""


class AsteriskAmi(Section):
    """A user of the manager interface with read permission for agents, over HTTP at base_url."""

    username: Title
    """The section's name in manager.conf."""
    secret: SecretField
    """Its secret. Asterisk accepts it only in the query, so use https beyond loopback."""


class AsteriskOptions(HttpOptions):
    """Asterisk and FreePBX: calls from the queue log or the call detail records, and live queues."""

    provider: Literal["asterisk"]
    entities: Annotated[tuple[Literal["calls", "measurements"], ...], Field(strict=False, min_length=1)] = ("calls",)
    """What to read. measurements are the current state of the queues, from the manager interface."""
    calls_from: Literal["queue_log", "cdr"] = "queue_log"
    """queue_log has queues, waiting times and agents; cdr has every call, but can only estimate these."""
    database: AsteriskDatabase | None = None
    """The database, if the records are in a table."""
    path: LocalPath | None = None
    """Or the path of the text file queue_log or Master.csv; the latter needs loguniqueid=yes."""
    zone: Annotated[str, AfterValidator(_known_zone)] | None = None
    """Asterisk's time zone. Default: the company's."""
    outbound_contexts: Annotated[tuple[Title, ...], Field(strict=False)] = ("from-internal",)
    """In cdr: calls that begin in these dialplan contexts are outbound."""
    manager: AsteriskAmi | None = None
    """How to log in for measurements."""
    history: Annotated[Duration, Field(ge=timedelta(hours=1))] = parse_duration("400d")
    """How far back calls are read."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if "calls" in self.entities and (self.database is None) == (self.path is None):
            raise ValueError("calls need exactly one of database and path")
        if "measurements" in self.entities and (self.manager is None or self.base_url is None):
            raise ValueError("measurements need manager and base_url, such as http://127.0.0.1:8088")
        return self
