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

Path = Annotated[str, TextPattern(r"[^\s]{1,200}", "a dotted path into the answer, such as data.items")]
"""A dotted path into a JSON answer, such as data.items."""


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
    """A key in the query; avoid it where a header will do."""

    query: Named
    """Which parameter."""


class OAuthAuth(Section):
    """OAuth 2 client credentials or refresh token."""

    oauth: OAuth
    """The app."""


def _chosen(value: Any, keys: tuple[str, ...]) -> str | None:
    """The tag of the one key that is there: <bearer>. Two of them would be a fault of the chosen section."""
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
        lambda value: _chosen(value, _WAYS), "expected one way to authenticate", f"exactly one of {', '.join(_WAYS)}"
    ),
]


class Size(Section):
    """How many rows a page holds."""

    param: Title
    """The parameter that asks for it."""
    rows: Annotated[int, Field(ge=1, le=10000)]
    """How many."""


class Cursor(Section):
    """The next page's token stands in the body."""

    path: Path
    """Where the token stands."""
    param: Title
    """The parameter that takes it."""
    more: Path | None = None
    """Where a flag says whether there is more."""


class CursorPages(Section):
    """Pages by a cursor in the body."""

    cursor: Cursor
    """Where the cursor stands and goes."""
    size: Size | None = None
    """Rows per page."""


class NextLink(Section):
    """The next page's URL, in the body or the Link header."""

    path: Path | None = None
    """Where it stands in the body."""
    header: Annotated[Literal["Link"], OneOf(("Link",))] | None = None
    """Link: it stands in that header, with rel="next"."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.header is None):
            raise invalid("the link stands in exactly one place", "path: PATH in the body, or header: Link")
        return self


class LinkPages(Section):
    """Pages by following a link."""

    next_link: NextLink
    """Where the link stands."""
    size: Size | None = None
    """Rows per page."""


class PageNumber(Section):
    """Pages are numbered."""

    param: Title = "page"
    """The parameter that takes the number."""
    start: Annotated[int, Field(ge=0)] = 1
    """The first page's number."""
    pages: Path | None = None
    """Where the number of pages stands; else a short or empty page is the last."""


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
        lambda value: "<none>" if value == "none" else _chosen(value, _PAGINGS),
        "not a way of paging",
        f"none, or exactly one of {', '.join(_PAGINGS)}",
    ),
]


class Since(Section):
    """The filter that asks only for what changed."""

    param: Title
    """The parameter that takes the instant."""
    format: Title = "iso"
    """iso, epoch, epoch_ms, or a strftime format; always in UTC."""
    until: Title | None = None
    """The parameter for the upper bound, where there is one: keeps pages from shifting while they are read."""
    lag: Duration = timedelta(0)
    """How long a change may stay invisible at the vendor."""


class Deleted(Section):
    """How a deletion shows in a row."""

    field: Path
    """Where the mark stands."""
    equals: str | bool | int | None = None
    """Deleted where the field has this value; without it, where the field is neither empty nor false."""


class RestEntity(Section):
    """One listing of the API and how its rows become records."""

    entity: EntityName
    """What its rows are, such as tickets."""
    path: Annotated[str, TextPattern(r"/[^\s]*", "a path that begins with /")]
    """Path of the listing below base_url."""
    params: Annotated[TextParameters, AfterValidator(no_credentials)] = Field(default_factory=dict)
    """Query parameters of every request."""
    records: Path | None = None
    """Where the rows lie; without it the answer itself is the list."""
    total: Path | None = None
    """Where the number of all rows stands, for progress."""
    pagination: Pagination = "none"
    """How to come to the next page."""
    since: Since | None = None
    """Without it every pass reads everything."""
    columns: ColumnMap
    """Our columns to the rows' fields; `id` is needed."""
    deleted: Deleted | None = None
    """How a deletion shows in a row, where it does."""
    complete: bool = True
    """A full reading lists every record there is, so those it leaves out were deleted."""
    empty_is_error: bool = True
    """An answer without the list is an error, never zero rows."""
    max_pages: Annotated[int, Field(ge=1)] = 100_000
    """A pass of more pages is broken off as endless."""


class RestOptions(HttpOptions):
    """Any JSON API."""

    provider: Literal["rest"]
    base_url: WebAddress
    """The API's address, without the listings' paths."""
    auth: Auth | None = None
    """How to authenticate; without it, not at all."""
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
        return tuple((("entities", place, "columns"), listing.entity, listing.columns) for place, listing in listings)
