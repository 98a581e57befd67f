"""One pass over an entity of Stripe: a full list, or the objects that the events of the last days name.

No list can be filtered by time of change. Events report changes for thirty days, but late, and in the shape of the
API version in which they were created: so an event only names an object, which is then read.
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
from exporter.sources.provider import page_of, record_id
from exporter.sources.providers.stripe.amounts import monthly
from exporter.sources.providers.stripe.api import ROWS, StripeApi
from exporter.sources.providers.stripe.payloads import invoice, payment, subscription

LAG = timedelta(seconds=60)
"""How late an event may appear."""
EVENTS_LISTED = timedelta(days=29)
"""How long events are listed; Stripe documents 30 days."""


@dataclass(frozen=True, slots=True)
class StripeEntity:
    """The list of an entity, its parameters, and the events that report its changes."""

    path: str
    params: Mapping[str, str]
    events: str
    object_type: str
    """The type of the object that such an event contains."""


STRIPE_ENTITIES: Mapping[str, StripeEntity] = {
    "subscriptions": StripeEntity(
        "/v1/subscriptions",
        {"status": "all", "expand[0]": "data.discounts"},
        "customer.subscription.*",
        "subscription",
    ),
    "invoices": StripeEntity("/v1/invoices", {}, "invoice.*", "invoice"),
    "payments": StripeEntity("/v1/charges", {}, "charge.*", "charge"),
}


class StripeReader:
    """The pages of one pass."""

    def __init__(self, api: StripeApi, sync_pass: Pass, lookback: timedelta) -> None:
        self._api = api
        self._sync_pass = sync_pass
        self._lookback = lookback
        self._entity = STRIPE_ENTITIES[sync_pass.entity]

    def pages(self) -> AsyncIterator[Page]:
        """All pages. A cursor older than the listed events causes a full pass."""
        since = changes_since(self._sync_pass, self._lookback)
        if since is None or since <= self._sync_pass.started_at - EVENTS_LISTED:
            return self._listed()
        return self._changed(since)

    async def _listed(self) -> AsyncIterator[Page]:
        async for batch in self._api.pages(self._entity.path, self._entity.params, self._sync_pass.resume):
            page = await self._page(list(batch.rows), batch.following)
            yield page if batch.following is not None else replace(self._last(page), listing=Listing())

    async def _changed(self, since: datetime) -> AsyncIterator[Page]:
        """The objects that events name. Events come newest first, so only the last page may carry a cursor.

        The time span belongs to the pass, so a resumed pass finds the same objects in the same order.
        """
        ids = await self._changed_ids(since)
        begin = ids.index(self._sync_pass.resume) + 1 if self._sync_pass.resume in ids else 0
        for start in range(begin, len(ids), ROWS):
            page_ids = ids[start : start + ROWS]
            yield await self._page([await self._read(object_id) for object_id in page_ids], page_ids[-1])
        yield self._last(Page(()))

    async def _changed_ids(self, since: datetime) -> list[str]:
        params = {
            "types[0]": self._entity.events,
            "created[gte]": str(int(since.timestamp())),
            "created[lte]": str(int(self._sync_pass.started_at.timestamp())),
        }
        ids: dict[str, None] = {}
        async for batch in self._api.pages("/v1/events", params):
            for event in batch.rows:
                payload = event["data"]["object"]
                if payload.get("object") == self._entity.object_type and payload.get("id"):
                    ids[payload["id"]] = None
                elif self._sync_pass.entity == "payments" and isinstance(payload.get("charge"), str):
                    ids[payload["charge"]] = None  # a refund or a dispute names its charge
        return list(ids)

    async def _read(self, object_id: str) -> Mapping[str, Any]:
        expand = "?expand[0]=discounts" if self._sync_pass.entity == "subscriptions" else ""
        row = await self._api.read_object(f"{self._entity.path}/{object_id}{expand}")
        return row if row is not None else {"id": object_id, "deleted": True}

    async def _page(self, rows: list[Any], resume: str | None) -> Page:
        if self._sync_pass.entity == "subscriptions":
            rows = [await self._priced(row) for row in rows]
        return page_of(rows, self._record, resume=resume)

    def _last(self, page: Page) -> Page:
        cursor = next_cursor(self._sync_pass, self._sync_pass.started_at, skew=self._api.skew, lag=LAG)
        return replace(page, cursor=cursor)

    async def _priced(self, row: Any) -> Any:
        """The row with its monthly value, or with the error that prevents calculating it."""
        if not isinstance(row, dict) or row.get("deleted") or not row.get("livemode"):
            return row
        try:
            minor = monthly(row, await self._api.items(row), await self._api.coupons(row))
        except (InvalidRecordError, AttributeError, KeyError, TypeError, ValueError) as error:
            return {**row, "_error": error}  # raised when the row is converted
        return {**row, "_monthly": minor}

    def _record(self, row: Mapping[str, Any]) -> Record | None:
        if row.get("deleted") or row.get("status") == "deleted":  # the latter in old API versions
            return ENTITIES[self._sync_pass.entity](id=record_id(row), deleted=True)
        if self._sync_pass.entity == "invoices":
            return invoice(row)
        if self._sync_pass.entity == "payments":
            return payment(row)
        if not row["livemode"]:
            return None
        if "_error" in row:
            raise row["_error"]
        if "_monthly" not in row:
            raise InvalidRecordError(Reason.MISSING_FIELD, "monthly_amount")
        return subscription(row, row["_monthly"])
