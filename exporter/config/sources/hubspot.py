"""Options of the hubspot provider."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from exporter.config.fields import SecretField
from exporter.config.sources.base import HttpOptions, OAuth


class HubspotOptions(HttpOptions):
    """HubSpot CRM: deals, leads, tickets, calls and owners."""

    provider: Literal["hubspot"]
    token: SecretField | None = None
    """A service key or private-app token."""
    oauth: OAuth | None = None
    """Or an OAuth app with its refresh token."""
    api_version: Annotated[str, Field(pattern=r"^(v3|\d{4}-\d{2})$")] = "2026-03"
    entities: Annotated[
        tuple[Literal["deals", "leads", "tickets", "calls", "people"], ...], Field(strict=False, min_length=1)
    ] = ("deals", "people")
    leads_from: Literal["leads", "contacts"] = "contacts"
    """Which HubSpot object our leads are."""
    properties: dict[Literal["deals", "leads", "tickets", "calls"], Annotated[tuple[str, ...], Field(strict=False)]] = (
        Field(default_factory=dict)
    )
    """Further properties per entity, kept as attributes.NAME."""

    @model_validator(mode="after")
    def _one_way_in(self) -> HubspotOptions:
        if (self.token is None) == (self.oauth is None):
            raise ValueError("exactly one of token and oauth")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The entities asked for."""
        return self.entities
