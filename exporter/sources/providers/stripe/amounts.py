"""Stripe's minor currency units, and the monthly value of a subscription.

The currencies with zero and three decimals are those of Stripe's own list, which keeps two decimals for ISK and UGX.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from exporter.errors import InvalidRecordError, Reason
from exporter.sources.parsing import convert

_NO_DECIMALS = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())  # noqa: SIM905
_THREE_DECIMALS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})

_MONTHS = {
    "day": Decimal(12) / Decimal("365.25"),
    "week": Decimal(84) / Decimal("365.25"),
    "month": Decimal(1),
    "year": Decimal(12),
}
_FREE = frozenset({"trialing", "incomplete", "incomplete_expired", "paused"})
"""States in which a subscription is not billed."""


@dataclass(frozen=True, slots=True)
class Coupon:
    """The value of a discount: a percentage, or an amount in minor units."""

    percent: Decimal
    amount: Decimal


def digits(currency: str | None) -> int:
    """Decimals of the currency's minor unit at Stripe."""
    if currency in _NO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def money(value: Any, field: str, currency: str | None) -> Decimal | None:
    """An amount in minor units as money; raises InvalidRecordError."""
    return convert.money(value, field, digits(currency))


def monthly(subscription: Mapping[str, Any], items: Iterable[Mapping[str, Any]], coupons: Iterable[Coupon]) -> Decimal:
    """The subscription's price for one month, in minor units, after its discounts.

    The sum over its items of price times quantity, divided by the months of the price's interval. Metered items count
    0, because their price is known only afterwards; so do paused collections, and trials, also ended ones that were
    never paid. A fixed discount applies to each invoice, so it is spread over the interval of the first item.
    """
    if subscription["status"] in _FREE or subscription.get("pause_collection") or _never_paid(subscription):
        return Decimal(0)
    licensed = [item for item in items if _recurring(item).get("usage_type", "licensed") == "licensed"]
    total = sum((_price(item) / _months(item) for item in licensed), Decimal(0))
    spread = _months(licensed[0]) if licensed else Decimal(1)
    for coupon in coupons:
        total = total * (1 - coupon.percent / 100) - coupon.amount / spread
    return max(total, Decimal(0))


def _never_paid(subscription: Mapping[str, Any]) -> bool:
    """Whether the subscription ended with its trial or before."""
    trial_end, ended_at = subscription.get("trial_end"), subscription.get("ended_at")
    return trial_end is not None and ended_at is not None and int(ended_at) <= int(trial_end)


def coupon(row: Mapping[str, Any]) -> Coupon:
    """A coupon of the API."""
    percent = convert.money(row.get("percent_off"), "percent_off") or Decimal(0)
    return Coupon(percent, convert.money(row.get("amount_off"), "amount_off") or Decimal(0))


def _recurring(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The interval of an item's price; before 2020 it was part of the plan."""
    price = item.get("price") or {}
    recurring: Mapping[str, Any] | None = price.get("recurring") or item.get("plan")
    if not recurring:
        raise InvalidRecordError(Reason.SCHEMA, "recurring")
    return recurring


def _months(item: Mapping[str, Any]) -> Decimal:
    recurring = _recurring(item)
    try:
        return _MONTHS[recurring["interval"]] * Decimal(recurring["interval_count"])
    except KeyError:
        raise InvalidRecordError(Reason.UNKNOWN_VALUE, "interval") from None


def _price(item: Mapping[str, Any]) -> Decimal:
    """Price times quantity in minor units."""
    price = item.get("price") or item["plan"]
    quantity = Decimal(item.get("quantity", 1) or 0)
    package = price.get("transform_quantity") or price.get("transform_usage")  # the latter in a plan
    if package and price.get("billing_scheme") != "tiered":
        packages, remainder = divmod(quantity, Decimal(package["divide_by"]))
        quantity = packages + (1 if remainder and package["round"] == "up" else 0)
    if price.get("billing_scheme") == "tiered":
        return _tiered(price, quantity)
    return quantity * _unit(price, "unit_amount" if "unit_amount" in price else "amount")


def _unit(price: Mapping[str, Any], name: str) -> Decimal:
    exact = price.get(f"{name}_decimal")
    return convert.money(exact if exact is not None else price.get(name), name) or Decimal(0)


def _tiered(price: Mapping[str, Any], quantity: Decimal) -> Decimal:
    """Graduated tiers charge each part of the quantity at the tier's price, volume tiers all of it at one price.

    Raises InvalidRecordError(MISSING_FIELD) if the response has no tiers.
    """
    tiers = price.get("tiers")
    if not tiers:
        raise InvalidRecordError(Reason.MISSING_FIELD, "tiers")
    total, below = Decimal(0), Decimal(0)
    for tier in tiers:
        top = Decimal(tier["up_to"]) if tier["up_to"] is not None else quantity
        unit, flat = _unit(tier, "unit_amount"), _unit(tier, "flat_amount")
        last = quantity <= top
        if price.get("tiers_mode") == "volume":
            if last:
                return quantity * unit + flat
            continue
        total += (min(quantity, top) - below) * unit + flat
        below = top
        if last:
            return total
    return total
