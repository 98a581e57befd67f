"""The asterisk provider: calls of a queue log or of call detail records, and queues as they are now."""

from exporter.sources.providers.asterisk.source import create

__all__ = ["create"]
