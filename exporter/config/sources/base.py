"""What every source has, and the parts that providers share."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from exporter.config.fields import (
    Duration,
    LocalPath,
    Name,
    Number,
    OneOf,
    SecretField,
    Section,
    Spelled,
    Title,
    WebAddress,
    parse_duration,
)
from exporter.config.messages import fault
from exporter.config.metrics import ColumnName

ONE_SECOND = timedelta(seconds=1)

FieldName = Annotated[str, Field(min_length=1, max_length=200)]
"""A field of a row or answer, as the vendor names it."""


class SourceOptions(Section):
    """One configured account at a vendor; each provider adds its own options."""

    polled: ClassVar[bool] = True
    """False where nothing is read: its records are sent."""

    name: Name
    """Its `source` label; renaming reads everything anew."""
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
    def column_maps(self) -> tuple[tuple[tuple[str | int, ...], str, ColumnMap], ...]:
        """(key path, entity, columns) of each mapping of columns in these options; most providers have none."""
        return ()

    @property
    def withheld_after(self) -> timedelta:
        """The age that counts, with the default applied."""
        return self.stale_after or max(3 * self.sync_every, timedelta(minutes=15))


class HttpOptions(SourceOptions):
    """What every source reached by HTTP has."""

    base_url: WebAddress | None = None
    """The API's address; default: the vendor's."""
    allow_insecure: bool = False
    """Allow plain http:// (for a test server or a trusted network)."""
    allow_private: bool = False
    """Allow loopback and private addresses."""
    ca_file: LocalPath | None = None
    """Certificates (PEM) of a private authority to trust besides the public ones."""
    timeout: Annotated[Duration, Field(ge=ONE_SECOND)] = parse_duration("60s")
    """Deadline of one request, body included."""
    max_per_second: Annotated[Number, Field(gt=0, le=1000)] | None = None
    """Requests a second at most; default: what the vendor allows."""

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        if self.base_url and self.base_url.startswith("http://") and not self.allow_insecure:
            raise fault("base_url is not encrypted", "use https, or allow_insecure: true for a test server")
        return self


class Bearer(Section):
    """An access token sent as `Authorization: Bearer`."""

    bearer: SecretField
    """The token."""


class OAuth(Section):
    """OAuth 2: client credentials, or a refresh token where one is given."""

    client_id: Title
    """The app's public identifier."""
    client_secret: SecretField
    """The app's secret."""
    refresh_token: SecretField | None = None
    """The first refresh token; rotated ones are kept in the data directory."""
    token_url: WebAddress | None = None
    """Where tokens are issued; default: the vendor's. Must be the API's origin or be named here."""
    scope: Title | None = None
    """Scopes to ask for, with blanks between."""
    client_auth: Annotated[Literal["body", "basic"], OneOf(("body", "basic"))] = "body"
    """Where the token endpoint wants id and secret: in the form, or as HTTP basic."""


class ColumnSource(Section):
    """How a column is filled from a row: `from` one or several fields, or a constant `value`."""

    from_: FieldName | Annotated[tuple[FieldName, ...], Field(strict=False, min_length=1)] | None = Field(
        default=None, alias="from"
    )
    """Field or header name, in `rest` and `push` a dotted path; several are joined by a blank."""
    format: str | Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = None
    """strptime format(s) of a time; several are tried in order. iso, epoch and epoch_ms are built in."""
    map: dict[str, str | bool | Number] | None = None
    """What the vendor's values mean; a value not named here rejects the record."""
    value: str | bool | Number | None = None
    """The same for every row."""
    unit: Annotated[Literal["ms", "s", "min", "h", "minor"], OneOf(("ms", "s", "min", "h", "minor"))] | None = None
    """Unit of a duration, or minor for money in cents; default seconds and whole money."""
    required: bool = False
    """A row in which it is empty is rejected. `id` always is."""
    optional: bool = False
    """In `rest` and `push`: rows may leave the field out. Else a missing one rejects the row, an empty one does not."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if self.required and self.optional:
            raise fault("a column is required or optional, not both", "keep one of the two")
        if (self.from_ is None) == (self.value is None):
            raise fault("a column is filled in exactly one way", "from: FIELD of each row, or value: the same for all")
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


def _with_id(columns: dict[str, ColumnSource]) -> dict[str, ColumnSource]:
    if "id" not in columns:
        raise fault("id is missing among the columns", "id: the field that names a row uniquely")
    return columns


ColumnMap = Annotated[
    dict[ColumnName, Annotated[ColumnSource, BeforeValidator(_plain, json_schema_input_type=str | ColumnSource)]],
    AfterValidator(_with_id),
]
"""Our column, or attributes.NAME, to where it is read from."""


def _as_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


TextParameters = dict[
    Annotated[str, Spelled(r"[^\s=&?#]{1,128}", "a parameter's name")],
    Annotated[str, BeforeValidator(_as_text, json_schema_input_type=str | bool | float)],
]
"""Query parameters; numbers and flags are written as JSON writes them."""


_CREDENTIALS = frozenset(
    {
        "authorization", "proxy_authorization", "cookie", "x_api_key", "api_key", "apikey", "key", "token",
        "access_token", "x_auth_token", "auth_token", "secret", "client_secret", "password",
    }
)  # fmt: skip


def no_credentials(named: dict[str, str]) -> dict[str, str]:
    """The same names and values; raises ValueError where one would carry a secret in plain sight."""
    for name in named:
        if name.lower().replace("-", "_") in _CREDENTIALS:
            raise fault("a credential may not stand here", "give it under auth: bearer, basic, header, query or oauth")
    return named
