"""A Stripe account as a source."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

from exporter.config.sources.stripe import StripeOptions
from exporter.passes import Page, Pass
from exporter.sources.access_check import check_access
from exporter.sources.base import Access, SourceContext
from exporter.sources.http.auth import BearerAuthenticator
from exporter.sources.http.client import Limits, SourceClient
from exporter.sources.provider import ProviderSource
from exporter.sources.providers.stripe.api import StripeApi, classify
from exporter.sources.providers.stripe.reading import LAG, StripeReader

BASE_URL = "https://api.stripe.com"
PER_SECOND = 20.0
"""A fifth of the 100 a second of live mode, and less than the 25 of one endpoint, to leave room for payments."""

_LISTS = {
    "subscriptions": {"/v1/subscriptions": "Subscriptions", "/v1/coupons": "Coupons", "/v1/events": "Events"},
    "invoices": {"/v1/invoices": "Invoices", "/v1/events": "Events"},
    "payments": {"/v1/charges": "Charges and Refunds", "/v1/events": "Events"},
}
"""Entity to the lists that a pass reads, each with the permission it needs."""

PERMISSIONS = {entity: f"read: {', '.join(lists.values())}" for entity, lists in _LISTS.items()}


def create(options: StripeOptions, context: SourceContext) -> StripeSource:
    """The source that the options describe; raises SourceRejectedError if its address is not allowed."""
    base_url, auth = options.base_url or BASE_URL, BearerAuthenticator(options.key, context)
    client = SourceClient(options, base_url, auth, context, limits=Limits(PER_SECOND), classify=classify)
    return StripeSource(options, context, client)


class StripeSource(ProviderSource[StripeOptions]):
    """Reads full lists at first, then the objects that events name."""

    lag = LAG
    default_lookback = timedelta(minutes=10)

    async def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """Pages of one pass over an entity."""
        api = StripeApi(self._client, self._options.version)
        async for page in StripeReader(api, sync_pass, self._lookback).pages():
            yield page

    async def _access(self, entity: str) -> Access:
        """Requests one object of each list that the entity needs."""
        api = StripeApi(self._client, self._options.version)
        for path, permission in _LISTS[entity].items():
            result = await check_access(entity, f"read permission for {permission}", api.probe(path))
            if not result.allowed:
                return result
        return Access(entity, allowed=True)
