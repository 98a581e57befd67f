"""The aircall provider: calls, and users with their teams."""

from exporter.sources.providers.aircall.source import create

__all__ = ["create"]
