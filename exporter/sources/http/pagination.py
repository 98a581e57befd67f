"""Pagination styles, each a small object, and `walk`, which reads the pages and detects endless ones.

A position is text, so that it can be stored and resumed; None is the first page.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

from exporter.errors import IncompletePassError, Reason, SourceRejectedError
from exporter.sources.http.client import ApiResponse, SourceClient
from exporter.sources.parsing.json_path import ABSENT, find

MAX_PAGES = 100_000

_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[A-Za-z*]+\s*=\s*(?:\"[^\"]*\"|[^\s\",;]+))*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s\",;]+))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The request for one page: parameters to add, or a complete link that replaces path and parameters."""

    params: Mapping[str, str] = field(default_factory=dict)
    link: str | None = None


class Paginator(Protocol):
    """Builds the request for the page at a position, and finds the position of the next page."""

    def request(self, position: str | None) -> PageRequest:
        """The request for the page at the position."""
        ...

    def following(self, response: ApiResponse, rows: int, position: str | None) -> str | None:
        """The position after this response, which has so many rows; None if it is the last page."""
        ...

    @property
    def shifts(self) -> bool:
        """Whether rows that disappear during a pass move later rows to pages already read."""
        ...


@dataclass(frozen=True, slots=True)
class PageSize:
    """The parameter that sets the rows per page, and its value."""

    param: str
    rows: int


def _size_params(size: PageSize | None) -> dict[str, str]:
    return {size.param: str(size.rows)} if size else {}


@dataclass(frozen=True, slots=True)
class SinglePagePaginator:
    """All rows in one response."""

    shifts: bool = False

    def request(self, position: str | None) -> PageRequest:  # noqa: ARG002 - there is only one
        """No parameters."""
        return PageRequest()

    def following(self, response: ApiResponse, rows: int, position: str | None) -> str | None:  # noqa: ARG002
        """Always None."""
        return None


@dataclass(frozen=True, slots=True)
class CursorPaginator:
    """The next page's cursor is in the body at `path`; `more` is the path of a flag for further pages, if any."""

    path: str
    param: str
    size: PageSize | None = None
    more: str | None = None
    shifts: bool = False

    def request(self, position: str | None) -> PageRequest:
        """The cursor as a parameter."""
        return PageRequest(_size_params(self.size) | ({self.param: position} if position is not None else {}))

    def following(self, response: ApiResponse, rows: int, position: str | None) -> str | None:  # noqa: ARG002
        """The cursor; raises SourceRejectedError(SCHEMA) if the flag announces more pages but there is no cursor."""
        has_more = find(response.body, self.more) if self.more else True
        if has_more in (None, ABSENT, False, "false", 0):
            return None
        cursor = _cursor_text(find(response.body, self.path))
        if cursor is None and self.more:
            message = f"{self.more} announces more pages, but {self.path} has no cursor"
            raise SourceRejectedError(Reason.SCHEMA, message)
        return cursor


def _cursor_text(value: Any) -> str | None:
    if value is None or value is ABSENT or value == "" or value is False:
        return None
    if isinstance(value, str | int) and value is not True:
        return str(value)
    raise SourceRejectedError(Reason.SCHEMA, "the next page's cursor is neither text nor a number")


@dataclass(frozen=True, slots=True)
class LinkPaginator:
    """The next page's URL is in the body at `path`, or, without a path, in the Link header.

    `secret_params` are removed from links: a position is stored, and a credential must not be.
    """

    path: str | None = None
    size: PageSize | None = None
    secret_params: Collection[str] = ()
    shifts: bool = False

    def request(self, position: str | None) -> PageRequest:
        """The link itself."""
        return PageRequest(link=position) if position is not None else PageRequest(_size_params(self.size))

    def following(self, response: ApiResponse, rows: int, position: str | None) -> str | None:  # noqa: ARG002
        """The link as an absolute URL; the client decides whether it may be followed."""
        in_header = _next_link(response.headers.get("link", ""))
        link = _cursor_text(find(response.body, self.path)) if self.path else in_header
        if link is None:
            return None
        try:
            url = httpx.URL(response.url).join(link)
        except (httpx.InvalidURL, ValueError):
            raise SourceRejectedError(Reason.BLOCKED_ORIGIN, "the link to the next page is not a valid URL") from None
        for name in self.secret_params:
            url = url.copy_remove_param(name)
        return str(url)


def _next_link(header: str) -> str | None:
    for link, parameters in _LINK.findall(header):
        rel = _REL.search(parameters)
        if rel and "next" in (rel[1] or rel[2]).lower().split():
            return str(link)
    return None


@dataclass(frozen=True, slots=True)
class NumberedPaginator:
    """Pages are numbered from `start`; `pages` or `total` are paths of their count, else a short page is the last."""

    size: PageSize
    param: str = "page"
    start: int = 1
    pages: str | None = None
    total: str | None = None
    shifts: bool = True

    def request(self, position: str | None) -> PageRequest:
        """The page's number."""
        return PageRequest({**_size_params(self.size), self.param: str(_parse_position(position, self.start)[0])})

    def following(self, response: ApiResponse, rows: int, position: str | None) -> str | None:
        """The next number while there are pages."""
        number, largest = _parse_position(position, self.start)
        pages = find(response.body, self.pages) if self.pages else None
        if isinstance(pages, int):
            has_more = number < pages + self.start - 1
        else:
            rows_read = (number - self.start) * largest + rows
            has_more = _has_more(rows, self.size.rows, largest, _remaining(response, self.total, rows_read))
        return f"{number + 1}:{max(largest, rows)}" if has_more else None


@dataclass(frozen=True, slots=True)
class OffsetPaginator:
    """A number of rows to skip; `total` is the path of the row count, else a short page is the last."""

    size: PageSize
    param: str = "offset"
    total: str | None = None
    shifts: bool = True

    def request(self, position: str | None) -> PageRequest:
        """The rows to skip."""
        return PageRequest({**_size_params(self.size), self.param: str(_parse_position(position, 0)[0])})

    def following(self, response: ApiResponse, rows: int, position: str | None) -> str | None:
        """The number of rows read so far, whatever page size the vendor applies."""
        offset, largest = _parse_position(position, 0)
        has_more = _has_more(rows, self.size.rows, largest, _remaining(response, self.total, offset + rows))
        return f"{offset + rows}:{max(largest, rows)}" if has_more else None


def _parse_position(position: str | None, start: int) -> tuple[int, int]:
    """The number, and the rows of the largest page so far, in a position such as `7:100`."""
    if position is None:
        return start, 0
    number, _, largest = position.partition(":")
    return int(number), int(largest)


def _remaining(response: ApiResponse, total_path: str | None, rows_read: int) -> int | None:
    total = find(response.body, total_path) if total_path else None
    return total - rows_read if isinstance(total, int) else None


def _has_more(rows: int, requested: int, largest: int, remaining: int | None) -> bool:
    """Whether another page follows.

    A vendor may silently return fewer rows per page than requested. So a first page that is short, but with a round
    number of rows, is followed, and later pages are compared with the largest page so far.
    """
    if rows == 0:
        return False
    if remaining is not None:
        return remaining > 0
    return rows >= (largest or requested) or (largest == 0 and rows % 5 == 0)


@dataclass(frozen=True, slots=True)
class VendorPage:
    """The rows of one page, and the position of the next one (None: this is the last)."""

    rows: Sequence[Any]
    following: str | None
    response: ApiResponse


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A list to read: its path and parameters, how it pages, and a function that gives the rows of a response."""

    path: str
    params: Mapping[str, str]
    paginator: Paginator
    rows_of: Callable[[ApiResponse], Sequence[Any]]
    max_pages: int = MAX_PAGES
    headers: Mapping[str, str] = field(default_factory=dict)


async def walk(client: SourceClient, listing: ListRequest, position: str | None = None) -> AsyncIterator[VendorPage]:
    """The pages from a position on. A position that repeats is detected before its rows are used.

    Raises IncompletePassError (PAGINATION_LOOP, PAGE_LIMIT) and what the client raises.
    """
    positions = {position}
    previous_rows: Sequence[Any] = ()
    for _ in range(listing.max_pages):
        request = listing.paginator.request(position)
        if request.link is not None:
            response = await client.get(request.link, headers=listing.headers)
        else:
            response = await client.get(listing.path, {**listing.params, **request.params}, listing.headers)
        rows = listing.rows_of(response)
        following = listing.paginator.following(response, len(rows), position)
        if following is not None and (following in positions or (rows and rows == previous_rows)):
            raise IncompletePassError(Reason.PAGINATION_LOOP, f"{listing.path}: the same page was returned again")
        yield VendorPage(rows, following, response)
        if following is None:
            return
        positions.add(following)
        position, previous_rows = following, rows
    raise IncompletePassError(Reason.PAGE_LIMIT, f"{listing.path}: no end after {listing.max_pages} pages")
