"""The asterisk provider: calls from the queue log or the call detail records, and live queues. Start in `source`."""

from exporter.sources.providers.asterisk.source import create

__all__ = ["create"]
