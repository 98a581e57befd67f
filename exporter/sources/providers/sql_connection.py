"""Read-only connections of the sql provider: drivers, timeouts, and the meaning of their errors."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import certifi

from exporter.config.sources.sql import SqlOptions
from exporter.errors import Reason, SourceError, SourceRejectedError, SourceUnavailableError
from exporter.sources.base import SourceContext
from exporter.sources.blocking import Cancellation
from exporter.sources.http.auth import reveal
from exporter.sources.http.origin import allowed_addresses
from exporter.sources.http.transport import verified_tls
from exporter.sources.providers.sql_cancelling import cancelled_by
from exporter.sources.providers.sql_statement import SqlStatement

FETCHED_ROWS = 1000
_CONNECT_SECONDS = 5

_REASONS = {
    # PostgreSQL: SQLSTATE; MySQL and MariaDB: error number
    "28000": Reason.UNAUTHORIZED, "28P01": Reason.UNAUTHORIZED, "42501": Reason.FORBIDDEN,
    "42P01": Reason.SCHEMA, "42703": Reason.SCHEMA, "42883": Reason.SCHEMA, "3F000": Reason.SCHEMA,
    "3D000": Reason.NOT_FOUND, "57014": Reason.TIMEOUT,
    "1044": Reason.FORBIDDEN, "1045": Reason.UNAUTHORIZED, "1049": Reason.NOT_FOUND, "1142": Reason.FORBIDDEN,
    "1143": Reason.FORBIDDEN, "1146": Reason.SCHEMA, "1054": Reason.SCHEMA, "1698": Reason.UNAUTHORIZED,
    "1969": Reason.TIMEOUT, "3024": Reason.TIMEOUT, "2003": Reason.CONNECT, "2026": Reason.TLS,
}  # fmt: skip

_CURES = {
    Reason.UNAUTHORIZED: "the database refuses the user: check user and password",
    Reason.FORBIDDEN: "the user may not read this: GRANT SELECT on it",
    Reason.SCHEMA: "the database has no such table or column: check table, query and columns",
    Reason.NOT_FOUND: "there is no such database: check database or path",
    Reason.TIMEOUT: "the statement took longer than statement_timeout: add an index on the change column and id",
    Reason.CONNECT: "the database cannot be reached: check host and port",
    Reason.TLS: "no trusted encrypted connection: check tls, and ca_file where the authority is a private one",
    Reason.PROTOCOL: "the database ended the statement",
}


@contextmanager
def rows(
    options: SqlOptions, context: SourceContext, statement: SqlStatement, cancellation: Cancellation
) -> Iterator[Iterator[Sequence[Any]]]:
    """The statement's rows, streamed from the server; raises SourceError with the cure and without any value."""
    connect = partial(_CONNECT[options.engine], options, context)
    try:
        with (
            closing(connect()) as connection,
            cancelled_by(cancellation, options.engine, connection, connect),
            closing(_cursor(options, connection)) as cursor,
        ):
            cursor.execute(statement.sql, statement.values)
            yield _streamed(cursor, cancellation)
    except SourceError:
        raise
    except Exception as error:
        if not _is_driver_error(error):
            raise
        raise _source_error(error) from None


def may_write(options: SqlOptions, context: SourceContext, table: str, cancellation: Cancellation) -> bool:
    """Whether a PostgreSQL user has more rights on the table than it needs; False for other engines."""
    if options.engine != "postgresql":
        return False
    statement = SqlStatement("SELECT has_table_privilege($1, 'INSERT, UPDATE, DELETE')", (table,))
    with rows(options, context, statement, cancellation) as result:
        return bool(next(result)[0])


def _streamed(cursor: Any, cancellation: Cancellation) -> Iterator[Sequence[Any]]:
    while chunk := cursor.fetchmany(FETCHED_ROWS):
        yield from chunk
        cancellation.check()


def _cursor(options: SqlOptions, connection: Any) -> Any:
    if options.engine == "postgresql":
        import psycopg

        return psycopg.RawServerCursor(connection, "kpi_exporter")
    return connection.cursor()


def _postgresql(options: SqlOptions, context: SourceContext) -> Any:
    import psycopg

    host, port = options.host or "", options.port or 5432
    addresses = () if host.startswith(("/", "@")) else _addresses(host, port)  # a local socket has no address
    connection = psycopg.connect(
        host=",".join([host] * max(1, len(addresses))),
        hostaddr=",".join(addresses) or None,
        port=port,
        dbname=options.database,
        user=options.user,
        password=reveal(options.password, context) if options.password else None,
        sslmode={"verify": "verify-full", "require": "require", "off": "prefer"}[options.tls],
        sslrootcert=_authorities(options, context) if options.tls == "verify" else None,
        connect_timeout=_CONNECT_SECONDS,
        application_name="kpi-exporter",
        options=f"-c statement_timeout={int(options.statement_timeout.total_seconds() * 1000)} -c TimeZone=UTC",
    )
    connection.read_only = True
    return connection


def _addresses(host: str, port: int) -> tuple[str, ...]:
    """The addresses of a server, none of which is link-local or unusable; its name is not looked up again.

    Between two look-ups a name server could change the address, so that another server gets the password. libpq also
    holds the interpreter while it looks a name up: a resolver that hangs would stop the program.
    """
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise SourceUnavailableError(Reason.CONNECT, _CURES[Reason.CONNECT]) from None
    return allowed_addresses(entries, private=True)


def _mysql(options: SqlOptions, context: SourceContext, address: str | None = None) -> Any:
    import pymysql
    from pymysql.cursors import SSCursor

    host, port = options.host or "", options.port or 3306
    connection = pymysql.connect(
        host=host,  # the name that the certificate is checked against
        port=port,
        database=options.database,
        user=options.user,
        password=reveal(options.password, context) if options.password else "",
        charset="utf8mb4",
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=options.statement_timeout.total_seconds() + _CONNECT_SECONDS,
        ssl=_tls(options, context),
        cursorclass=SSCursor,
        defer_connect=True,
    )
    connection.connect(_connected((address,) if address else _addresses(host, port), port))
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION READ ONLY")
        cursor.execute("SELECT VERSION()")
        mariadb = "mariadb" in str(cursor.fetchall()[0][0]).lower()
        name, per_second = ("max_statement_time", 1) if mariadb else ("max_execution_time", 1000)
        cursor.execute(f"SET SESSION {name} = %s", (options.statement_timeout.total_seconds() * per_second,))
    return connection


def _connected(addresses: Sequence[str], port: int) -> socket.socket:
    """A connection to the first address that accepts one, as PyMySQL would open it."""
    for address in addresses:
        try:
            connection = socket.create_connection((address, port), _CONNECT_SECONDS)
        except OSError:
            continue
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return connection
    raise SourceUnavailableError(Reason.CONNECT, _CURES[Reason.CONNECT])


def _authorities(options: SqlOptions, context: SourceContext) -> str:
    """The certificate authorities for libpq, which has none of its own and does not find the system's."""
    return str(context.base / options.ca_file) if options.ca_file else certifi.where()


def _tls(options: SqlOptions, context: SourceContext) -> ssl.SSLContext | None:
    if options.tls == "off":
        return None
    if options.tls == "verify":
        return verified_tls("https", context.base / options.ca_file if options.ca_file else None)
    tls_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls_context.check_hostname = False
    tls_context.verify_mode = ssl.CERT_NONE
    return tls_context


def _file(options: SqlOptions, context: SourceContext) -> Path:
    path = context.base / (options.path or "")
    if not path.is_file():
        raise SourceRejectedError(Reason.NOT_FOUND, f"there is no file {options.path} beside the config")
    return path


def _sqlite(options: SqlOptions, context: SourceContext) -> Any:
    import sqlite3

    address = f"{_file(options, context).absolute().as_uri()}?mode=ro"
    # only `interrupt` is called by another thread
    connection = sqlite3.connect(address, uri=True, timeout=_CONNECT_SECONDS, check_same_thread=False)
    until = context.monotonic() + options.statement_timeout.total_seconds()
    connection.set_progress_handler(lambda: context.monotonic() > until, 10_000)
    return connection


def _duckdb(options: SqlOptions, context: SourceContext) -> Any:
    import duckdb

    limits: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": "512MB",
        "threads": "1",
        "enable_external_access": "false",
    }
    return duckdb.connect(str(_file(options, context)), read_only=True, config=limits)


_CONNECT = {"postgresql": _postgresql, "mysql": _mysql, "sqlite": _sqlite, "duckdb": _duckdb}


def _is_driver_error(error: Exception) -> bool:
    return type(error).__module__.split(".")[0] in {"psycopg", "pymysql", "sqlite3", "duckdb", "_duckdb"}


def _source_error(error: Exception) -> SourceError:
    text = str(error).lower()
    codes = (str(code) for code in (*error.args[:1], getattr(error, "sqlstate", "")))
    reason = next((_REASONS[code] for code in codes if code in _REASONS), None) or _reason_by_text(text)
    if reason is Reason.CONNECT and "certificate" in text:
        reason = Reason.TLS  # PyMySQL reports an untrusted certificate as a server that cannot be reached
    if reason in (Reason.CONNECT, Reason.TIMEOUT, Reason.PROTOCOL):
        return SourceUnavailableError(reason, _CURES[reason])
    return SourceRejectedError(reason, _CURES[reason])


def _reason_by_text(text: str) -> Reason:
    """The reason of an error without a code: of SQLite, DuckDB, and PostgreSQL's connection."""
    for phrases, reason in (
        (("no such table", "no such column", "does not exist!", "binder error"), Reason.SCHEMA),
        (("password authentication failed", "no password supplied", "role"), Reason.UNAUTHORIZED),
        (("interrupted", "timeout", "timed out"), Reason.TIMEOUT),
        (("certificate", "ssl"), Reason.TLS),
        (
            ("connection refused", "could not connect", "unable to open", "resolve host", "translate host"),
            Reason.CONNECT,
        ),
    ):
        if any(phrase in text for phrase in phrases):
            return reason
    return Reason.PROTOCOL
