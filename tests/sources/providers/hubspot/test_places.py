"""Cursors and resume tokens survive being written down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from exporter.sources.providers.hubspot.places import Cursor, Place

NOW = datetime(2026, 3, 2, 9, 0, 0, 250000, tzinfo=UTC)


def test_a_cursor_comes_back_as_it_was() -> None:
    cursor = Cursor("shape", NOW, NOW - timedelta(minutes=1), 3)
    assert Cursor.of(cursor.text(), "shape") == cursor


def test_a_cursor_of_another_shape_or_none_at_all_means_everything() -> None:
    assert Cursor.of(Cursor("shape", NOW, NOW, 3).text(), "other") is None
    assert Cursor.of(None, "shape") is None


@pytest.mark.parametrize(
    ("pages", "seconds", "due"), [(1, 9, False), (1, 10, True), (0, 0, True), (60, 599, False), (60, 600, True)]
)
def test_the_recycle_bin_costs_a_request_in_ten_seconds(pages: int, seconds: int, due: bool) -> None:
    assert Cursor("shape", NOW, NOW, pages).archived_due(NOW + timedelta(seconds=seconds)) is due


@pytest.mark.parametrize("latest", [NOW, None])
def test_a_place_comes_back_as_it_was(latest: datetime | None) -> None:
    place = Place(True, "after", latest, 2)
    assert Place.of(place.token("shape"), "shape") == place


def test_a_place_of_another_shape_is_the_beginning() -> None:
    assert Place.of(Place(True, "after", NOW, 2).token("shape"), "other") == Place()
    assert Place.of(None, "shape") == Place()
