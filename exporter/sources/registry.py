"""The providers by name. A provider's module is imported when a source first needs it, which keeps starts short."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, cast

from exporter.config.sources.base import SourceOptions
from exporter.sources.base import Source, Surroundings

PROVIDERS: Mapping[str, str] = MappingProxyType(
    {
        "aircall": "exporter.sources.aircall",
        "asterisk": "exporter.sources.asterisk",
        "csv": "exporter.sources.csv",
        "hubspot": "exporter.sources.hubspot",
        "rest": "exporter.sources.rest",
        "push": "exporter.sources.push",
        "pipedrive": "exporter.sources.pipedrive",
        "salesforce": "exporter.sources.salesforce",
        "sql": "exporter.sources.sql",
        "stripe": "exporter.sources.stripe",
        "twilio": "exporter.sources.twilio",
        "zendesk": "exporter.sources.zendesk",
    }
)
"""Provider name to the module whose `create(options, around)` builds a source."""


def create(options: SourceOptions, around: Surroundings) -> Source:
    """The source that these options describe; raises SourceRejectedError where its address is not allowed."""
    # httpx imports its command line where it can, and with it rich and Pygments: 4 MB that no source needs
    cast("dict[str, Any]", sys.modules).setdefault("httpx._main", None)
    provider: str = cast("Any", options).provider
    factory: Callable[[Any, Surroundings], Source] = import_module(PROVIDERS[provider]).create
    return factory(options, around)
