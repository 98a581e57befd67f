"""Options of the sql provider: any table or query of a database as any entity."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from exporter.config.fields import Duration, EntityName, LocalPath, SecretField, Section, Title, parse_duration
from exporter.config.sources.base import ONE_SECOND, ColumnMap, SourceOptions

_FILES = ("sqlite", "duckdb")


class SqlDeleted(Section):
    """How a row is marked as deleted."""

    field: Title
    """The column with the mark."""
    equals: str | bool | int | None = None
    """Deleted if the column has this value. Default: if it is neither empty nor false nor 0."""


class SqlEntity(Section):
    """One table or query and how its rows become records."""

    entity: EntityName
    """What its rows are, such as invoices."""
    table: Annotated[str, Field(pattern=r"^[A-Za-z_][\w$]*(\.[A-Za-z_][\w$]*){0,2}$")] | None = None
    """Name of a table or view, with its schema if needed."""
    query: Annotated[str, Field(min_length=1, max_length=20000)] | None = None
    """Or a single SELECT."""
    updated: Title | None = None
    """Column that increases whenever a row changes (a time or a number). Without it every pass reads everything."""
    columns: ColumnMap
    """Record column to the column of the table or query; `id` is required."""
    deleted: SqlDeleted | None = None
    """How deleted rows are marked, if they are."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("exactly one of table and query")
        return self


class SqlOptions(SourceOptions):
    """PostgreSQL, MySQL or MariaDB, SQLite, DuckDB; read with a user that may only SELECT."""

    provider: Literal["sql"]
    engine: Literal["postgresql", "mysql", "sqlite", "duckdb"]
    """mysql is MariaDB too."""
    path: LocalPath | None = None
    """The file of sqlite and duckdb."""
    host: Title | None = None
    """The server of postgresql and mysql."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Its port; default: the engine's."""
    database: Title | None = None
    """The database on the server."""
    user: Title | None = None
    """A user that may only SELECT."""
    password: SecretField | None = None
    """The user's password."""
    tls: Literal["verify", "require", "off"] = "verify"
    """verify: encrypted, with a verified server certificate. Use off only for loopback or a trusted network."""
    ca_file: LocalPath | None = None
    """Certificates (PEM) of the private authority that signed the server's, as for many managed databases."""
    statement_timeout: Annotated[Duration, Field(ge=ONE_SECOND)] = parse_duration("60s")
    """The server aborts statements that take longer."""
    entities: Annotated[tuple[SqlEntity, ...], Field(strict=False, min_length=1)]
    """The tables and queries to read."""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.engine in _FILES and (self.path is None or self.host is not None):
            raise ValueError(f"{self.engine} needs path, and no host")
        if self.engine not in _FILES and (self.host is None or self.database is None or self.path is not None):
            raise ValueError(f"{self.engine} needs host and database, and no path")
        if len(set(self.reads)) != len(self.reads):
            raise ValueError("an entity is listed twice: use UNION ALL in one query, or a second source")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The entities of all tables and queries."""
        return tuple(entity.entity for entity in self.entities)

    @property
    def column_maps(self) -> tuple[tuple[tuple[str | int, ...], str, ColumnMap], ...]:
        """One mapping for each table or query."""
        listings = enumerate(self.entities)
        return tuple((("entities", index, "columns"), listing.entity, listing.columns) for index, listing in listings)
