"""All exceptions of the project, named by stage, and the exit codes that they become.

ExporterError
├── ConfigError            all problems of a config; the command prints them and exits with 2
├── SourceError            a pass of an entity failed; its cursor stays, other entities continue
│   ├── SourceUnavailableError   back off and retry
│   │   └── RateLimitedError     retry when the vendor allows it
│   ├── SourceRejectedError      credentials, permission or request rejected: no retry before the next pass
│   └── IncompletePassError      a limit or a loop cut the listing short: nothing is published
├── PostError              a posted body cannot be read; the response tells the sender what to change
├── InvalidRecordError     skip this record and count it
├── StoreError             abort the pass and roll back
│   ├── StoreLockedError         another process uses the data directory: exit with 3
│   ├── SchemaVersionError       written by a newer version: exit with 3
│   ├── UnknownSchemaError       written by no released version: exit with 3
│   ├── StoreReplacedError       somebody put another store in its place: exit with 3
│   └── StoreDamagedError        move it aside and rebuild, or exit with 3
├── ControlError           the running `serve` could not do what a command asked for: exit with its code
├── EvaluationError        omit only the series of this metric or KPI
└── StartError             the process cannot start, for example because a port is in use: exit with 1
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from pathlib import Path


class Reason(StrEnum):
    """Why something failed or was rejected: the values of the `reason` label."""

    CONNECT = "connect"
    DNS = "dns"
    TLS = "tls"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"
    SERVER_ERROR = "server_error"
    RATE_LIMITED = "rate_limited"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    BAD_REQUEST = "bad_request"
    BLOCKED_ORIGIN = "blocked_origin"
    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    SCHEMA = "schema"
    CAPPED = "capped"
    PAGINATION_LOOP = "pagination_loop"
    PAGE_LIMIT = "page_limit"
    TOO_MANY_REJECTED = "too_many_rejected"
    BREAKER_OPEN = "breaker_open"
    STORE = "store"
    INTERNAL = "internal"
    # reasons for single records
    MISSING_FIELD = "missing_field"
    BAD_TYPE = "bad_type"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    BAD_TIME = "bad_time"
    FUTURE_TIMESTAMP = "future_timestamp"
    NEGATIVE_DURATION = "negative_duration"
    UNKNOWN_VALUE = "unknown_value"
    UNKNOWN_CURRENCY = "unknown_currency"
    DUPLICATE_ID = "duplicate_id"


class ExporterError(Exception):
    """Base class of all expected errors."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A problem of a config: where it is, what is wrong and how to fix it.

    `path` is the key path (`kpis[2].target`). `line` counts from 1; 0 means unknown. No text contains a secret.
    """

    file: str
    line: int
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        position = f"{self.file}:{self.line}" if self.line else self.file
        key = f" {self.path}:" if self.path else ""
        return f"{position}:{key} {self.message}" + (f" ({self.hint})" if self.hint else "")


class ConfigError(ExporterError):
    """The config is rejected; `problems` lists everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class SourceError(ExporterError):
    """A pass over an entity failed; `reason` is for metrics, the message for the log."""

    def __init__(self, reason: Reason, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class SourceUnavailableError(SourceError):
    """The source may respond later: network error, timeout, 5xx."""


class RateLimitedError(SourceUnavailableError):
    """The source asks to wait `retry_after` seconds before the next request."""

    def __init__(self, message: str, retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__(Reason.RATE_LIMITED, message)


class SourceRejectedError(SourceError):
    """The source rejected the request or returned an unknown format, so a retry is pointless."""


class IncompletePassError(SourceError):
    """The listing was cut short (limit, loop), so publishing it would give wrong values."""


class PostError(ExporterError):
    """A posted body cannot be read. The message is for the sender and contains nothing of the body."""

    def __init__(self, reason: Reason, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class InvalidRecordError(ExporterError):
    """A record is invalid: it is skipped and counted under `reason`.

    `field` names the column; the message never contains the value. If the record's id is known, `record_id` prevents
    a full listing from treating the record as deleted.
    """

    def __init__(self, reason: Reason, field: str, where: str = "", record_id: str | None = None) -> None:
        self.reason = reason
        self.field = field
        self.where = where
        self.record_id = record_id
        super().__init__(f"{field}: {reason.value}" + (f" at {where}" if where else ""))


class StoreError(ExporterError):
    """An operation of the store failed; its transaction was rolled back."""


class StoreLockedError(StoreError):
    """Another process uses the data directory."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is in use by another kpi-exporter process: stop it or choose another --data-dir")


class SchemaVersionError(StoreError):
    """The store was written by a newer version of the program."""

    def __init__(self, path: Path, shape: int, newest: int) -> None:
        self.shape, self.newest = shape, newest
        super().__init__(f"{path} has schema version {shape}, this program knows up to {newest}: upgrade kpi-exporter")


class UnknownSchemaError(StoreError):
    """The store has tables that no released version of the program writes."""

    def __init__(self, path: Path, version: object, digest: object) -> None:
        super().__init__(
            f"{path} has tables of schema version {version} ({digest}) that this program does not know: use the"
            " kpi-exporter that wrote them, or choose another --data-dir"
        )


class StoreReplacedError(StoreError):
    """The store file is another one than this directory had, so somebody put it there; nothing is changed."""

    def __init__(self, path: Path, difference: str) -> None:
        super().__init__(
            f"{path} {difference}. To use it, run: kpi-exporter restore {path} --data-dir {path.parent}."
            " Otherwise put the former file back, or restore a backup"
        )


class StoreDamagedError(StoreError):
    """The store file is damaged, empty, or not from this program."""


class ControlError(ExporterError):
    """The running `serve` could not do what a command asked for; `code` is the exit code of the command."""

    def __init__(self, message: str, code: ExitCode) -> None:
        self.code = code
        super().__init__(message)


class EvaluationError(ExporterError):
    """A metric or KPI cannot be evaluated; only its own series are omitted."""

    def __init__(self, name: str, message: str) -> None:
        self.name = name
        super().__init__(f"{name}: {message}")


class StartError(ExporterError):
    """The process cannot start; the message says what to change."""


class ExitCode(IntEnum):
    """Exit codes of commands."""

    OK = 0
    CANNOT_START = 1
    USAGE = 2
    STORE = 3
    SOURCE = 4


def exit_code(error: ExporterError) -> ExitCode:
    """The exit code of a command that ends with this error."""
    if isinstance(error, ControlError):
        return error.code
    for kind, code in ((ConfigError, ExitCode.USAGE), (StoreError, ExitCode.STORE), (SourceError, ExitCode.SOURCE)):
        if isinstance(error, kind):
            return code
    return ExitCode.CANNOT_START


def message_lines(error: ExporterError) -> tuple[str, ...]:
    """One line per problem of a config, otherwise the message of the error."""
    return tuple(map(str, error.problems)) if isinstance(error, ConfigError) else (str(error),)
