"""Options of the zendesk provider."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from exporter.config.fields import Duration, SecretField, Section, parse_duration
from exporter.config.sources.base import HttpOptions, OAuth


class ApiToken(Section):
    """Deprecated: Zendesk creates no new API tokens, and all expire on 30 April 2027."""

    email: Annotated[str, Field(pattern=r"^[^@\s/]+@[^@\s/]+$")]
    """Email address of the agent whose permissions apply."""
    token: SecretField
    """The token."""


class ZendeskOptions(HttpOptions):
    """Zendesk Support and Talk: tickets with their metrics, ratings, agents, calls and live queues."""

    provider: Literal["zendesk"]
    base_url: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+$")]
    """The account's address, such as https://acme.zendesk.com."""
    oauth: OAuth | None = None
    """An OAuth client with client credentials."""
    api_token: ApiToken | None = None
    """Or an API token, until they expire."""
    entities: Annotated[
        tuple[Literal["tickets", "surveys", "calls", "people", "measurements"], ...], Field(strict=False, min_length=1)
    ] = ("people", "tickets")
    """What to read. calls and measurements (the current queue) need Talk."""
    satisfaction_field: Annotated[int, Field(gt=0)] | None = None
    """Id of a ticket field with the rating as a number; default: Zendesk's own rating, 1 for good and 0 for bad."""
    history: Annotated[Duration, Field(ge=timedelta(minutes=2))] = parse_duration("730d")
    """How far back tickets, ratings and calls are read."""

    @model_validator(mode="after")
    def _exactly_one_credential(self) -> Self:
        if (self.oauth is None) == (self.api_token is None):
            raise ValueError("exactly one of oauth and api_token")
        return self
