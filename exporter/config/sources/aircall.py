"""Options of the aircall provider."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from exporter.config.fields import Duration, OneOf, SecretField, Title, parse_duration
from exporter.config.sources.base import ONE_SECOND, HttpOptions

_ENTITIES = ("calls", "people")


class AircallOptions(HttpOptions):
    """Aircall telephony: calls, and users with their teams."""

    provider: Literal["aircall"]
    api_id: Title
    """The public half of the API key."""
    api_token: SecretField
    """Its secret half."""
    entities: Annotated[
        tuple[Annotated[Literal["calls", "people"], OneOf(_ENTITIES)], ...], Field(strict=False, min_length=1)
    ] = ("calls", "people")
    """What to read."""
    history: Annotated[Duration, Field(ge=ONE_SECOND)] = parse_duration("180d")
    """How far back calls are read; Aircall keeps about six months by default."""
