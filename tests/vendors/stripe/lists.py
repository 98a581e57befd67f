"""The objects of each of Stripe's lists, newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from starlette.datastructures import QueryParams

from tests.vendors.stripe import payloads
from tests.vendors.stripe.books import Books
from tests.vendors.stripe.events import DELAY, RETENTION, events
from tests.vendors.stripe.ledger import Charge, Contract

ALL = "all"

Row = dict[str, Any]
ListedObject = tuple[str, int, Callable[[], Row]]
"""An object's id, its creation time, and a function that builds its row: a page needs only a few rows."""


def _contracts(books: Books, now: int) -> list[Contract]:
    return [contract for contract in reversed(books.contracts.records) if contract.exists(now)]


def _charges(books: Books, now: int) -> list[Charge]:
    return [charge for charge in reversed(books.charges) if charge.exists(now)]


def _customers(books: Books, now: int, _: QueryParams) -> list[ListedObject]:
    return [
        (payloads.key("cus", contract.id), contract.created_at, partial(payloads.customer, contract))
        for contract in _contracts(books, now)
    ]


def _subscriptions(books: Books, now: int, query: QueryParams) -> list[ListedObject]:
    """Subscriptions; ended ones only if the status asks for them."""
    expanded = any(value.endswith("discounts") for name, value in query.multi_items() if name.startswith("expand"))
    requested_status = query.get("status")
    objects: list[ListedObject] = []
    for contract in _contracts(books, now):
        status = payloads.state(contract, now, overdue=books.overdue(contract, now))
        if requested_status in {ALL, status} or (requested_status is None and status != "canceled"):
            build_row = partial(payloads.subscription, contract, now, status=status, expanded=expanded)
            objects.append((payloads.key("sub", contract.id), contract.created_at, build_row))
    return objects


def _subscription_items(books: Books, now: int, query: QueryParams) -> list[ListedObject]:
    contracts = [
        contract for contract in _contracts(books, now) if payloads.key("sub", contract.id) == query.get("subscription")
    ]
    return _as_objects(row for contract in contracts for row in payloads.items(contract, now))


def _coupons(books: Books, now: int, _: QueryParams) -> list[ListedObject]:
    rows = [row for contract in _contracts(books, now) if (row := payloads.coupon(contract)) is not None]
    return _as_objects({row["id"]: row for row in rows}.values())


def _invoices(books: Books, now: int, query: QueryParams) -> list[ListedObject]:
    requested_status = query.get("status", ALL)
    return [
        (payloads.key("in", bill.id), bill.created_at, partial(payloads.invoice, bill, now))
        for bill in reversed(books.bills.records)
        if bill.exists(now) and requested_status in {ALL, bill.status(now)}
    ]


def _charge_list(books: Books, now: int, _: QueryParams) -> list[ListedObject]:
    return [
        (payloads.key("ch", charge.id), charge.attempt.at, partial(payloads.charge, charge, now))
        for charge in _charges(books, now)
    ]


def _refunds(books: Books, now: int, _: QueryParams) -> list[ListedObject]:
    rows = [
        payloads.refund(charge, index)
        for charge in _charges(books, now)
        for index, refund in enumerate(charge.refunds)
        if refund.at <= now
    ]
    return _as_objects(sorted(rows, key=lambda row: (row["created"], row["id"]), reverse=True))


def _events(books: Books, now: int, query: QueryParams) -> list[ListedObject]:
    """Events of the last thirty days with the requested types, except those of the last seconds."""
    requested_types = [value for name, value in query.multi_items() if name == "type" or name.startswith("types[")]
    since = max(int(query.get("created[gte]", "0")), now - RETENTION)
    rows = (event.row() for event in events(books, since, now - DELAY))
    return _as_objects(row for row in rows if not requested_types or _matches(row["type"], requested_types))


def _matches(kind: str, requested_types: Iterable[str]) -> bool:
    return any(kind == name or (name.endswith(".*") and kind.startswith(name[:-1])) for name in requested_types)


def _as_objects(rows: Iterable[Row]) -> list[ListedObject]:
    return [(row["id"], row["created"], row.copy) for row in rows]


LISTS: Mapping[str, Callable[[Books, int, QueryParams], list[ListedObject]]] = MappingProxyType(
    {
        "charges": _charge_list, "coupons": _coupons, "customers": _customers, "events": _events,
        "invoices": _invoices, "refunds": _refunds, "subscription_items": _subscription_items,
        "subscriptions": _subscriptions,
    }
)  # fmt: skip
"""By resource: the objects that exist at an instant and match the query."""
