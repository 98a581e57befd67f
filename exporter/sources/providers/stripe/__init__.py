"""The stripe provider: subscriptions, invoices and payments. Start reading in `source`, then `reading`."""

from exporter.sources.providers.stripe.source import PERMISSIONS, create

__all__ = ["PERMISSIONS", "create"]
