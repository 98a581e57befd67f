"""The twilio provider: calls, and the workers and queues of TaskRouter. Start reading in `source`."""

from exporter.sources.providers.twilio.source import PERMISSIONS, create

__all__ = ["PERMISSIONS", "create"]
