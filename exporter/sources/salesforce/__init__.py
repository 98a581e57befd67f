"""The salesforce provider: opportunities, leads, tasks, cases and users."""

from exporter.sources.salesforce.source import create

__all__ = ["create"]
