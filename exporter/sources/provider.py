"""What every provider is made of: the frame of a source, and the rules for a vendor's responses and rows.

A provider adds what only its vendor has: paths, paging, a mapping to records, and what the vendor's errors mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import orjson

from exporter.config.sources.base import SourceOptions
from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.passes import Page
from exporter.sources.access_check import check_access
from exporter.sources.base import Access, SourceContext
from exporter.sources.parsing import convert
from exporter.sources.parsing.rows import ParseRow, parse_rows

if TYPE_CHECKING:
    from exporter.sources.http.client import ApiResponse, SourceClient

VendorRow = Mapping[str, Any]
"""One object of a vendor's response."""

Options = TypeVar("Options", bound=SourceOptions)
Option = TypeVar("Option")


class ProviderSource(Generic[Options]):
    """The frame of a source. A provider adds `read`, `_probe` and, if its vendor has permissions, `_permission`."""

    lag = timedelta(0)
    """How long the vendor may take to list a change."""
    default_lookback = timedelta(0)
    """How far behind its cursor each pass reads again, unless the options say otherwise."""

    def __init__(self, options: Options, context: SourceContext, *clients: SourceClient) -> None:
        self.name = options.name
        self.entities = people_first(options.reads)
        self._options = options
        self._context = context
        self._clients = clients
        self._lookback = self.default_lookback if options.lookback is None else options.lookback

    @property
    def _client(self) -> SourceClient:
        """The client of a vendor that has only one API."""
        return self._clients[0]

    async def check(self) -> tuple[Access, ...]:
        """Probes each entity; raises SourceError if the problem concerns the whole source."""
        return tuple([await self._access(entity) for entity in self.entities])

    async def _access(self, entity: str) -> Access:
        return await check_access(entity, self._permission(entity), self._probe(entity))

    def _permission(self, entity: str) -> str:  # noqa: ARG002 - providers with permissions override it
        """The permission to grant if the vendor denies access; empty if its error names it."""
        return ""

    async def _probe(self, entity: str) -> None:
        """Sends the smallest requests that need the permissions of a pass; raises SourceError if one fails."""
        raise NotImplementedError

    async def close(self) -> None:
        """Closes the connections."""
        for client in self._clients:
            await client.close()


def people_first(entities: Iterable[str]) -> tuple[str, ...]:
    """The entities in the order in which to read them: numbers of teams and persons wait for people."""
    return tuple(sorted(entities, key=lambda entity: entity != "people"))


def required(option: Option | None) -> Option:
    """An option that the config's validation guarantees in this place."""
    if option is None:
        raise AssertionError("the config was not validated")
    return option


def page_of(rows: Iterable[Any], parse_row: ParseRow, *, resume: str | None = None, total: int | None = None) -> Page:
    """The records and the rejections of these rows as a page."""
    parsed = parse_rows(rows, parse_row)
    return Page(parsed.records, parsed.rejected, resume=resume, total=total)


def rows_under(response: ApiResponse, name: str) -> list[Any]:
    """The list that a response has under `name`; raises SourceRejectedError(SCHEMA) if there is none."""
    rows = response.body.get(name) if isinstance(response.body, dict) else None
    if not isinstance(rows, list):
        raise SourceRejectedError(Reason.SCHEMA, f"the response has no {name}")
    return rows


def error_body(body: bytes) -> Any:
    """The parsed body of an error response; None if it is not JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def seconds_until_midnight(now: datetime, zone: tzinfo) -> float:
    """Seconds until the next day begins in a zone, which is when vendors reset daily limits."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return (datetime.combine(tomorrow, datetime.min.time(), zone) - now).total_seconds()


def record_id(row: VendorRow, name: str = "id") -> str:
    """The id of a vendor's row; raises InvalidRecordError if it is missing or empty, or no id."""
    value = convert.identifier(row.get(name))
    if value is None:
        raise InvalidRecordError(Reason.MISSING_FIELD, "id")
    return value


def attributes(values: Mapping[str, Any]) -> dict[str, str]:
    """The values as a record's attributes, without the empty ones."""
    texts = {name: convert.text(value, name) for name, value in values.items()}
    return {name: text for name, text in texts.items() if text is not None}


def utc_instant(value: Any, field: str) -> datetime | None:
    """A time in ISO format, in UTC if it names no zone; raises InvalidRecordError."""
    return convert.instant(value, field, UTC)


def epoch_instant(value: Any, field: str) -> datetime | None:
    """A time in seconds since 1970; raises InvalidRecordError."""
    return convert.instant(value, field, UTC, ("epoch",))


def seconds_after(start: datetime | None, seconds: float | None) -> datetime | None:
    """The end of a span; None if its start or its length is unknown."""
    return None if start is None or seconds is None else start + timedelta(seconds=seconds)
