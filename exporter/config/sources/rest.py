"""Options of the rest provider: any JSON API, described in YAML."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from exporter.config.fields import Duration, Name, SecretField, Section, Title, parse_duration
from exporter.config.sources.base import Bearer, ColumnMap, HttpOptions, OAuth

Path = Annotated[str, Field(pattern=r"^[^\s]{1,200}$")]
"""A dotted path into a JSON answer, such as data.items."""


class Basic(Section):
    """User and password."""

    user: Title
    password: SecretField


class BasicAuth(Section):
    """HTTP basic authentication."""

    basic: Basic


class Named(Section):
    """A header or query parameter that carries a key."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{1,64}$")]
    value: SecretField


class HeaderAuth(Section):
    """A key in a header."""

    header: Named


class QueryAuth(Section):
    """A key in the query; avoid it where a header will do."""

    query: Named


class OAuthAuth(Section):
    """OAuth 2 client credentials or refresh token."""

    oauth: OAuth


def _first_key(*keys: str) -> Discriminator:
    def choose(value: Any) -> str | None:
        if isinstance(value, dict):
            return next((key for key in keys if key in value), None)
        return next((key for key in keys if hasattr(value, key)), None)

    return Discriminator(choose, custom_error_type="choice", custom_error_message=f"exactly one of {', '.join(keys)}")


Auth = Annotated[
    Annotated[Bearer, Tag("bearer")]
    | Annotated[BasicAuth, Tag("basic")]
    | Annotated[HeaderAuth, Tag("header")]
    | Annotated[QueryAuth, Tag("query")]
    | Annotated[OAuthAuth, Tag("oauth")],
    _first_key("bearer", "basic", "header", "query", "oauth"),
]


class Size(Section):
    """How many rows a page holds."""

    param: Title
    rows: Annotated[int, Field(ge=1, le=10000)]


class Cursor(Section):
    """The next page's token stands in the body."""

    path: Path
    param: Title
    more: Path | None = None
    """Where a flag says whether there is more."""


class CursorPages(Section):
    """Pages by a cursor in the body."""

    cursor: Cursor
    size: Size | None = None


class NextLink(Section):
    """The next page's URL, in the body or the Link header."""

    path: Path | None = None
    header: Literal["Link"] | None = None

    @model_validator(mode="after")
    def _one_place(self) -> NextLink:
        if (self.path is None) == (self.header is None):
            raise ValueError("exactly one of path and header: Link")
        return self


class LinkPages(Section):
    """Pages by following a link."""

    next_link: NextLink
    size: Size | None = None


class PageNumber(Section):
    """Pages are numbered."""

    param: Title = "page"
    start: Annotated[int, Field(ge=0)] = 1
    pages: Path | None = None
    """Where the number of pages stands; else a short or empty page is the last."""


class NumberedPages(Section):
    """Pages by number."""

    page: PageNumber
    size: Size


class Offset(Section):
    """Rows to skip."""

    param: Title = "offset"


class OffsetPages(Section):
    """Pages by offset."""

    offset: Offset
    size: Size


def _paging(value: Any) -> str | None:
    if value == "none":
        return "none"
    keys = ("cursor", "next_link", "page", "offset")
    if isinstance(value, dict):
        return next((key for key in keys if key in value), None)
    return next((key for key in keys if hasattr(value, key)), None)


Pagination = Annotated[
    Annotated[Literal["none"], Tag("none")]
    | Annotated[CursorPages, Tag("cursor")]
    | Annotated[LinkPages, Tag("next_link")]
    | Annotated[NumberedPages, Tag("page")]
    | Annotated[OffsetPages, Tag("offset")],
    Discriminator(
        _paging,
        custom_error_type="choice",
        custom_error_message="none, or exactly one of cursor, next_link, page, offset",
    ),
]


class Since(Section):
    """The filter that asks only for what changed."""

    param: Title
    format: str = "iso"
    """iso, epoch, epoch_ms, or a strftime format; always in UTC."""
    until: Title | None = None
    """The parameter for the upper bound, where there is one: keeps pages from shifting while they are read."""
    lag: Duration = parse_duration("0s")
    """How long a change may stay invisible at the vendor."""


class Deleted(Section):
    """How a deletion shows in a row."""

    field: Path
    equals: str | bool | None = None
    """Deleted where the field has this value; without it, where the field is neither empty nor false."""


class RestEntity(Section):
    """One listing of the API and how its rows become records."""

    entity: Name
    path: Annotated[str, Field(pattern=r"^/[^\s]*$")]
    params: dict[str, str] = Field(default_factory=dict)
    records: Path | None = None
    """Where the rows lie; without it the answer itself is the list."""
    total: Path | None = None
    """Where the number of all rows stands, for progress."""
    pagination: Pagination = "none"
    since: Since | None = None
    """Without it every pass reads everything."""
    columns: ColumnMap
    deleted: Deleted | None = None
    complete: bool = True
    """A full reading lists every record there is, so those it leaves out were deleted."""
    empty_is_error: bool = True
    """An answer without the list is an error, never zero rows."""
    max_pages: Annotated[int, Field(ge=1)] = 100_000
    """A pass of more pages is broken off as endless."""

    @model_validator(mode="after")
    def _has_id(self) -> RestEntity:
        if "id" not in self.columns:
            raise ValueError("columns needs an id: what names a row uniquely")
        return self


class RestOptions(HttpOptions):
    """Any JSON API."""

    provider: Literal["rest"]
    base_url: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+[^\s?#]*$")]
    auth: Auth | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    entities: Annotated[tuple[RestEntity, ...], Field(strict=False, min_length=1)]

    @property
    def overlap(self) -> timedelta:
        """The lookback with its default applied."""
        return self.lookback if self.lookback is not None else timedelta(minutes=5)

    @property
    def reads(self) -> tuple[str, ...]:
        """The entities of all listings, each once."""
        return tuple(dict.fromkeys(listing.entity for listing in self.entities))
