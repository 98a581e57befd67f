"""A digest of the options that decide which records a source gives and what they hold."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from zoneinfo import ZoneInfo

from exporter.config.fields import Secret
from exporter.config.sources.base import SourceOptions

_HOW_ONLY = frozenset(
    {
        "sync_every",
        "stale_after",
        "lookback",
        "reconcile_every",
        "timeout",
        "max_per_second",
        "allow_insecure",
        "allow_private",
    }
)
"""Options that say how and when something is read, not what."""


def fingerprint(options: SourceOptions, entity: str, zone: ZoneInfo) -> str:
    """Another value means that what was read before may be wrong, so the entity is read anew in full.

    Secrets do not count, nor what concerns only other entities. `zone` is the company's, in which times without
    one were read.
    """
    content = {
        name: _part(name, getattr(options, name), entity)
        for name in sorted(type(options).model_fields)
        if name not in _HOW_ONLY
    }
    text = json.dumps([entity, zone.key, content], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _part(name: str, value: Any, entity: str) -> Any:
    if name == "entities":
        return [_plain(part) for part in value if getattr(part, "entity", None) == entity]
    if name == "properties":
        return _plain(value.get(entity))
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return None
    if hasattr(type(value), "model_fields"):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value
