"""The zendesk provider: tickets, ratings, agents, calls and live queues."""

from exporter.sources.providers.zendesk.source import create

__all__ = ["create"]
