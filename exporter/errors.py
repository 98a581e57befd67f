"""The whole exception tree: classes are named by stage and differ by what the handler does.

ExporterError
├── ConfigError            every problem of a config; the command prints all of them and exits 2
├── SourceError            one pass of one entity failed; the cursor stays, other entities go on
│   ├── SourceUnavailableError   back off and try again
│   │   └── RateLimitedError     try again when the vendor says so
│   ├── SourceRejectedError      credentials, permission or request refused: no retry before the next pass
│   └── IncompletePassError      a cap or a loop cut the listing short: nothing of it may be published
├── PostError              what was posted cannot be read: its sender is told what to change
├── InvalidRecordError     skip this record and count it
├── StoreError             abort the pass, roll back
│   ├── StoreLockedError         another process owns the data directory: exit 3
│   ├── SchemaVersionError       written by a newer version: exit 3
│   └── StoreDamagedError        move aside and rebuild, or exit 3
├── EvaluationError        drop only this metric's or KPI's series
└── StartError             the process cannot start (port taken): exit 1
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Reason(StrEnum):
    """Why something failed or was rejected: the closed set that metrics may carry as a label."""

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
    # reasons of single records
    MISSING_FIELD = "missing_field"
    BAD_TYPE = "bad_type"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    BAD_TIME = "bad_time"
    FUTURE_TIMESTAMP = "future_timestamp"
    NEGATIVE_DURATION = "negative_duration"
    UNKNOWN_VALUE = "unknown_value"
    UNKNOWN_CURRENCY = "unknown_currency"


class ExporterError(Exception):
    """Root of everything this project raises on purpose."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault of a config: where it stands, what is wrong and what would be right.

    `path` is the key path (`kpis[2].target`), `line` counts from 1 and is 0 where no line is known.
    Texts never hold a secret's value.
    """

    file: str
    line: int
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        key = f" {self.path}:" if self.path else ""
        return f"{where}:{key} {self.message}" + (f" ({self.hint})" if self.hint else "")


class ConfigError(ExporterError):
    """The config is refused whole; `problems` lists every fault found in one go."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class SourceError(ExporterError):
    """One pass over one entity failed; `reason` is for metrics, the message for the log."""

    def __init__(self, reason: Reason, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class SourceUnavailableError(SourceError):
    """The source may answer later: network, time-out, 5xx."""


class RateLimitedError(SourceUnavailableError):
    """The source asks to wait `retry_after` seconds; no request may be sent before."""

    def __init__(self, message: str, retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__(Reason.RATE_LIMITED, message)


class SourceRejectedError(SourceError):
    """The source understood and refused, or answered in a shape we do not know: retrying is pointless."""


class IncompletePassError(SourceError):
    """The listing was cut short (cap, page limit, loop): publishing it would invent numbers."""


class PostError(ExporterError):
    """What was posted cannot be read; the message is for its sender, and holds nothing that was sent."""

    def __init__(self, reason: Reason, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class InvalidRecordError(ExporterError):
    """A single record cannot be taken: skip it, count it under `reason`.

    `field` names the column; the value itself is never part of the message. Where the record's id is known,
    `record_id` keeps a full listing from taking the record for deleted.
    """

    def __init__(self, reason: Reason, field: str, where: str = "", record_id: str | None = None) -> None:
        self.reason = reason
        self.field = field
        self.where = where
        self.record_id = record_id
        super().__init__(f"{field}: {reason.value}" + (f" at {where}" if where else ""))


class StoreError(ExporterError):
    """The store cannot do what was asked; the transaction was rolled back."""


class StoreLockedError(StoreError):
    """Another process holds the data directory."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is in use by another kpi-exporter process: stop it or choose another --data-dir")


class SchemaVersionError(StoreError):
    """The store was written by a newer version than this one."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        self.found, self.known = found, known
        super().__init__(f"{path} has schema version {found}, this program knows up to {known}: upgrade kpi-exporter")


class StoreDamagedError(StoreError):
    """The store file is not what this program wrote: damaged, emptied or foreign."""


class EvaluationError(ExporterError):
    """A metric or KPI cannot be evaluated; only its own series are dropped."""

    def __init__(self, name: str, message: str) -> None:
        self.name = name
        super().__init__(f"{name}: {message}")


class StartError(ExporterError):
    """The process cannot start; the message says what to change."""
