"""The stripe provider: subscriptions, invoices and payments."""

from exporter.sources.providers.stripe.source import create

__all__ = ["create"]
