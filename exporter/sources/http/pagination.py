"""Ways of paging, each a small object, and the walk through the pages with its guards against endless ones.

A position is text, so that it can be kept and taken up again: None is the first page.
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
    """How to ask for one page: parameters to add, or a whole link that replaces path and parameters."""

    params: Mapping[str, str] = field(default_factory=dict)
    link: str | None = None


class Paginator(Protocol):
    """Knows how to ask for the page at a position and where the one after it is."""

    def ask(self, position: str | None) -> PageRequest:
        """What to send for the page at the position."""
        ...

    def following(self, answer: ApiResponse, rows: int, position: str | None) -> str | None:
        """The position after this answer, which held so many rows; None where it was the last page."""
        ...

    @property
    def shifts(self) -> bool:
        """True where rows that vanish while pages are read push later ones past the reader."""
        ...


@dataclass(frozen=True, slots=True)
class PageSize:
    """How many rows to ask for."""

    param: str
    rows: int


def _sized(size: PageSize | None) -> dict[str, str]:
    return {size.param: str(size.rows)} if size else {}


@dataclass(frozen=True, slots=True)
class SinglePagePaginator:
    """Everything in one answer."""

    shifts: bool = False

    def ask(self, position: str | None) -> PageRequest:  # noqa: ARG002 - there is only one
        """Nothing to add."""
        return PageRequest()

    def following(self, answer: ApiResponse, rows: int, position: str | None) -> str | None:  # noqa: ARG002
        """There is none."""
        return None


@dataclass(frozen=True, slots=True)
class CursorPaginator:
    """The next page's token stands in the body; `more` is where a flag says whether there is one."""

    path: str
    param: str
    size: PageSize | None = None
    more: str | None = None
    shifts: bool = False

    def ask(self, position: str | None) -> PageRequest:
        """The token as parameter."""
        return PageRequest(_sized(self.size) | ({self.param: position} if position is not None else {}))

    def following(self, answer: ApiResponse, rows: int, position: str | None) -> str | None:  # noqa: ARG002
        """The token; raises SourceRejectedError(SCHEMA) where more is promised without one."""
        more = find(answer.body, self.more) if self.more else True
        if more in (None, ABSENT, False, "false", 0):
            return None
        token = _token(find(answer.body, self.path))
        if token is None and self.more:
            raise SourceRejectedError(Reason.SCHEMA, f"{self.more} promises more, but {self.path} holds no cursor")
        return token


def _token(value: Any) -> str | None:
    if value is None or value is ABSENT or value == "" or value is False:
        return None
    if isinstance(value, str | int) and value is not True:
        return str(value)
    raise SourceRejectedError(Reason.SCHEMA, "the next page's cursor is neither a text nor a number")


@dataclass(frozen=True, slots=True)
class LinkPaginator:
    """The next page's URL stands in the body at `path`, or without one in the Link header.

    `secret_params` are taken out of links: a position is stored, a credential must not be.
    """

    path: str | None = None
    size: PageSize | None = None
    secret_params: Collection[str] = ()
    shifts: bool = False

    def ask(self, position: str | None) -> PageRequest:
        """The link itself."""
        return PageRequest(link=position) if position is not None else PageRequest(_sized(self.size))

    def following(self, answer: ApiResponse, rows: int, position: str | None) -> str | None:  # noqa: ARG002
        """The link as an absolute URL; whether it may be followed is the client's to say."""
        in_header = _next_link(answer.headers.get("link", ""))
        link = _token(find(answer.body, self.path)) if self.path else in_header
        if link is None:
            return None
        try:
            url = httpx.URL(answer.url).join(link)
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
    """Pages are numbered from `start`; `pages` or `total` say how many there are, else a short page is the last."""

    size: PageSize
    param: str = "page"
    start: int = 1
    pages: str | None = None
    total: str | None = None
    shifts: bool = True

    def ask(self, position: str | None) -> PageRequest:
        """The page's number."""
        return PageRequest({**_sized(self.size), self.param: str(_counted(position, self.start)[0])})

    def following(self, answer: ApiResponse, rows: int, position: str | None) -> str | None:
        """The next number while there are pages."""
        number, largest = _counted(position, self.start)
        pages = find(answer.body, self.pages) if self.pages else None
        if isinstance(pages, int):
            more = number < pages + self.start - 1
        else:
            read = (number - self.start) * largest + rows
            more = _goes_on(rows, self.size.rows, largest, _left(answer, self.total, read))
        return f"{number + 1}:{max(largest, rows)}" if more else None


@dataclass(frozen=True, slots=True)
class OffsetPaginator:
    """A number of rows to skip; `total` says how many there are, else a short page is the last."""

    size: PageSize
    param: str = "offset"
    total: str | None = None
    shifts: bool = True

    def ask(self, position: str | None) -> PageRequest:
        """The rows to skip."""
        return PageRequest({**_sized(self.size), self.param: str(_counted(position, 0)[0])})

    def following(self, answer: ApiResponse, rows: int, position: str | None) -> str | None:
        """What has been read so far, whatever page size the vendor really gives."""
        offset, largest = _counted(position, 0)
        more = _goes_on(rows, self.size.rows, largest, _left(answer, self.total, offset + rows))
        return f"{offset + rows}:{max(largest, rows)}" if more else None


def _counted(position: str | None, start: int) -> tuple[int, int]:
    """Number and largest page so far, out of `7:100`."""
    if position is None:
        return start, 0
    number, _, largest = position.partition(":")
    return int(number), int(largest)


def _left(answer: ApiResponse, total: str | None, read: int) -> int | None:
    found = find(answer.body, total) if total else None
    return found - read if isinstance(found, int) else None


def _goes_on(rows: int, asked: int, largest: int, left: int | None) -> bool:
    """Whether a page is to be followed by another.

    A vendor may give fewer rows a page than asked for, without a word. So a first page that is short by a round
    number is followed, and later pages are measured by the largest page that came.
    """
    if rows == 0:
        return False
    if left is not None:
        return left > 0
    return rows >= (largest or asked) or (largest == 0 and rows % 5 == 0)


@dataclass(frozen=True, slots=True)
class VendorPage:
    """The rows of one page, and where the next one is (None: this was the last)."""

    rows: Sequence[Any]
    following: str | None
    answer: ApiResponse


@dataclass(frozen=True, slots=True)
class ListRequest:
    """What to walk through: a path with its own parameters, how it pages, and where an answer's rows are."""

    path: str
    params: Mapping[str, str]
    paginator: Paginator
    rows: Callable[[ApiResponse], Sequence[Any]]
    max_pages: int = MAX_PAGES
    headers: Mapping[str, str] = field(default_factory=dict)


async def walk(client: SourceClient, listed: ListRequest, position: str | None = None) -> AsyncIterator[VendorPage]:
    """The pages from a position on. A position that comes back is noticed before its rows are taken.

    Raises IncompletePassError (PAGINATION_LOOP, PAGE_LIMIT) and what the client raises.
    """
    seen = {position}
    before: Sequence[Any] = ()
    for _ in range(listed.max_pages):
        answer = await _fetch(client, listed, position)
        rows = listed.rows(answer)
        following = listed.paginator.following(answer, len(rows), position)
        if following is not None and (following in seen or (rows and rows == before)):
            raise IncompletePassError(Reason.PAGINATION_LOOP, f"{listed.path}: the same page came again")
        yield VendorPage(rows, following, answer)
        if following is None:
            return
        seen.add(following)
        position, before = following, rows
    raise IncompletePassError(Reason.PAGE_LIMIT, f"{listed.path}: no end after {listed.max_pages} pages")


async def _fetch(client: SourceClient, listed: ListRequest, position: str | None) -> ApiResponse:
    step = listed.paginator.ask(position)
    if step.link is not None:
        return await client.get(step.link, headers=listed.headers)
    return await client.get(listed.path, {**listed.params, **step.params}, listed.headers)
