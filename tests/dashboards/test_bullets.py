"""Bullet bars: every number has one picture, drawn to scale."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from dashboards.bullets import bullet, bullet_mappings


def widths(picture: str) -> list[str]:
    svg = ElementTree.fromstring(picture.removeprefix("data:image/svg+xml,").replace("%23", "#"))
    return [part.attrib["width"] for part in svg]


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (0, ["1", "119", "4"]),
        (0.84, ["101", "19", "4"]),
        (1, ["120", "4"]),
        (1.31, ["157", "4"]),
        (7, ["180", "4"]),
    ],
)
def test_a_full_plan_is_120_pixels_and_a_gap_is_drawn_where_it_is_short(ratio: float, expected: list[str]) -> None:
    assert widths(bullet(ratio)) == expected


def test_the_ranges_leave_no_number_without_a_picture() -> None:
    *ranges, nothing = bullet_mappings()
    limits = [(entry["options"]["from"], entry["options"]["to"]) for entry in ranges]
    assert [low for low, _ in limits[1:]] == [high for _, high in limits[:-1]]
    assert (limits[0][0], limits[-1][1]) == (-1e9, 1e9)
    assert nothing["options"] == {"match": "null+nan", "result": {"index": len(ranges), "text": ""}}


def test_a_picture_is_a_data_url_without_characters_that_end_it() -> None:
    assert re.fullmatch(r"data:image/svg\+xml,<svg [^\"#]*</svg>", bullet(0.84))
