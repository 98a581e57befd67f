"""The rest provider: any JSON API, described in the config."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from exporter.config.sources.rest import Deleted, RestEntity, RestOptions
from exporter.errors import IncompletePassError, Reason, SourceRejectedError
from exporter.passes import Listing, Page, Pass
from exporter.records import Record
from exporter.sources.access_check import check_access
from exporter.sources.base import Access, SourceContext
from exporter.sources.cursor import next_instant
from exporter.sources.http.client import ApiResponse, SourceClient
from exporter.sources.http.pagination import ListRequest, VendorPage, walk
from exporter.sources.parsing.column_map import RecordMap
from exporter.sources.parsing.json_path import ABSENT, find, getter
from exporter.sources.parsing.plausibility import latest_plausible
from exporter.sources.parsing.rows import ParsedRows, parse_rows
from exporter.sources.provider import ProviderSource
from exporter.sources.providers.rest_options import authenticator, paginator, since_params


def create(options: RestOptions, context: SourceContext) -> RestSource:
    """The source that the options describe."""
    auth = authenticator(options, context)
    return RestSource(options, context, SourceClient(options, options.base_url, auth, context))


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a pass over an entity has come; the resume token is its JSON."""

    listing: int = 0
    position: str | None = None
    latest: tuple[str | None, ...] = ()
    rows: int = 0
    totals: tuple[int, ...] = ()
    """The smallest and the last number of rows that the vendor promised for this listing."""
    shifted: bool = False

    def token(self) -> str:
        return json.dumps([self.listing, self.position, self.latest, self.rows, self.totals, self.shifted])

    @classmethod
    def of(cls, token: str | None, listings: int) -> _Place:
        if token is None:
            return cls(latest=(None,) * listings)
        listing, position, latest, rows, totals, shifted = json.loads(token)
        return cls(listing, position, tuple(latest), rows, tuple(totals), shifted)

    def after(self, batch: VendorPage, total: int | None, latest: datetime | None) -> _Place:
        """The place after one page of the current listing."""
        shifted = self.shifted or bool(self.totals and total is not None and total != self.totals[-1])
        totals = self.totals if total is None else (min([total, *self.totals]), total)
        known = list(self.latest)
        if latest is not None:
            known[self.listing] = max(latest.isoformat(), known[self.listing] or "")
        return _Place(self.listing, batch.following, tuple(known), self.rows + len(batch.rows), totals, shifted)

    def next_listing(self) -> _Place:
        return _Place(self.listing + 1, None, self.latest, shifted=self.shifted)


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
        """Pages of all listings of the entity; the last one carries cursor and listing."""
        listings = self._listings[sync_pass.entity]
        known = _Cursor.of(sync_pass.cursor, len(listings))
        place = _Place.of(sync_pass.resume, len(listings))
        while place.listing < len(listings):
            listing = listings[place.listing]
            since = known.since[place.listing]
            async for batch in walk(self._client, listing.listed(since, sync_pass.started_at), place.position):
                page, place = listing.page(batch, place)
                if batch.following is not None:
                    yield page
            place = place.next_listing()
            if place.listing < len(listings):
                yield replace(page, resume=place.token())
        yield self._last(page, sync_pass, known, place)

    def _last(self, page: Page, sync_pass: Pass, known: _Cursor, place: _Place) -> Page:
        listings = self._listings[sync_pass.entity]
        full = all(since is None for since in known.since)
        complete = full and not place.shifted and all(listing.options.complete for listing in listings)
        return replace(
            page,
            resume=None,
            cursor=self._cursor(sync_pass, known, place.latest),
            listing=Listing() if complete else None,
        )

    def _cursor(self, sync_pass: Pass, known: _Cursor, latest: Sequence[str | None]) -> str | None:
        """Where the next pass starts in each listing; None if none of them can be asked for changes."""
        instants: list[str | None] = []
        for previous, change, listing in zip(known.since, latest, self._listings[sync_pass.entity], strict=True):
            reached = datetime.fromisoformat(change) if change else (previous or sync_pass.started_at)
            instant = next_instant(sync_pass, previous, reached, skew=self._client.skew, lag=self.lag)
            instants.append(instant.astimezone(UTC).isoformat() if instant and listing.options.since else None)
        return json.dumps(instants) if any(instants) else None

    async def check(self) -> tuple[Access, ...]:
        """Asks for the first page of every listing."""
        found: dict[str, Access] = {}
        now = self._context.clock()
        for listing in (one for several in self._listings.values() for one in several):
            options = listing.options
            probe = anext(walk(self._client, listing.listed(now, now)))
            tried = await check_access(options.entity, f"read access to {options.path}", probe)
            if tried.entity not in found or not tried.allowed:
                found[tried.entity] = tried
        return tuple(found.values())


class _RestListing:
    """One listing of the API: how it is asked for and how its rows become records."""

    def __init__(self, options: RestEntity, source: RestOptions, context: SourceContext, lookback: timedelta) -> None:
        self.options = options
        self._lookback = lookback
        self._source = source
        self._context = context
        self._map = RecordMap(options.entity, options.columns, context.zone, getter)
        self._paginator = paginator(options, source)

    def listed(self, since: datetime | None, until: datetime) -> ListRequest:
        """What to walk through, from a moment of change on."""
        params = dict(self.options.params)
        if since is not None:
            params |= since_params(self.options, since - self._lookback, until)
        return ListRequest(
            self.options.path, params, self._paginator, self._rows, self.options.max_pages, self._source.headers
        )

    def _rows(self, response: ApiResponse) -> Sequence[Any]:
        rows = find(response.body, self.options.records) if self.options.records else response.body
        if isinstance(rows, list):
            return rows
        if rows in (None, ABSENT) and not self.options.empty_is_error:
            return ()
        where = self.options.records or "the answer"
        raise SourceRejectedError(Reason.SCHEMA, f"{self.options.path}: {where} is not a list of rows")

    def page(self, batch: VendorPage, place: _Place) -> tuple[Page, _Place]:
        """The page's records, and the place after it. Raises IncompletePassError(CAPPED) on a short listing."""
        taken = self._taken(batch.rows)
        total = find(batch.response.body, self.options.total) if self.options.total else None
        after = place.after(
            batch, total if isinstance(total, int) else None, latest_change(taken.records, self._context.clock())
        )
        if batch.following is None and after.totals and after.rows < after.totals[0]:
            text = f"{self.options.path}: {after.totals[0]} rows promised, {after.rows} given"
            raise IncompletePassError(Reason.CAPPED, text)
        promised = after.totals[-1] if after.totals else None
        return Page(taken.records, taken.rejected, resume=after.token(), total=promised), after

    def _taken(self, rows: Sequence[Any]) -> ParsedRows:
        rule = self.options.deleted
        gone = [row for row in rows if _is_deleted(row, rule)] if rule else []
        living = [row for row in rows if not _is_deleted(row, rule)] if rule and gone else rows
        alive, dead = self._map.parse(living, _where), parse_rows(gone, self._map.tombstone, _where)
        return ParsedRows(alive.records + dead.records, alive.rejected + dead.rejected)


def _is_deleted(row: Any, rule: Deleted) -> bool:
    value = find(row, rule.field)
    if rule.equals is None:
        return value is not ABSENT and bool(value)
    return bool(value == rule.equals)


def _where(place: int) -> str:
    return f"row {place}"


def latest_change(records: Sequence[Record], now: datetime) -> datetime | None:
    """The latest moment of change among records; where a record was never changed, of its beginning."""
    return latest_plausible((record.updated_at or _beginning(record) for record in records), now)


_BEGINNINGS = ("created_at", "started_at", "issued_at", "paid_at", "answered_at", "at")


def _beginning(record: Record) -> datetime | None:
    found = (getattr(record, name, None) for name in _BEGINNINGS)
    return next((time for time in found if time is not None), None)


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Up to where each listing has been read; None: read everything."""

    since: tuple[datetime | None, ...]

    @classmethod
    def of(cls, text: str | None, listings: int) -> _Cursor:
        """The stored cursor; one of another number of listings is of no use."""
        found = json.loads(text) if text else []
        if len(found) != listings:
            return cls((None,) * listings)
        return cls(tuple(datetime.fromisoformat(at) if at else None for at in found))
