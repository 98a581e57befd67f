"""The table of statuses: what stored history and the dashboards rely on."""

from __future__ import annotations

import pytest

from exporter.config.fields import Status
from exporter.statuses import BY_CODE, BY_RANK, GREY, STATUSES, VERDICTS, Colour, colours, severity
from tests.dashboards import samples

CODES = {
    "exceeded": 9,
    "on_track": 8,
    "at_risk": 7,
    "off_track": 6,
    "no_target": 5,
    "no_data": 4,
    "stale": 3,
    "too_early": 2,
    "too_few": 1,
    "day_off": 0,
}
"""Charts of stored history are drawn with these numbers: add a status with a new number, never change one."""


def test_every_status_has_a_row() -> None:
    assert set(STATUSES) == set(Status)


@pytest.mark.parametrize(("name", "code"), CODES.items())
def test_the_code_of_a_status_never_changes(name: str, code: int) -> None:
    assert STATUSES[Status(name)].code == code


def test_every_status_has_a_code_of_its_own() -> None:
    assert len({spec.code for spec in STATUSES.values()}) == len(STATUSES) == len(BY_CODE)


def test_the_words_are_the_exposed_name_with_a_space_as_the_dashboards_derive_them() -> None:
    for status, spec in STATUSES.items():
        assert spec.label == status.value.replace("_", " ", 1), status


def test_verdicts_are_ranked_from_best_to_worst_and_told_apart_by_symbol() -> None:
    assert VERDICTS == (Status.EXCEEDED, Status.ON_TRACK, Status.AT_RISK, Status.OFF_TRACK)
    assert [severity(status) for status in VERDICTS] == [0, 1, 2, 3]
    assert len({STATUSES[status].symbol for status in VERDICTS}) == 4
    assert {severity(status) for status in Status if status not in VERDICTS} == {None}


@pytest.mark.parametrize("palette", ["safe", "traffic"])
def test_bad_and_good_verdicts_have_colours_of_their_own_and_everything_else_is_grey(palette: str) -> None:
    by_status = colours(samples.small(dashboards={"palette": palette}))
    assert by_status[Status.EXCEEDED] == by_status[Status.ON_TRACK], "their symbols differ"
    assert len({by_status[status] for status in VERDICTS}) == 3
    assert {by_status[status] for status in Status if status not in VERDICTS} == {GREY}


def test_the_default_palette_is_red_orange_and_blue_in_the_shades_of_grafanas_themes() -> None:
    by_status = colours(samples.small())
    assert by_status[Status.OFF_TRACK] == Colour("red", light="#E02F44", dark="#F2495C")
    assert by_status[Status.AT_RISK] == Colour("orange", light="#FF780A", dark="#FF9830")
    assert by_status[Status.ON_TRACK] == Colour("blue", light="#3274D9", dark="#5794F2")


def test_the_traffic_palette_is_green_where_the_other_is_blue() -> None:
    by_status = colours(samples.small(dashboards={"palette": "traffic"}))
    assert [by_status[status].name for status in VERDICTS] == ["green", "green", "orange", "red"]


def test_lists_begin_with_the_worst_verdict_and_end_with_what_has_no_data() -> None:
    assert [spec.label for spec in BY_RANK] == [
        "off track", "at risk", "on track", "exceeded", "too early", "day off", "too few", "no target", "stale",
        "no data",
    ]  # fmt: skip
    assert STATUSES[Status.DAY_OFF].rank == STATUSES[Status.TOO_EARLY].rank == 5
