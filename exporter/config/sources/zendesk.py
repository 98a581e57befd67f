"""Options of the zendesk provider."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from exporter.config.fields import Duration, SecretField, Section, parse_duration
from exporter.config.sources.base import HttpOptions, OAuth


class ApiToken(Section):
    """The old way in: no new ones can be made, and all end on 30 April 2027."""

    email: Annotated[str, Field(pattern=r"^[^@\s/]+@[^@\s/]+$")]
    """Address of the agent whose rights hold."""
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
    """Or, while they last, an API token."""
    entities: Annotated[
        tuple[Literal["tickets", "surveys", "calls", "people", "measurements"], ...], Field(strict=False, min_length=1)
    ] = ("people", "tickets")
    """calls and measurements (who waits in the queue now) need Talk."""
    satisfaction_field: Annotated[int, Field(gt=0)] | None = None
    """Id of a ticket field with the rating as a number; without it, Zendesk's own counts: 1 for good, 0 for bad."""
    history: Annotated[Duration, Field(ge=timedelta(minutes=2))] = parse_duration("730d")
    """How far back tickets, ratings and calls are read."""

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.oauth is None) == (self.api_token is None):
            raise ValueError("exactly one of oauth and api_token")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The entities asked for."""
        return self.entities
