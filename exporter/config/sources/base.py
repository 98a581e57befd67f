"""Options that all sources have, and types that providers share."""

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
    TextPattern,
    Title,
    WebAddress,
    parse_duration,
)
from exporter.config.messages import invalid
from exporter.config.metrics import ColumnName

ONE_SECOND = timedelta(seconds=1)

VendorField = Annotated[str, Field(min_length=1, max_length=200)]
"""Name of a field in the vendor's data."""


class SourceOptions(Section):
    """An account at a vendor. Each provider adds its own options."""

    polled: ClassVar[bool] = True
    """False if records are pushed to the exporter."""

    name: Name
    """Its `source` label. After renaming it, everything is read again."""
    sync_every: Annotated[Duration, Field(ge=ONE_SECOND)] = parse_duration("60s")
    """Pause between two passes."""
    stale_after: Annotated[Duration, Field(ge=ONE_SECOND)] | None = None
    """Age at which its values are withheld. Default: three times sync_every, at least 15m; of a csv file, 4d."""
    lookback: Duration | None = None
    """How far before the cursor each pass starts, to catch late changes. Default: depends on the provider."""
    reconcile_every: Annotated[Duration, Field(ge=ONE_SECOND)] = parse_duration("24h")
    """How often everything is read again to find deleted records."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The entities to read; a provider without the option `entities` overrides it."""
        entities: tuple[str, ...] | None = getattr(self, "entities", None)
        if entities is None:
            raise NotImplementedError
        return entities

    @property
    def column_maps(self) -> tuple[tuple[tuple[str | int, ...], str, ColumnMap], ...]:
        """(key path, entity, columns) of each column mapping in these options."""
        return ()

    @property
    def withheld_after(self) -> timedelta:
        """`stale_after` with its default applied."""
        return self.stale_after or max(3 * self.sync_every, timedelta(minutes=15))

    @property
    def ages_by_watermark(self) -> bool:
        """True if its values age with its content, even while it is read; otherwise since the last completed pass."""
        return False


class HttpOptions(SourceOptions):
    """Options of sources that are read over HTTP."""

    base_url: WebAddress | None = None
    """Address of the API. Default: the vendor's."""
    allow_insecure: bool = False
    """Allow http://, for a test server or a trusted network."""
    allow_private: bool = False
    """Allow loopback and private addresses."""
    ca_file: LocalPath | None = None
    """PEM file of a private certificate authority to trust in addition to the public ones."""
    timeout: Annotated[Duration, Field(ge=ONE_SECOND)] = parse_duration("60s")
    """Timeout of a request, including its body."""
    max_per_second: Annotated[Number, Field(gt=0, le=1000)] | None = None
    """Maximum number of requests per second. Default: what the vendor allows."""

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        if self.base_url and self.base_url.startswith("http://") and not self.allow_insecure:
            raise invalid("base_url is not encrypted", "use https, or allow_insecure: true for a test server")
        return self


class Bearer(Section):
    """An access token sent as `Authorization: Bearer`."""

    bearer: SecretField
    """The token."""


class OAuth(Section):
    """OAuth 2 with a refresh token if one is given, otherwise with client credentials."""

    client_id: Title
    """Client ID of the app."""
    client_secret: SecretField
    """Client secret of the app."""
    refresh_token: SecretField | None = None
    """The first refresh token. Rotated tokens are stored in the data directory."""
    token_url: WebAddress | None = None
    """URL of the token endpoint. Default: the vendor's. Needed if it is on another origin than the API."""
    scope: Title | None = None
    """Scopes to request, separated by spaces."""
    client_auth: Annotated[Literal["body", "basic"], OneOf(("body", "basic"))] = "body"
    """How the token endpoint expects ID and secret: in the body, or as HTTP basic authentication."""


class ColumnSource(Section):
    """How to fill a column: `from` one or several fields of a row, or with a constant `value`."""

    from_: VendorField | Annotated[tuple[VendorField, ...], Field(strict=False, min_length=1)] | None = Field(
        default=None, alias="from"
    )
    """Name of a field or CSV header, for `rest` and `push` a dotted path. Several are joined with a space."""
    format: str | Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = None
    """Format of a time: iso, epoch, epoch_ms, or a strptime format. Several are tried in order."""
    map: dict[str, str | bool | Number] | None = None
    """The vendor's values to ours. A record with any other value is rejected."""
    value: str | bool | Number | None = None
    """A constant for every row."""
    unit: Annotated[Literal["ms", "s", "min", "h", "minor"], OneOf(("ms", "s", "min", "h", "minor"))] | None = None
    """Unit of a duration, or minor for money in cents. Default: seconds, and money in whole units."""
    required: bool = False
    """Reject rows in which it is empty. Always true for `id`."""
    optional: bool = False
    """For `rest` and `push`: accept rows without the field. Otherwise only an empty field is accepted."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.required and self.optional:
            raise invalid("required and optional cannot be combined", "keep one of them")
        if (self.from_ is None) == (self.value is None):
            raise invalid("a column needs exactly one of from and value", "from: FIELD, or value: CONSTANT")
        return self

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields to read it from; empty for a constant."""
        if self.from_ is None:
            return ()
        return (self.from_,) if isinstance(self.from_, str) else self.from_

    @property
    def formats(self) -> tuple[str, ...]:
        """The time formats to try, in order."""
        if self.format is None:
            return ()
        return (self.format,) if isinstance(self.format, str) else self.format


def _from_name(value: Any) -> Any:
    return {"from": value} if isinstance(value, str) else value


def _with_id(columns: dict[str, ColumnSource]) -> dict[str, ColumnSource]:
    if "id" not in columns:
        raise invalid("columns must contain id", "id: the field that identifies a row")
    return columns


ColumnMap = Annotated[
    dict[ColumnName, Annotated[ColumnSource, BeforeValidator(_from_name, json_schema_input_type=str | ColumnSource)]],
    AfterValidator(_with_id),
]
"""Our column, or attributes.NAME, to its source."""


def _parameter_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


TextParameters = dict[
    Annotated[str, TextPattern(r"[^\s=&?#]{1,128}", "the name of a parameter")],
    Annotated[str, BeforeValidator(_parameter_text, json_schema_input_type=str | bool | float)],
]
"""Query parameters or headers. Numbers and booleans are written as in JSON."""


_CREDENTIALS = frozenset(
    {
        "authorization", "proxy_authorization", "cookie", "x_api_key", "api_key", "apikey", "key", "token",
        "access_token", "x_auth_token", "auth_token", "secret", "client_secret", "password",
    }
)  # fmt: skip


def no_credentials(parameters: dict[str, str]) -> dict[str, str]:
    """The parameters unchanged. Raises ValueError if one of them is named like a credential."""
    for name in parameters:
        if name.lower().replace("-", "_") in _CREDENTIALS:
            raise invalid("a credential is not allowed here", "use auth: bearer, basic, header, query or oauth")
    return parameters
