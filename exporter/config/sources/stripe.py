"""Options of the stripe provider."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from exporter.config.fields import SecretField
from exporter.config.sources.base import HttpOptions


class StripeOptions(HttpOptions):
    """Stripe billing: subscriptions with their monthly amount, invoices, and payments with their refunded amount."""

    provider: Literal["stripe"]
    key: SecretField
    """A restricted key that may read subscriptions, invoices, charges, coupons and events."""
    version: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}(\.[a-z]+)?$")] = "2026-06-24.dahlia"
    """The API version to request."""
    entities: Annotated[
        tuple[Literal["subscriptions", "invoices", "payments"], ...], Field(strict=False, min_length=1)
    ] = ("subscriptions", "invoices", "payments")
    """What to read."""
