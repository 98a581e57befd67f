"""Which records stay when the config has other sources than before."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from exporter.config.root import Config
from exporter.config.sources.push import PushOptions
from exporter.errors import ControlError, ExitCode
from exporter.store.set_aside import RemovedRecords
from exporter.store.sources import RetainedSources
from exporter.store.store import Store

_log = logging.getLogger(__name__)


def retain_sources(store: Store, config: Config, now: datetime) -> RetainedSources:
    """Deletes records of removed sources; those of removed push sources are set aside until they come back.

    Warns of what is set aside. Raises StoreError.
    """
    entities = {source.name: source.reads for source in config.sources}
    pushed = {source.name: source.renamed_from for source in config.sources if isinstance(source, PushOptions)}
    retained = store.retain(entities, config.history.retention, pushed=pushed, at=now)
    if retained.brought_back:
        _log.info("%d records that were set aside count again", retained.brought_back)
    for message in removed_notes(retained.removed):
        _log.warning("%s", message)
    return retained


def removed_notes(removed: tuple[RemovedRecords, ...]) -> list[str]:
    """For each removed push source how many records are kept, and how to delete them."""
    counts: dict[str, int] = {}
    for each in removed:
        counts[each.source] = counts.get(each.source, 0) + each.records
    return [
        f"{count:,} records of {source}, a push source that the config no longer has, are kept and count nowhere:"
        f" add it again, name it in renamed_from of another push source, or run kpi-exporter forget --source {source}"
        for source, count in counts.items()
    ]


def delete_source(store: Store, source: str) -> dict[str, Any]:
    """Deletes the records of a removed push source and counts them. Raises ControlError if nothing is kept of it."""
    names = sorted({removed.source for removed in store.removed_sources()})
    if source not in names:
        known = f"only of {', '.join(names)}" if names else "of no removed source"
        message = f"no records of {source} are set aside, {known}: only sources that the config no longer has are"
        raise ControlError(message, ExitCode.USAGE)
    return {"source": source, "records": store.forget_source(source)}
