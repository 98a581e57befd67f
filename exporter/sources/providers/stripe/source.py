"""A Stripe account as a source."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

from exporter.config.sources.stripe import StripeOptions
from exporter.passes import Page, Pass
from exporter.sources.access_check import access
from exporter.sources.base import Access, SourceContext
from exporter.sources.http.auth import BearerAuth
from exporter.sources.http.client import Limits, SourceClient
from exporter.sources.provider import ProviderSource
from exporter.sources.providers.stripe.api import StripeApi, classify, rows_of
from exporter.sources.providers.stripe.reading import KINDS, LAG, Reading

BASE_URL = "https://api.stripe.com"
PER_SECOND = 20.0
"""A fifth of the hundred a second of live mode, and less than the 25 of one endpoint: payments come first."""

_NEEDS = {
    "subscriptions": (
        ("/v1/subscriptions", "Subscriptions"),
        ("/v1/coupons", "Coupons"),
        ("/v1/events", "Events"),
    ),
    "invoices": (("/v1/invoices", "Invoices"), ("/v1/events", "Events")),
    "payments": (("/v1/charges", "Charges and Refunds"), ("/v1/events", "Events")),
}


def create(options: StripeOptions, context: SourceContext) -> StripeSource:
    """The source that the options describe; raises SourceRejectedError where its address is not allowed."""
    base_url, auth = options.base_url or BASE_URL, BearerAuth(options.key, context)
    client = SourceClient(options, base_url, auth, context, limits=Limits(PER_SECOND), classify=classify)
    return StripeSource(options, context, client)


class StripeSource(ProviderSource[StripeOptions]):
    """Whole lists at first, then what events hint at."""

    lag = LAG
    default_lookback = timedelta(minutes=10)

    async def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """Pages of one pass over an entity."""
        api = StripeApi(self._client, self._options.version)
        async for page in Reading(api, sync_pass, self._context.clock(), self._lookback).pages():
            yield page

    async def _access(self, entity: str) -> Access:
        """Asks for one object of each list that the entity needs."""
        for path, permission in _NEEDS[entity]:
            found = await access(entity, f"read permission for {permission}", self._probe_list(path))
            if not found.allowed:
                return found
        return Access(entity, allowed=True)

    async def _probe_list(self, path: str) -> None:
        params = {"limit": "1", **({"status": "all"} if path == KINDS["subscriptions"].path else {})}
        rows_of(await self._client.get(path, params, {"stripe-version": self._options.version}))
