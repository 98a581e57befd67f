"""The hubspot provider: deals, leads, tickets, calls and owners of HubSpot's CRM. Start reading in `source`."""

from exporter.sources.providers.hubspot.source import PERMISSIONS, create

__all__ = ["PERMISSIONS", "create"]
