"""The rest provider: any JSON API that the config describes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from exporter.config.sources import rest as config
from exporter.config.sources.base import Bearer
from exporter.config.sources.rest import Deleted, RestEntity, RestOptions
from exporter.errors import IncompletePassError, Reason, SourceRejectedError
from exporter.passes import Listing, Page, Pass
from exporter.records import Record
from exporter.sources.access_check import check_access
from exporter.sources.base import Access, SourceContext
from exporter.sources.cursor import StoredPosition, next_instant
from exporter.sources.http.auth import (
    Authenticator,
    BasicAuthenticator,
    BearerAuthenticator,
    HeaderAuthenticator,
    QueryAuthenticator,
)
from exporter.sources.http.client import ApiResponse, SourceClient
from exporter.sources.http.oauth import OAuthAuthenticator
from exporter.sources.http.pagination import (
    CursorPaginator,
    LinkPaginator,
    ListRequest,
    NumberedPaginator,
    OffsetPaginator,
    PageSize,
    Paginator,
    SinglePagePaginator,
    VendorPage,
    walk,
)
from exporter.sources.parsing.column_map import RecordMap
from exporter.sources.parsing.json_path import ABSENT, find, getter
from exporter.sources.parsing.plausibility import latest_plausible
from exporter.sources.parsing.rows import ParsedRows, parse_rows
from exporter.sources.provider import ProviderSource

_START_COLUMNS = ("created_at", "started_at", "issued_at", "paid_at", "answered_at", "at")


def create(options: RestOptions, context: SourceContext) -> RestSource:
    """The source that the options describe; raises SourceRejectedError if its address is not allowed."""
    client = SourceClient(options, options.base_url, authenticator(options, context), context)
    return RestSource(options, context, client)


class RestSource(ProviderSource[RestOptions]):
    """Reads each entity from its listings, in their order in the config."""

    default_lookback = timedelta(minutes=5)

    def __init__(self, options: RestOptions, context: SourceContext, client: SourceClient) -> None:
        super().__init__(options, context, client)
        self.lag = max(listing.since.lag if listing.since else timedelta(0) for listing in options.entities)
        self._listings: dict[str, tuple[_RestListing, ...]] = {
            entity: tuple(
                _RestListing(listing, options, context, self._lookback)
                for listing in options.entities
                if listing.entity == entity
            )
            for entity in options.reads
        }

    async def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """Pages of all listings of the entity. The last one carries the cursor and the listing."""
        listings = self._listings[sync_pass.entity]
        cursors = _read_cursor(sync_pass.cursor, len(listings))
        progress = RestProgress(latest=(None,) * len(listings))
        if sync_pass.resume:
            progress = RestProgress.from_text(sync_pass.resume)
        while progress.index < len(listings):
            listing = listings[progress.index]
            request = listing.request(cursors[progress.index], sync_pass.started_at)
            async for vendor_page in walk(self._client, request, progress.position):
                page, progress = listing.page(vendor_page, progress)
                if vendor_page.following is not None:
                    yield page
            progress = RestProgress(progress.index + 1, None, progress.latest, shifted=progress.shifted)
            if progress.index < len(listings):
                yield replace(page, resume=progress.to_text())
        full = all(cursor is None for cursor in cursors)
        complete = full and not progress.shifted and all(listing.options.complete for listing in listings)
        cursor = self._next_cursor(sync_pass, cursors, progress.latest)
        yield replace(page, resume=None, cursor=cursor, listing=Listing() if complete else None)

    def _next_cursor(
        self, sync_pass: Pass, cursors: Sequence[datetime | None], latest: Sequence[str | None]
    ) -> str | None:
        """Where the next pass starts in each listing, as JSON; None if no listing has a filter for changes."""
        instants: list[str | None] = []
        for previous, change, listing in zip(cursors, latest, self._listings[sync_pass.entity], strict=True):
            reached = datetime.fromisoformat(change) if change else (previous or sync_pass.started_at)
            instant = next_instant(sync_pass, previous, reached, skew=self._client.skew, lag=self.lag)
            instants.append(instant.astimezone(UTC).isoformat() if instant and listing.options.since else None)
        return json.dumps(instants) if any(instants) else None

    async def check(self) -> tuple[Access, ...]:
        """Requests the first page of every listing. One that is denied decides for its entity."""
        results: dict[str, Access] = {}
        now = self._context.clock()
        for entity, listings in self._listings.items():
            for listing in listings:
                probe = anext(walk(self._client, listing.request(now, now)))
                access = await check_access(entity, f"read access to {listing.options.path}", probe)
                if entity not in results or not access.allowed:
                    results[entity] = access
        return tuple(results.values())


def _read_cursor(text: str | None, listings: int) -> tuple[datetime | None, ...]:
    """The stored instant of each listing; all None, for a full pass, if the number of listings has changed."""
    instants = json.loads(text) if text else []
    if len(instants) != listings:
        return (None,) * listings
    return tuple(datetime.fromisoformat(instant) if instant else None for instant in instants)


@dataclass(frozen=True, slots=True)
class RestProgress(StoredPosition):
    """How far a pass has read an entity's listings."""

    index: int = 0
    """The current listing."""
    position: str | None = None
    latest: tuple[str | None, ...] = ()
    """The latest change in each listing."""
    rows: int = 0
    """Rows read from the current listing."""
    totals: tuple[int, ...] = ()
    """The smallest and the latest total that the vendor reported for the current listing."""
    shifted: bool = False
    """Whether a total changed during the pass, so that rows may have moved past the reader."""

    def after(self, vendor_page: VendorPage, total: int | None, change: datetime | None) -> RestProgress:
        """The progress after one more page of the current listing."""
        shifted = self.shifted or bool(self.totals and total is not None and total != self.totals[-1])
        totals = self.totals if total is None else (min([total, *self.totals]), total)
        latest = list(self.latest)
        if change is not None:
            latest[self.index] = max(change.isoformat(), latest[self.index] or "")
        rows = self.rows + len(vendor_page.rows)
        return RestProgress(self.index, vendor_page.following, tuple(latest), rows, totals, shifted)


class _RestListing:
    """One listing of the API: how it is requested, and how its rows become records."""

    def __init__(self, options: RestEntity, source: RestOptions, context: SourceContext, lookback: timedelta) -> None:
        self.options = options
        self._lookback = lookback
        self._headers = source.headers
        self._context = context
        self._map = RecordMap(options.entity, options.columns, context.zone, getter)
        self._paginator = paginator(options, source)

    def request(self, since: datetime | None, until: datetime) -> ListRequest:
        """The request for changes since an instant, minus the lookback, or for everything."""
        params = dict(self.options.params)
        if since is not None:
            params |= since_params(self.options, since - self._lookback, until)
        return ListRequest(
            self.options.path, params, self._paginator, self._rows, self.options.max_pages, self._headers
        )

    def _rows(self, response: ApiResponse) -> Sequence[Any]:
        rows = find(response.body, self.options.records) if self.options.records else response.body
        if isinstance(rows, list):
            return rows
        if rows in (None, ABSENT) and not self.options.empty_is_error:
            return ()
        name = self.options.records or "the response"
        raise SourceRejectedError(Reason.SCHEMA, f"{self.options.path}: {name} is not a list of rows")

    def page(self, vendor_page: VendorPage, progress: RestProgress) -> tuple[Page, RestProgress]:
        """The page's records and the progress after it; raises IncompletePassError(CAPPED) on a short listing."""
        parsed = self._parse(vendor_page.rows)
        total = find(vendor_page.response.body, self.options.total) if self.options.total else None
        change = latest_change(parsed.records, self._context.clock())
        after = progress.after(vendor_page, total if isinstance(total, int) else None, change)
        if vendor_page.following is None and after.totals and after.rows < after.totals[0]:
            message = f"{self.options.path}: the vendor reported {after.totals[0]} rows and returned {after.rows}"
            raise IncompletePassError(Reason.CAPPED, message)
        reported = after.totals[-1] if after.totals else None
        return Page(parsed.records, parsed.rejected, resume=after.to_text(), total=reported), after

    def _parse(self, rows: Sequence[Any]) -> ParsedRows:
        rule = self.options.deleted
        deleted = [row for row in rows if _is_deleted(row, rule)] if rule else []
        existing = [row for row in rows if not _is_deleted(row, rule)] if rule and deleted else rows
        records, tombstones = self._map.parse(existing, "row {}".format), parse_rows(deleted, self._map.tombstone)
        return ParsedRows(records.records + tombstones.records, records.rejected + tombstones.rejected)


def _is_deleted(row: Any, rule: Deleted) -> bool:
    value = find(row, rule.field)
    if rule.equals is None:
        return value is not ABSENT and bool(value)
    return bool(value == rule.equals)


def latest_change(records: Sequence[Record], now: datetime) -> datetime | None:
    """The latest change among records; for a record without one, the time at which it began."""
    return latest_plausible((record.updated_at or _start(record) for record in records), now)


def _start(record: Record) -> datetime | None:
    instants = (getattr(record, name, None) for name in _START_COLUMNS)
    return next((instant for instant in instants if instant is not None), None)


def authenticator(options: RestOptions, context: SourceContext) -> Authenticator | None:
    """The authenticator of the `auth` section; None without one."""
    auth = options.auth
    match auth:
        case None:
            return None
        case Bearer():
            return BearerAuthenticator(auth.bearer, context)
        case config.BasicAuth():
            return BasicAuthenticator(auth.basic.user, auth.basic.password, context)
        case config.HeaderAuth():
            return HeaderAuthenticator(auth.header.name, auth.header.value, context)
        case config.QueryAuth():
            return QueryAuthenticator(auth.query.name, auth.query.value, context)
        case config.OAuthAuth():
            return OAuthAuthenticator(auth.oauth, options, context)


def paginator(listing: RestEntity, options: RestOptions) -> Paginator:
    """The paginator of a listing's `pagination` section."""
    pages = listing.pagination
    match pages:
        case config.CursorPages():
            return CursorPaginator(pages.cursor.path, pages.cursor.param, _size(pages.size), pages.cursor.more)
        case config.LinkPages():
            secrets = (options.auth.query.name,) if isinstance(options.auth, config.QueryAuth) else ()
            return LinkPaginator(pages.next_link.path, _size(pages.size), secrets)
        case config.NumberedPages():
            number = pages.page
            return NumberedPaginator(
                PageSize(pages.size.param, pages.size.rows), number.param, number.start, number.pages, listing.total
            )
        case config.OffsetPages():
            return OffsetPaginator(PageSize(pages.size.param, pages.size.rows), pages.offset.param, listing.total)
        case _:
            return SinglePagePaginator()


def _size(size: config.Size | None) -> PageSize | None:
    return PageSize(size.param, size.rows) if size else None


def since_params(listing: RestEntity, since: datetime, until: datetime) -> dict[str, str]:
    """The parameters for changes in [since, until), rounded down to the resolution of their format."""
    rule = listing.since
    if rule is None:
        return {}
    params = {rule.param: _format_instant(since, rule.format)}
    if rule.until is not None:
        params[rule.until] = _format_instant(until, rule.format)
    return params


def _format_instant(instant: datetime, style: str) -> str:
    instant = instant.astimezone(UTC)
    match style:
        case "iso":
            return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
        case "epoch":
            return str(int(instant.timestamp()))
        case "epoch_ms":
            return str(int(instant.timestamp() * 1000))
        case _:
            return instant.strftime(style)
