"""The salesforce provider: opportunities, leads, tasks, cases and users, by SOQL. Start reading in `source`."""

from exporter.sources.providers.salesforce.source import PERMISSIONS, create

__all__ = ["PERMISSIONS", "create"]
