"""The provider in front of the fake, and its passes."""

from __future__ import annotations

from typing import Any

from exporter.passes import Page
from exporter.sources.registry import create
from tests.sources.providers.stripe.vendor import KEY, Stripe
from tests.sources.source_context import FakeClock, options, pages_of, run, source_context


def source(vendor: Stripe, entity: str = "payments", **given: Any) -> Any:
    """The provider in front of the fake."""
    chosen = options(provider="stripe", key={"env": "KEY"}, entities=[entity], **given)
    return create(chosen, source_context(vendor.transport(), clock=FakeClock(vendor.now), KEY=KEY))


def read(vendor: Stripe, entity: str = "payments", cursor: str | None = None, **given: Any) -> list[Page]:
    """All pages of one pass now."""
    return run(pages_of(source(vendor, entity, **given), cursor, at=vendor.now))


def charge(vendor: Stripe, key: str, amount: int = 1000, currency: str = "usd", **fields: Any) -> None:
    """A charge that succeeded."""
    plain = {"amount": amount, "currency": currency, "status": "succeeded", "refunded": False, "amount_refunded": 0}
    vendor.put("charges", key, **{**plain, **fields})
