"""One pass over an entity of Stripe: a whole list, or what the events of the last days hint at.

No list has a filter on the time of change. Events do tell of changes, for thirty days, but in the shape of the
API version in which they were made, and late: so each only names an object, which is then read again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from exporter.errors import InvalidRecordError, Reason
from exporter.passes import Listing, Page, Pass
from exporter.records import ENTITIES, Record
from exporter.sources.cursor import changes_since, next_cursor
from exporter.sources.provider import page_of
from exporter.sources.providers.stripe.amounts import monthly
from exporter.sources.providers.stripe.api import ROWS, StripeApi
from exporter.sources.providers.stripe.payloads import invoice, payment, subscription

LAG = timedelta(seconds=60)
"""How late an event may come."""
KEPT = timedelta(days=29)
"""How long events can be asked for; Stripe says 30 days."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Where an entity is listed, with which parameters, and which events tell of it."""

    path: str
    params: Mapping[str, str]
    events: tuple[str, ...]
    within: str
    """The type of object that an event must hold."""


KINDS: Mapping[str, Kind] = {
    "subscriptions": Kind(
        "/v1/subscriptions",
        {"status": "all", "expand[0]": "data.discounts"},
        ("customer.subscription.*",),
        "subscription",
    ),
    "invoices": Kind("/v1/invoices", {}, ("invoice.*",), "invoice"),
    "payments": Kind("/v1/charges", {}, ("charge.*",), "charge"),
}


class Reading:
    """The pages of one pass. Made anew for each."""

    def __init__(self, api: StripeApi, sync_pass: Pass, now: datetime, lookback: timedelta) -> None:
        self._api = api
        self._sync_pass = sync_pass
        self._now = now
        self._lookback = lookback
        self._kind = KINDS[sync_pass.entity]

    async def pages(self) -> AsyncIterator[Page]:
        """All pages; a cursor older than the events reach makes it a full pass."""
        since = self._since()
        pages = self._listed() if since is None else self._changed(since)
        async for page in pages:
            yield page

    def _since(self) -> datetime | None:
        since = changes_since(self._sync_pass, self._lookback)
        return since if since is not None and since > self._sync_pass.started_at - KEPT else None

    async def _listed(self) -> AsyncIterator[Page]:
        async for batch in self._api.pages(self._kind.path, self._kind.params, self._sync_pass.resume):
            last = batch.following is None
            yield await self._page(list(batch.rows), batch.following, listed=last, last=last)

    async def _changed(self, since: datetime) -> AsyncIterator[Page]:
        """Newest first, and so with a cursor only when all events of the span have been followed.

        The span is the pass's own, so its events name the same objects in the same order when it is taken up again.
        """
        names = await self._named(since)
        begin = names.index(self._sync_pass.resume) + 1 if self._sync_pass.resume in names else 0
        for start in range(begin, len(names), ROWS):
            keys = names[start : start + ROWS]
            yield await self._page([await self._read(key) for key in keys], keys[-1], listed=False, last=False)
        yield await self._page([], None, listed=False, last=True)

    async def _named(self, since: datetime) -> list[str]:
        params = {f"types[{place}]": name for place, name in enumerate(self._kind.events)}
        span = {
            "created[gte]": str(int(since.timestamp())),
            "created[lte]": str(int(self._sync_pass.started_at.timestamp())),
        }
        found: dict[str, None] = {}
        async for batch in self._api.pages("/v1/events", {**params, **span}):
            for event in batch.rows:
                thing = event["data"]["object"]
                if thing.get("object") == self._kind.within and thing.get("id"):
                    found[thing["id"]] = None
                elif self._sync_pass.entity == "payments" and isinstance(thing.get("charge"), str):
                    found[thing["charge"]] = None  # a refund or a dispute names the charge it is about
        return list(found)

    async def _read(self, key: str) -> Mapping[str, Any]:
        expand = "?expand[0]=discounts" if self._sync_pass.entity == "subscriptions" else ""
        found = await self._api.one(f"{self._kind.path}/{key}{expand}")
        return found if found is not None else {"id": key, "deleted": True}

    async def _page(self, rows: list[Any], resume: str | None, *, listed: bool, last: bool) -> Page:
        if self._sync_pass.entity == "subscriptions":
            rows = [await self._priced(row) for row in rows]
        page = page_of(rows, self._record, self._now, resume=resume)
        cursor = (
            next_cursor(self._sync_pass, self._sync_pass.started_at, skew=self._api.skew, lag=LAG) if last else None
        )
        return replace(page, cursor=cursor, listing=Listing() if listed else None)

    async def _priced(self, row: Any) -> Any:
        """The row with what it is worth a month, or with the reason why that cannot be said."""
        if not isinstance(row, dict) or row.get("deleted") or not row.get("livemode"):
            return row
        try:
            minor = monthly(row, await self._api.items(row), await self._api.coupons(row))
        except (InvalidRecordError, AttributeError, KeyError, TypeError, ValueError) as error:
            return {**row, "_refused": error}  # raised again where rows are taken or rejected
        return {**row, "_monthly": minor}

    def _record(self, row: Mapping[str, Any]) -> Record | None:
        if row.get("deleted") or row.get("status") == "deleted":  # the latter of old API versions
            return ENTITIES[self._sync_pass.entity](id=str(row["id"]), deleted=True)
        if self._sync_pass.entity == "invoices":
            return invoice(row)
        if self._sync_pass.entity == "payments":
            return payment(row)
        if not row["livemode"]:
            return None
        if "_refused" in row:
            raise row["_refused"]
        if "_monthly" not in row:
            raise InvalidRecordError(Reason.MISSING_FIELD, "monthly_amount")
        return subscription(row, row["_monthly"])
