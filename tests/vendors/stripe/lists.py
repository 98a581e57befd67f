"""What each of Stripe's lists holds, newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from starlette.datastructures import QueryParams

from tests.vendors.stripe import payloads
from tests.vendors.stripe.books import Books
from tests.vendors.stripe.events import KEPT, LATE, events
from tests.vendors.stripe.ledger import Charge, Contract

ALL = "all"

Row = dict[str, Any]
Made = tuple[str, int, Callable[[], Row]]
"""An object's id and its creation, and what shows it: pages show few of many."""


def _contracts(books: Books, now: int) -> list[Contract]:
    return [one for one in reversed(books.contracts.records) if one.exists(now)]


def _charges(books: Books, now: int) -> list[Charge]:
    return [one for one in reversed(books.charges) if one.exists(now)]


def _customers(books: Books, now: int, _: QueryParams) -> list[Made]:
    return [
        (payloads.key("cus", one.id), one.created_at, partial(payloads.customer, one)) for one in _contracts(books, now)
    ]


def _subscriptions(books: Books, now: int, query: QueryParams) -> list[Made]:
    """Without a status, those that ended are left out."""
    expanded = any(value.endswith("discounts") for name, value in query.multi_items() if name.startswith("expand"))
    asked = query.get("status")
    made: list[Made] = []
    for one in _contracts(books, now):
        status = payloads.state(one, now, overdue=books.overdue(one, now))
        if asked in {ALL, status} or (asked is None and status != "canceled"):
            show = partial(payloads.subscription, one, now, status=status, expanded=expanded)
            made.append((payloads.key("sub", one.id), one.created_at, show))
    return made


def _subscription_items(books: Books, now: int, query: QueryParams) -> list[Made]:
    wanted = [one for one in _contracts(books, now) if payloads.key("sub", one.id) == query.get("subscription")]
    return _shown(row for one in wanted for row in payloads.items(one, now))


def _coupons(books: Books, now: int, _: QueryParams) -> list[Made]:
    rows = [row for one in _contracts(books, now) if (row := payloads.coupon(one)) is not None]
    return _shown({row["id"]: row for row in rows}.values())


def _invoices(books: Books, now: int, query: QueryParams) -> list[Made]:
    asked = query.get("status", ALL)
    return [
        (payloads.key("in", one.id), one.created_at, partial(payloads.invoice, one, now))
        for one in reversed(books.bills.records)
        if one.exists(now) and asked in {ALL, one.status(now)}
    ]


def _charges_made(books: Books, now: int, _: QueryParams) -> list[Made]:
    return [
        (payloads.key("ch", one.id), one.attempt.at, partial(payloads.charge, one, now)) for one in _charges(books, now)
    ]


def _refunds(books: Books, now: int, _: QueryParams) -> list[Made]:
    rows = [
        payloads.refund(one, place)
        for one in _charges(books, now)
        for place, refund in enumerate(one.refunds)
        if refund.at <= now
    ]
    return _shown(sorted(rows, key=lambda row: (row["created"], row["id"]), reverse=True))


def _events(books: Books, now: int, query: QueryParams) -> list[Made]:
    """Those of thirty days, of the types asked for; the last seconds' are still to come."""
    wanted = [value for name, value in query.multi_items() if name == "type" or name.startswith("types[")]
    since = max(int(query.get("created[gte]", "0")), now - KEPT)
    rows = (event.row() for event in events(books, since, now - LATE))
    return _shown(row for row in rows if not wanted or _matches(row["type"], wanted))


def _matches(kind: str, wanted: Iterable[str]) -> bool:
    return any(kind == name or (name.endswith(".*") and kind.startswith(name[:-1])) for name in wanted)


def _shown(rows: Iterable[Row]) -> list[Made]:
    return [(row["id"], row["created"], row.copy) for row in rows]


LISTS: Mapping[str, Callable[[Books, int, QueryParams], list[Made]]] = MappingProxyType(
    {
        "charges": _charges_made, "coupons": _coupons, "customers": _customers, "events": _events,
        "invoices": _invoices, "refunds": _refunds, "subscription_items": _subscription_items,
        "subscriptions": _subscriptions,
    }
)  # fmt: skip
"""By resource: the objects that there are at an instant, as the query asks for them."""
