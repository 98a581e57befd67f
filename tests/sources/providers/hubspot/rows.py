"""Rows as HubSpot writes them: properties are texts, and an unset one is null or an empty text."""

from __future__ import annotations

from typing import Any

from exporter.sources.providers.hubspot.objects import PropertyReader
from exporter.sources.providers.hubspot.pipelines import Stage, Stages
from tests.sources.account import ZONE


def row(key: str = "7", **properties: Any) -> dict[str, Any]:
    """A row of a list."""
    return {
        "id": key,
        "properties": {"hs_lastmodifieddate": "2026-03-02T09:00:00.000Z", **properties},
        "createdAt": "2026-03-01T08:00:00.000Z",
        "updatedAt": "2026-03-02T09:00:00.000Z",
        "archived": False,
    }


def reader(*extra: str, **stages: Stage) -> PropertyReader:
    """A reader of the row's properties."""
    return PropertyReader("hs_lastmodifieddate", ZONE, Stages(stages, {"default": "Sales pipeline"}), extra)
