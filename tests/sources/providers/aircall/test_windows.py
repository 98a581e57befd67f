"""Windows of calls: how far they have been read, and missing rows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from exporter.errors import IncompletePassError
from exporter.records import Call
from exporter.sources.providers.aircall.reading import CallWindow

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize("window", [CallWindow(5), CallWindow(5, 9, "2:50", 50, 80, NOON, NOON, shrunk=True)])
def test_a_stored_window_is_read_back_unchanged(window: CallWindow) -> None:
    assert CallWindow.from_text(window.to_text()) == window


def test_a_page_advances_the_window_and_its_oldest_and_latest_call() -> None:
    calls = [Call(id="1", started_at=NOON.replace(hour=hour)) for hour in (9, 11)] + [Call(id="2")]
    window = CallWindow(5, 9, oldest=NOON, latest=NOON.replace(hour=10)).after(calls, 3, 80, "2:50", NOON)
    assert (window.rows, window.promised, window.position) == (3, 80, "2:50")
    assert (window.oldest, window.latest) == (NOON.replace(hour=9), NOON.replace(hour=11))


@pytest.mark.parametrize(
    ("totals", "shrunk", "promised"), [((80, 80), False, 80), ((80, 81), False, 80), ((80, 79), True, 79)]
)
def test_a_falling_total_means_that_rows_have_moved(totals: tuple[int, int], shrunk: bool, promised: int) -> None:
    window = CallWindow(5, 9).after([], 0, totals[0], "2", NOON).after([], 0, totals[1], "3", NOON)
    assert (window.shrunk, window.promised) == (shrunk, promised)


def test_the_next_window_starts_in_the_second_in_which_the_last_one_ended() -> None:
    assert CallWindow(5, 9, "3:50", 80, 80, NOON, NOON).next_window(20) == CallWindow(9, oldest=NOON, latest=NOON)


def test_missing_rows_fail_the_pass() -> None:
    with pytest.raises(IncompletePassError, match="80 calls promised, 79 given"):
        CallWindow(5, 9, rows=79, promised=80).next_window(20)
