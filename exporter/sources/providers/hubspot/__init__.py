"""The hubspot provider: deals, leads, tickets, calls and owners of HubSpot's CRM."""

from exporter.sources.providers.hubspot.source import create

__all__ = ["create"]
