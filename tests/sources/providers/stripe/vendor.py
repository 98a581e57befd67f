"""Stripe in memory: lists newest first, lists inside lists, events that come late and are kept for 30 days."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from tests.sources.source_context import NOW

Row = dict[str, Any]

KEY = "rk_live_canary"
KINDS = {"subscriptions": "subscription", "invoices": "invoice", "charges": "charge", "coupons": "coupon"}


def price(amount: int | None = 2000, interval: str = "month", count: int = 1, **more: Any) -> Row:
    """A recurring price in minor units."""
    recurring = {"interval": interval, "interval_count": count, "usage_type": more.pop("usage_type", "licensed")}
    plain = {
        "id": "price_1",
        "object": "price",
        "nickname": "Team",
        "billing_scheme": "per_unit",
        "unit_amount": amount,
    }
    return {**plain, "unit_amount_decimal": None, "currency": "usd", "recurring": recurring, **more}


def item(of: Row | None = None, quantity: int | None = 1) -> Row:
    """An item of a subscription."""
    found = {"id": "si_1", "object": "subscription_item", "price": of or price()}
    return found if quantity is None else {**found, "quantity": quantity}


@dataclass
class Stripe:
    """One account. `before` may answer a request instead; `late` hides events younger than so many seconds."""

    page: int = 100
    late: float = 0
    before: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
    objects: dict[str, dict[str, Row]] = field(default_factory=lambda: {name: {} for name in KINDS})
    items: dict[str, list[Row]] = field(default_factory=dict)
    events: list[Row] = field(default_factory=list)
    log: list[httpx.Request] = field(default_factory=list)
    now: datetime = NOW

    def put(self, kind: str, key: str, at: datetime | None = None, **fields: Any) -> Row:
        """Creates or changes an object, which makes an event."""
        created = int((at or self.now - timedelta(days=40)).timestamp())
        known = self.objects[kind].get(key, {"id": key, "object": KINDS[kind], "livemode": True, "created": created})
        self.objects[kind][key] = {**known, **fields}
        self._event(kind, self.objects[kind][key])
        return self.objects[kind][key]

    def delete(self, kind: str, key: str) -> None:
        """Removes an object, which makes an event too."""
        self._event(kind, self.objects[kind].pop(key))

    def subscribe(self, key: str, items: list[Row], **fields: Any) -> None:
        """A subscription, with no more than one page of its items inside."""
        self.items[key] = items
        embedded = {"object": "list", "data": items[:10], "has_more": len(items) > 10}
        whole = {"status": "active", "currency": "usd", "customer": "cus_1", "discounts": [], "start_date": 1700000000}
        self.put("subscriptions", key, **{**whole, "items": embedded, "ended_at": None, **fields})

    def _event(self, kind: str, row: Row) -> None:
        prefix = {"subscriptions": "customer.subscription", "charges": "charge"}.get(kind, "invoice")
        created = int(self.now.timestamp())
        data = {"object": {"object": KINDS[kind], "id": row["id"]}}
        self.events.append(
            {"id": f"evt_{len(self.events):06}", "type": f"{prefix}.updated", "created": created, "data": data}
        )

    def transport(self) -> httpx.MockTransport:
        """The vendor without a network."""
        return httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The answer to one request."""
        self.log.append(request)
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return httpx.Response(401, json={"error": {"message": "Invalid API Key"}})
        special = self.before(request)
        if special is not None:
            return special
        if request.url.path == "/v1/events":
            return self._listed(self._events(request), request)
        if request.url.path == "/v1/subscription_items":
            return self._listed(list(self.items[request.url.params["subscription"]]), request)
        found = re.fullmatch(r"/v1/(\w+)(?:/(\w+))?", request.url.path)
        if found is None or found[1] not in self.objects:
            return httpx.Response(404, json={"error": {"code": "url_invalid"}})
        rows = self.objects[found[1]]
        if found[2] is not None:
            return httpx.Response(200, json=rows[found[2]]) if found[2] in rows else _missing()
        newest_first = sorted(rows.values(), key=lambda row: (row["created"], row["id"]), reverse=True)
        if found[1] == "subscriptions" and request.url.params.get("status") != "all":
            newest_first = [row for row in newest_first if row["status"] != "canceled"]
        return self._listed(newest_first, request)

    def _events(self, request: httpx.Request) -> list[Row]:
        asked = request.url.params
        types = [value.rstrip("*") for name, value in asked.items() if name.startswith("types")]
        visible = self.now.timestamp() - self.late
        oldest = (self.now - timedelta(days=30)).timestamp()
        low, high = int(asked.get("created[gte]", "0")), int(asked.get("created[lte]", "99999999999"))
        return [
            event
            for event in reversed(self.events)
            if max(low, oldest) <= event["created"] <= min(high, visible)
            and any(event["type"].startswith(name) for name in types)
        ]

    def _listed(self, rows: list[Row], request: httpx.Request) -> httpx.Response:
        size = min(int(request.url.params.get("limit", "10")), self.page)
        after = request.url.params.get("starting_after")
        start = next((place + 1 for place, row in enumerate(rows) if row["id"] == after), 0)
        data = rows[start : start + size]
        return httpx.Response(200, json={"object": "list", "data": data, "has_more": start + size < len(rows)})


def _missing() -> httpx.Response:
    return httpx.Response(404, json={"error": {"code": "resource_missing"}})
