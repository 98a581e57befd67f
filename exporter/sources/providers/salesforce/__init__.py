"""The salesforce provider: opportunities, leads, tasks, cases and users."""

from exporter.sources.providers.salesforce.source import create

__all__ = ["create"]
