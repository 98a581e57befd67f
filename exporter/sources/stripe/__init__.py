"""The stripe provider: subscriptions, invoices and payments."""

from exporter.sources.stripe.source import create

__all__ = ["create"]
