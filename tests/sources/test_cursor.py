"""The last page of a pass is finished, and none is lost to an error."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from exporter.errors import Reason, SourceUnavailableError
from exporter.passes import Page
from exporter.sources.cursor import ended
from tests.sources.account import run


async def _pages(count: int, error: Exception | None = None) -> AsyncIterator[Page]:
    for number in range(count):
        yield Page((), resume=str(number))
    if error is not None:
        raise error


def _finish(page: Page) -> Page:
    return replace(page, resume=None, cursor="there")


async def _gathered(pages: AsyncIterator[Page], into: list[Page]) -> None:
    async for page in ended(pages, _finish):
        into.append(page)  # noqa: PERF401 - what came before an error counts


@pytest.mark.parametrize(("count", "resumes"), [(0, [None]), (1, [None]), (3, ["0", "1", None])])
def test_only_the_last_page_is_finished(count: int, resumes: list[str | None]) -> None:
    found: list[Page] = []
    run(_gathered(_pages(count), found))
    assert [page.resume for page in found] == resumes
    assert [page.cursor for page in found] == [None] * (len(found) - 1) + ["there"]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_every_page_before_an_error_is_given_unfinished(count: int) -> None:
    found: list[Page] = []
    with pytest.raises(SourceUnavailableError):
        run(_gathered(_pages(count, SourceUnavailableError(Reason.TIMEOUT, "late")), found))
    assert [page.resume for page in found] == [str(number) for number in range(count)]
    assert all(page.cursor is None for page in found)
