"""Options of the hubspot provider."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from exporter.config.fields import Many, OneOf, SecretField, TextPattern
from exporter.config.messages import invalid
from exporter.config.sources.base import HttpOptions, OAuth

_OBJECTS = ("deals", "leads", "tickets", "calls")

Property = Annotated[str, TextPattern("[A-Za-z0-9_]{1,100}", "a property's internal name")]


class HubspotOptions(HttpOptions):
    """HubSpot CRM: deals, leads, tickets, calls and owners."""

    provider: Literal["hubspot"]
    token: SecretField | None = None
    """A service key or private-app token."""
    oauth: OAuth | None = None
    """Or an OAuth app with its refresh token."""
    api_version: Annotated[str, TextPattern(r"v3|\d{4}-\d{2}", "v3 or a dated version such as 2026-03")] = "2026-03"
    """The version of the API's paths."""
    entities: Annotated[
        tuple[Annotated[Literal["deals", "leads", "tickets", "calls", "people"], OneOf((*_OBJECTS, "people"))], ...],
        Field(strict=False, min_length=1),
    ] = ("deals", "people")
    """What to read."""
    leads_from: Annotated[Literal["leads", "contacts"], OneOf(("leads", "contacts"))] = "contacts"
    """The HubSpot object that leads are read from."""
    properties: dict[Annotated[Literal["deals", "leads", "tickets", "calls"], OneOf(_OBJECTS)], Many[Property]] = Field(
        default_factory=dict
    )
    """Further properties per entity, stored as attributes.NAME."""

    @model_validator(mode="after")
    def _exactly_one_credential(self) -> Self:
        if (self.token is None) == (self.oauth is None):
            raise invalid(
                "exactly one of token and oauth is required",
                "token: of a private app, or oauth: an app with its refresh token",
            )
        return self
