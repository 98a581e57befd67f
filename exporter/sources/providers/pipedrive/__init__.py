"""The pipedrive provider: deals, leads, activities, call logs and users. Start reading in `source`."""

from exporter.sources.providers.pipedrive.source import PERMISSIONS, create

__all__ = ["PERMISSIONS", "create"]
