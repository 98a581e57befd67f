"""A digest of the options that determine which records a source returns and what they contain."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from zoneinfo import ZoneInfo

from exporter.config.fields import Secret
from exporter.config.sources.base import SourceOptions

_WITHOUT_EFFECT = frozenset(
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
"""Options that determine how and when something is read, not what."""


def fingerprint(options: SourceOptions, entity: str, zone: ZoneInfo) -> str:
    """The digest for one entity; if it changes, stored records may be wrong and the entity is read again in full.

    Secrets are left out, as is whatever concerns only other entities. `zone` is the company's time zone, which applies
    to times without one.
    """
    content: dict[str, Any] = {}
    for name in sorted(type(options).model_fields):
        value = getattr(options, name)
        if name == "entities":
            content[name] = [_plain(section) for section in value if getattr(section, "entity", None) == entity]
        elif name == "properties":
            content[name] = _plain(value.get(entity))
        elif name not in _WITHOUT_EFFECT:
            content[name] = _plain(value)
    text = json.dumps([entity, zone.key, content], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return None
    if hasattr(type(value), "model_fields"):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {str(key): _plain(element) for key, element in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(element) for element in value]
    return value
