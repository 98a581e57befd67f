"""The twilio provider: calls, and TaskRouter's workers and queues."""

from exporter.sources.providers.twilio.source import create

__all__ = ["create"]
