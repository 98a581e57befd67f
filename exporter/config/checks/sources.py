"""Sources: ages that can be kept, nothing read twice, nothing asked for in vain."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.config.checks.view import View
from exporter.config.fields import duration_text
from exporter.config.positions import Finding
from exporter.config.sources.csv import CsvOptions
from exporter.config.sources.hubspot import HubspotOptions


def errors(view: View) -> Iterator[Finding]:
    """Numbers that would be withheld before the next pass could bring new ones."""
    for place, source in view.sources:
        if source.stale_after is not None and source.stale_after <= source.sync_every:
            pause = duration_text(source.sync_every)
            message = f"its numbers would be withheld before the next pass, which comes after {pause}"
            yield Finding(("sources", place, "stale_after"), message, "some multiple of sync_every")


def warnings(view: View) -> Iterator[Finding]:
    """Files read twice, and properties of entities that are not read."""
    files: dict[tuple[str, str], str] = {}
    for place, source in view.sources:
        if isinstance(source, CsvOptions):
            other = files.setdefault((str(source.path), source.entity), source.name)
            if other != source.name:
                message = f"{other} reads the same file as the same entity: its rows count twice"
                yield Finding(("sources", place, "path"), message, "keep one of the two sources")
        if isinstance(source, HubspotOptions):
            for entity in source.properties:
                if entity not in source.entities:
                    message = f"{entity} are not read, so their properties are not either"
                    yield Finding(("sources", place, "properties", entity), message, f"add {entity} to entities")
