"""The zendesk provider: tickets, ratings, agents, calls and live queues. Start reading in `source`."""

from exporter.sources.providers.zendesk.source import create

__all__ = ["create"]
