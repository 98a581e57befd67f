"""Options of the salesforce provider."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from exporter.config.fields import Number, SecretField, Section, Title
from exporter.config.sources.base import HttpOptions

FieldName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")]
LeadState = Literal["new", "working", "qualified", "converted", "lost"]


class JwtBearer(Section):
    """A signed assertion instead of a secret, for an External Client App with a certificate."""

    user: Title
    """The user name whose permissions apply."""
    private_key: SecretField
    """The RSA key in PEM form."""


class SalesforceOptions(HttpOptions):
    """Salesforce: opportunities, leads, tasks, cases and users by SOQL."""

    provider: Literal["salesforce"]
    base_url: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+$")]
    """The org's own My Domain address, such as https://acme.my.salesforce.com."""
    client_id: Title
    """Consumer key of the External Client App."""
    client_secret: SecretField | None = None
    """Its secret, for the client credentials flow."""
    jwt: JwtBearer | None = None
    """Or the JWT bearer flow."""
    api_version: Annotated[str, Field(pattern=r"^v\d{2,3}\.0$")] = "v64.0"
    """The version of the API's paths."""
    entities: Annotated[
        tuple[Literal["deals", "leads", "activities", "tickets", "people"], ...], Field(strict=False, min_length=1)
    ] = ("people", "deals")
    """What to read."""
    fields: dict[
        Literal["deals", "leads", "activities", "tickets"], Annotated[tuple[FieldName, ...], Field(strict=False)]
    ] = Field(default_factory=dict)
    """Further fields per entity, stored as attributes.NAME."""
    lead_states: dict[str, LeadState] = Field(default_factory=dict)
    """The meaning of the org's own lead statuses; the standard ones are built in."""
    quota_share: Annotated[Number, Field(gt=0, le=1)] = 0.8
    """Pause for an hour once this share of the org's daily API requests is used, by any client."""

    @model_validator(mode="after")
    def _exactly_one_credential(self) -> Self:
        if (self.client_secret is None) == (self.jwt is None):
            raise ValueError("exactly one of client_secret and jwt")
        return self
