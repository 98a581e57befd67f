"""Stripe's lists and objects: the requests of a pass, and what errors mean."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exporter.errors import (
    InvalidRecordError,
    RateLimitedError,
    Reason,
    SourceError,
    SourceRejectedError,
    SourceUnavailableError,
)
from exporter.sources.http.client import ApiResponse, SourceClient
from exporter.sources.http.pagination import ListRequest, PageRequest, VendorPage, walk
from exporter.sources.provider import error_body
from exporter.sources.providers.stripe.amounts import Coupon, coupon

ROWS = 100
"""The largest page that Stripe returns."""


def classify(status: int, headers: Mapping[str, str], body: bytes) -> SourceError | None:
    """What Stripe says beyond the status: a temporary lock, its advice on retries, permissions of the key."""
    if status == 429 and b"lock_timeout" in body:
        return RateLimitedError("the object is locked by another request", 1.0)
    if status == 409 or headers.get("stripe-should-retry") == "true":
        return SourceUnavailableError(Reason.SERVER_ERROR, "Stripe asks to try again")
    if status >= 500 and headers.get("stripe-should-retry") == "false":
        return SourceRejectedError(Reason.BAD_REQUEST, f"Stripe failed and asks not to try again ({status})")
    if status == 403:
        return SourceRejectedError(Reason.FORBIDDEN, f"the key lacks a permission: {_permission(body)}")
    return None


def _permission(body: bytes) -> str:
    """The permission that Stripe names, such as rak_invoice_read; never the key, which its message may contain."""
    try:
        message = str(error_body(body)["error"]["message"])
    except (KeyError, TypeError):
        return "grant read access to what this entity needs"
    names = (name.strip("'\".,`") for name in message.split())
    return next((name for name in names if name.startswith("rak_") and len(name) < 60), "grant read access to it")


@dataclass(frozen=True, slots=True)
class _StripePages:
    """Pages by the id of the last object, newest first."""

    shifts: bool = False

    def request(self, position: str | None) -> PageRequest:
        size = {"limit": str(ROWS)}
        return PageRequest(size | ({"starting_after": position} if position else {}))

    def following(self, response: ApiResponse, rows: int, position: str | None) -> str | None:  # noqa: ARG002
        return str(rows_of(response)[-1]["id"]) if response.body["has_more"] and rows else None


def rows_of(response: ApiResponse) -> Sequence[Any]:
    """The objects of a list; raises SourceRejectedError(SCHEMA) for anything else."""
    body = response.body
    if not isinstance(body, dict) or not isinstance(body.get("data"), list) or "has_more" not in body:
        raise SourceRejectedError(Reason.SCHEMA, "the response is not a Stripe list")
    rows: Sequence[Any] = body["data"]
    return rows


class StripeApi:
    """The lists and objects of one account, for one pass."""

    def __init__(self, client: SourceClient, version: str) -> None:
        self._client = client
        self._headers = {"stripe-version": version}
        self._coupons: dict[str, Mapping[str, Any] | None] = {}

    @property
    def skew(self) -> float:
        """The vendor's clock minus ours, in seconds."""
        return self._client.skew

    def pages(self, path: str, params: Mapping[str, str], position: str | None = None) -> AsyncIterator[VendorPage]:
        """The pages of a list after the object with an id."""
        return walk(self._client, ListRequest(path, params, _StripePages(), rows_of, headers=self._headers), position)

    async def probe(self, path: str) -> None:
        """Requests one object of a list; raises SourceError if it may not be read."""
        params = {"limit": "1", **({"status": "all"} if path == "/v1/subscriptions" else {})}
        rows_of(await self._client.get(path, params, self._headers))

    async def read_object(self, path: str) -> Mapping[str, Any] | None:
        """One object; None if it no longer exists."""
        try:
            response = await self._client.get(path, headers=self._headers)
        except SourceRejectedError as error:
            if error.reason is Reason.NOT_FOUND:
                return None
            raise
        if not isinstance(response.body, dict):
            raise SourceRejectedError(Reason.SCHEMA, f"{path}: not an object")
        return response.body

    async def items(self, row: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """All items of a subscription, which embeds only their first page and no tiers of their prices."""
        embedded = row["items"]
        items: Sequence[Mapping[str, Any]] = embedded["data"]
        tiered = any((item.get("price") or {}).get("billing_scheme") == "tiered" for item in items)
        if not embedded.get("has_more") and not tiered:
            return items
        params = {"subscription": str(row["id"]), **({"expand[0]": "data.price.tiers"} if tiered else {})}
        return [item async for batch in self.pages("/v1/subscription_items", params) for item in batch.rows]

    async def coupons(self, row: Mapping[str, Any]) -> list[Coupon]:
        """The coupons of a subscription's recurring discounts; those of a single invoice are left out.

        Raises InvalidRecordError(MISSING_FIELD) for a deleted coupon: it still applies, but its value is unknown.
        """
        discounts = row.get("discounts") or ([row["discount"]] if row.get("discount") else [])
        coupons = []
        for discount in discounts:
            reference = discount.get("coupon") or (discount.get("source") or {}).get("coupon")
            details = await self._coupon(reference) if isinstance(reference, str) else reference
            if isinstance(reference, str) and details is None:
                raise InvalidRecordError(Reason.MISSING_FIELD, "coupon")
            if details and details.get("duration") != "once":
                coupons.append(coupon(details))
        return coupons

    async def _coupon(self, coupon_id: str) -> Mapping[str, Any] | None:
        """A coupon, cached for the pass, since many subscriptions have the same one."""
        if coupon_id not in self._coupons:
            self._coupons[coupon_id] = await self.read_object(f"/v1/coupons/{coupon_id}")
        return self._coupons[coupon_id]
