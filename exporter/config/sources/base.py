"""What every source has, and the parts that providers share."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from exporter.config.fields import Duration, Name, Number, SecretField, Section, Title, parse_duration

ONE_SECOND = timedelta(seconds=1)


class SourceOptions(Section):
    """One configured account at a vendor; each provider adds its own options."""

    name: Name
    sync_every: Annotated[Duration, Field(ge=ONE_SECOND)] = parse_duration("60s")
    """Pause between two passes."""
    stale_after: Annotated[Duration, Field(ge=ONE_SECOND)] | None = None
    """Age at which its numbers are withheld. Default: the larger of three pauses and 15m."""
    lookback: Duration | None = None
    """How far behind the last position each pass reads again. Default: the provider's."""
    reconcile_every: Annotated[Duration, Field(ge=ONE_SECOND)] = parse_duration("24h")
    """How often everything is read again, which finds what vanished."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The entities this source offers."""
        raise NotImplementedError

    @property
    def withheld_after(self) -> timedelta:
        """The age that counts, with the default applied."""
        return self.stale_after or max(3 * self.sync_every, timedelta(minutes=15))


class HttpOptions(SourceOptions):
    """What every source reached by HTTP has."""

    base_url: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+[^\s?#]*$")] | None = None
    """The API's address; default: the vendor's."""
    allow_insecure: bool = False
    """Allow plain http:// (for a test server or a trusted network)."""
    allow_private: bool = False
    """Allow loopback and private addresses."""
    timeout: Annotated[Duration, Field(ge=ONE_SECOND)] = parse_duration("60s")
    """Deadline of one request, body included."""
    max_per_second: Annotated[Number, Field(gt=0, le=1000)] | None = None
    """Requests a second at most; default: what the vendor allows."""

    @model_validator(mode="after")
    def _encrypted(self) -> HttpOptions:
        if self.base_url and self.base_url.startswith("http://") and not self.allow_insecure:
            raise ValueError("base_url is not https: use https, or set allow_insecure: true for a test server")
        return self


class Bearer(Section):
    """An access token sent as `Authorization: Bearer`."""

    bearer: SecretField


class OAuth(Section):
    """OAuth 2: client credentials, or a refresh token where one is given."""

    client_id: Title
    client_secret: SecretField
    refresh_token: SecretField | None = None
    token_url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] | None = None
    """Where tokens are issued; default: the vendor's. Must be the API's origin or be named here."""
    scope: Title | None = None
    client_auth: Literal["body", "basic"] = "body"
    """Where the token endpoint wants id and secret: in the form, or as HTTP basic."""


class ColumnSource(Section):
    """How a column is filled from a row: `from` one or several fields, or a constant `value`."""

    from_: str | Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = Field(
        default=None, alias="from"
    )
    """Field or header name, in `rest` a dotted path; several are joined by a blank."""
    format: str | Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = None
    """strptime format(s) of a time; several are tried in order. iso, epoch and epoch_ms are built in."""
    map: dict[str, str | bool | Number] | None = None
    """What the vendor's values mean; a value not named here rejects the record."""
    value: str | bool | Number | None = None
    """The same for every row."""
    unit: Annotated[str, Field(pattern="^(ms|s|min|h|minor)$")] | None = None
    """Unit of a duration, or minor for money in cents; default seconds and whole money."""
    required: bool = False
    """A row in which it is empty is rejected. `id` always is."""
    optional: bool = False
    """In `rest`: rows may leave the field out. Without it a missing field rejects the row, an empty one does not."""

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnSource:
        if (self.from_ is None) == (self.value is None):
            raise ValueError("a column is filled by exactly one of from and value")
        if self.required and self.optional:
            raise ValueError("a column is required or optional, not both")
        return self

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields it is read from; empty for a constant."""
        if self.from_ is None:
            return ()
        return (self.from_,) if isinstance(self.from_, str) else self.from_

    @property
    def formats(self) -> tuple[str, ...]:
        """The time formats to try."""
        if self.format is None:
            return ()
        return (self.format,) if isinstance(self.format, str) else self.format


def _plain(value: Any) -> Any:
    return {"from": value} if isinstance(value, str) else value


ColumnMap = dict[
    Annotated[str, Field(pattern=r"^(attributes\.[A-Za-z0-9_.\- ]{1,64}|[a-z][a-z0-9_]*)$")],
    Annotated[ColumnSource, BeforeValidator(_plain)],
]
"""Our column, or attributes.NAME, to where it is read from."""

__all__ = [
    "Bearer", "ColumnMap", "ColumnSource", "Discriminator", "HttpOptions", "OAuth", "SourceOptions", "Tag",
]  # fmt: skip
