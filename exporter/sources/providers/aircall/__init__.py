"""The aircall provider: calls, and users with their teams. Start reading in `source`."""

from exporter.sources.providers.aircall.source import create

__all__ = ["create"]
