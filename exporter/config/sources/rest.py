"""Options of the rest provider: any JSON API, described in YAML."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, Tag, model_validator

from exporter.config.fields import Duration, EntityName, OneOf, SecretField, Section, TextPattern, Title, WebAddress
from exporter.config.messages import discriminator, invalid
from exporter.config.sources.base import (
    Bearer,
    ColumnMap,
    HttpOptions,
    OAuth,
    TextParameters,
    no_credentials,
)

Path = Annotated[str, TextPattern(r"[^\s]{1,200}", "a dotted path into the response, such as data.items")]
"""A dotted path into a JSON response, such as data.items."""


class Basic(Section):
    """User and password."""

    user: Title
    """The account's name."""
    password: SecretField
    """Its password."""


class BasicAuth(Section):
    """HTTP basic authentication."""

    basic: Basic
    """User and password."""


class Named(Section):
    """A header or query parameter that carries a key."""

    name: Annotated[str, TextPattern(r"[A-Za-z0-9_\-]{1,64}", "the name of a header or parameter, such as X-Api-Key")]
    """The header's or parameter's name."""
    value: SecretField
    """The key."""


class HeaderAuth(Section):
    """A key in a header."""

    header: Named
    """Which header."""


class QueryAuth(Section):
    """A key in the query. Prefer a header if the API accepts one."""

    query: Named
    """Which parameter."""


class OAuthAuth(Section):
    """OAuth 2 with client credentials or a refresh token."""

    oauth: OAuth
    """The app."""


def _present_tag(value: Any, keys: tuple[str, ...]) -> str | None:
    """The tag of the key that is present, such as <bearer>. A second key is an error of the tagged section."""
    if isinstance(value, dict):
        return next((f"<{key}>" for key in keys if key in value), None)
    return next((f"<{key}>" for key in keys if hasattr(value, key)), None)


_WAYS = ("bearer", "basic", "header", "query", "oauth")

Auth = Annotated[
    Annotated[Bearer, Tag("<bearer>")]
    | Annotated[BasicAuth, Tag("<basic>")]
    | Annotated[HeaderAuth, Tag("<header>")]
    | Annotated[QueryAuth, Tag("<query>")]
    | Annotated[OAuthAuth, Tag("<oauth>")],
    discriminator(
        lambda value: _present_tag(value, _WAYS),
        "expected one way to authenticate",
        f"exactly one of {', '.join(_WAYS)}",
    ),
]


class Size(Section):
    """Rows per page."""

    param: Title
    """The parameter that takes the number of rows."""
    rows: Annotated[int, Field(ge=1, le=10000)]
    """The number of rows to request."""


class Cursor(Section):
    """A token for the next page in the body."""

    path: Path
    """Path of the token."""
    param: Title
    """The parameter that takes it."""
    more: Path | None = None
    """Path of a flag that says whether there are more pages."""


class CursorPages(Section):
    """Pages by a cursor in the body."""

    cursor: Cursor
    """Where the cursor is, and how it is sent."""
    size: Size | None = None
    """Rows per page."""


class NextLink(Section):
    """The next page's URL, in the body or the Link header."""

    path: Path | None = None
    """Path of the URL in the body."""
    header: Annotated[Literal["Link"], OneOf(("Link",))] | None = None
    """Link: the URL is in that header, with rel="next"."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.header is None):
            raise invalid("the link has exactly one place", "path: PATH in the body, or header: Link")
        return self


class LinkPages(Section):
    """Pages by following a link."""

    next_link: NextLink
    """Where the link is."""
    size: Size | None = None
    """Rows per page."""


class PageNumber(Section):
    """Pages are numbered."""

    param: Title = "page"
    """The parameter that takes the number."""
    start: Annotated[int, Field(ge=0)] = 1
    """The first page's number."""
    pages: Path | None = None
    """Path of the number of pages. Without it, a short or empty page is the last."""


class NumberedPages(Section):
    """Pages by number."""

    page: PageNumber
    """How pages are numbered."""
    size: Size
    """Rows per page."""


class Offset(Section):
    """Rows to skip."""

    param: Title = "offset"
    """The parameter that takes the number of rows to skip."""


class OffsetPages(Section):
    """Pages by offset."""

    offset: Offset
    """How rows are skipped."""
    size: Size
    """Rows per page."""


_PAGINGS = ("cursor", "next_link", "page", "offset")

Pagination = Annotated[
    Annotated[Literal["none"], Tag("<none>")]
    | Annotated[CursorPages, Tag("<cursor>")]
    | Annotated[LinkPages, Tag("<next_link>")]
    | Annotated[NumberedPages, Tag("<page>")]
    | Annotated[OffsetPages, Tag("<offset>")],
    discriminator(
        lambda value: "<none>" if value == "none" else _present_tag(value, _PAGINGS),
        "not a way of paging",
        f"none, or exactly one of {', '.join(_PAGINGS)}",
    ),
]


class Since(Section):
    """The filter for changes."""

    param: Title
    """The parameter that takes the instant."""
    format: Title = "iso"
    """iso, epoch, epoch_ms, or a strftime format; always in UTC."""
    until: Title | None = None
    """The parameter for the upper bound, if there is one. It keeps pages from shifting while they are read."""
    lag: Duration = timedelta(0)
    """How long the vendor may take to list a change."""


class Deleted(Section):
    """How a row is marked as deleted."""

    field: Path
    """Path of the mark."""
    equals: str | bool | int | None = None
    """Deleted if the field has this value. Default: if it is neither empty nor false."""


class RestEntity(Section):
    """One listing of the API and how its rows become records."""

    entity: EntityName
    """What its rows are, such as tickets."""
    path: Annotated[str, TextPattern(r"/[^\s]*", "a path that begins with /")]
    """Path of the listing below base_url."""
    params: Annotated[TextParameters, AfterValidator(no_credentials)] = Field(default_factory=dict)
    """Query parameters of every request."""
    records: Path | None = None
    """Path of the rows. Without it, the response itself is the list."""
    total: Path | None = None
    """Path of the total number of rows: for progress, and to detect a listing that ends early."""
    pagination: Pagination = "none"
    """How to request the next page."""
    since: Since | None = None
    """The filter for changes. Without it every pass reads everything."""
    columns: ColumnMap
    """Record column to the field of a row; `id` is required."""
    deleted: Deleted | None = None
    """How deleted rows are marked, if they are."""
    complete: bool = True
    """Whether a full listing contains every record, so that missing ones were deleted."""
    empty_is_error: bool = True
    """Whether a response without the list is an error rather than zero rows."""
    max_pages: Annotated[int, Field(ge=1)] = 100_000
    """A pass with more pages fails as endless."""


class RestOptions(HttpOptions):
    """Any JSON API, described in the config."""

    provider: Literal["rest"]
    base_url: WebAddress
    """The API's address, without the listings' paths."""
    auth: Auth | None = None
    """How to authenticate. Without it, requests have no credentials."""
    headers: Annotated[TextParameters, AfterValidator(no_credentials)] = Field(default_factory=dict)
    """Headers of every request, without credentials."""
    entities: Annotated[tuple[RestEntity, ...], Field(strict=False, min_length=1)]
    """The listings to read."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The entities of all listings, each once."""
        return tuple(dict.fromkeys(listing.entity for listing in self.entities))

    @property
    def column_maps(self) -> tuple[tuple[tuple[str | int, ...], str, ColumnMap], ...]:
        """One mapping for each listing."""
        listings = enumerate(self.entities)
        return tuple((("entities", index, "columns"), listing.entity, listing.columns) for index, listing in listings)
