"""Options of the twilio provider."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from exporter.config.fields import Duration, SecretField, parse_duration
from exporter.config.sources.base import HttpOptions


class TwilioOptions(HttpOptions):
    """Twilio: voice calls with their legs joined, and TaskRouter's workers and queues."""

    provider: Literal["twilio"]
    account_sid: Annotated[str, Field(pattern=r"^AC[0-9a-fA-F]{32}$")]
    """The account's SID: AC and 32 hexadecimal digits."""
    key_sid: Annotated[str, Field(pattern=r"^SK[0-9a-fA-F]{32}$")] | None = None
    """SID of an API key: SK and 32 hexadecimal digits. Without it, `secret` is the account's auth token."""
    secret: SecretField
    """The API key's secret, or the auth token."""
    workspace_sid: Annotated[str, Field(pattern=r"^WS[0-9a-fA-F]{32}$")] | None = None
    """TaskRouter's workspace, for people and measurements."""
    taskrouter_url: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+[^\s?#]*$")] | None = None
    """TaskRouter's address; default: Twilio's."""
    entities: Annotated[tuple[Literal["calls", "people", "measurements"], ...], Field(strict=False, min_length=1)] = (
        "calls",
    )
    """What to read. people are TaskRouter's workers, measurements its queues: now and in the last 15 minutes."""
    history: Duration = parse_duration("395d")
    """How far back calls are read. Twilio keeps about thirteen months."""

    @model_validator(mode="after")
    def _has_workspace(self) -> Self:
        if self.workspace_sid is None and set(self.entities) & {"people", "measurements"}:
            raise ValueError("people and measurements come from TaskRouter: give workspace_sid")
        return self
