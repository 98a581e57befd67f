"""The pipedrive provider: deals, leads, activities, call logs and users."""

from exporter.sources.providers.pipedrive.source import create

__all__ = ["create"]
