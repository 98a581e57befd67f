"""The aircall provider: calls, and users with their teams."""

from exporter.sources.aircall.source import create

__all__ = ["create"]
