"""The providers by name. A provider's module is imported when a source first needs it, which keeps starts short."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, cast

from exporter.config.sources.base import SourceOptions
from exporter.sources.base import Source, SourceContext

PROVIDERS: Mapping[str, str] = MappingProxyType(
    {
        "aircall": "exporter.sources.providers.aircall",
        "asterisk": "exporter.sources.providers.asterisk",
        "csv": "exporter.sources.providers.csv",
        "hubspot": "exporter.sources.providers.hubspot",
        "rest": "exporter.sources.providers.rest",
        "pipedrive": "exporter.sources.providers.pipedrive",
        "salesforce": "exporter.sources.providers.salesforce",
        "sql": "exporter.sources.providers.sql",
        "stripe": "exporter.sources.providers.stripe",
        "twilio": "exporter.sources.providers.twilio",
        "zendesk": "exporter.sources.providers.zendesk",
    }
)
"""Provider name to the module whose `create(options, context)` builds a source."""


def create(options: SourceOptions, context: SourceContext) -> Source:
    """The source that these options describe; raises SourceRejectedError if its address is not allowed."""
    provider: str = cast("Any", options).provider
    factory: Callable[[Any, SourceContext], Source] = import_module(PROVIDERS[provider]).create
    return factory(options, context)
