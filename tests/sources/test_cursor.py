"""The next pass starts where this one is complete, and the last page carries its cursor."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from exporter.errors import Reason, SourceUnavailableError
from exporter.passes import Page, Pass
from exporter.sources.cursor import StoredPosition, finish_last_page, next_cursor
from tests.sources.account import run
from tests.sources.source_context import NOW

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("cursor", "skew", "latest", "expected"),
    [
        (None, 0.0, NOW, NOW - MINUTE),
        (None, 600.0, NOW, NOW - MINUTE),
        (None, -600.0, NOW, NOW - 11 * MINUTE),
        (None, 0.0, NOW - 9 * MINUTE, NOW - 9 * MINUTE),
        (None, 0.0, NOW + 9 * MINUTE, NOW - MINUTE),
        (NOW - 2 * MINUTE, -600.0, NOW, NOW - 2 * MINUTE),
        (NOW - 2 * MINUTE, 0.0, NOW - 9 * MINUTE, NOW - 2 * MINUTE),
        (NOW - 2 * MINUTE, 0.0, None, NOW - 2 * MINUTE),
    ],
)
def test_the_cursor_stays_behind_the_vendors_clock_and_never_goes_back(
    cursor: datetime | None, skew: float, latest: datetime | None, expected: datetime
) -> None:
    sync_pass = Pass("deals", NOW, cursor.isoformat() if cursor else None)
    assert next_cursor(sync_pass, latest, skew=skew, lag=MINUTE) == expected.isoformat()


def test_there_is_no_cursor_before_the_first_change_is_read() -> None:
    assert next_cursor(Pass("deals", NOW), None) is None


async def _pages(count: int, error: Exception | None = None) -> AsyncIterator[Page]:
    for number in range(count):
        yield Page((), resume=str(number))
    if error is not None:
        raise error


def _finish(page: Page) -> Page:
    return replace(page, resume=None, cursor="there")


async def _collect(pages: AsyncIterator[Page], into: list[Page]) -> None:
    async for page in finish_last_page(pages, _finish):
        into.append(page)  # noqa: PERF401 - pages that came before an error count


@pytest.mark.parametrize(("count", "resumes"), [(0, [None]), (1, [None]), (3, ["0", "1", None])])
def test_only_the_last_page_is_finished(count: int, resumes: list[str | None]) -> None:
    pages: list[Page] = []
    run(_collect(_pages(count), pages))
    assert [page.resume for page in pages] == resumes
    assert [page.cursor for page in pages] == [None] * (len(pages) - 1) + ["there"]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_every_page_before_an_error_is_given_unfinished(count: int) -> None:
    pages: list[Page] = []
    with pytest.raises(SourceUnavailableError):
        run(_collect(_pages(count, SourceUnavailableError(Reason.TIMEOUT, "late")), pages))
    assert [page.resume for page in pages] == [str(number) for number in range(count)]
    assert all(page.cursor is None for page in pages)


@dataclass(frozen=True, slots=True)
class Position(StoredPosition):
    """A position as a provider defines it."""

    since: datetime | None
    offset: int
    ids: tuple[str, ...] = ()


@pytest.mark.parametrize("position", [Position(NOW, 7, ("a", "b")), Position(None, 0)])
def test_a_stored_position_is_read_as_it_was_written(position: Position) -> None:
    assert Position.from_text(position.to_text()) == position


@pytest.mark.parametrize("text", ['{"since": null, "offset": 7, "ids": []}', "[null]", "7"])
def test_a_stored_position_of_another_shape_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=r"list|shorter"):
        Position.from_text(text)
