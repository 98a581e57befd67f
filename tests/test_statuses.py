"""The table of statuses: what stored history and the dashboards rely on."""

from __future__ import annotations

import pytest

from exporter.config.fields import Status
from exporter.statuses import BY_CODE, STATUSES, VERDICTS, colours, severity
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
def test_each_verdict_has_a_colour_of_its_own_and_everything_else_is_grey(palette: str) -> None:
    by_status = colours(samples.small(dashboards={"palette": palette}))
    assert len({by_status[status] for status in VERDICTS}) == 4
    assert {by_status[status] for status in Status if status not in VERDICTS} == {"#8E8E8E"}


def test_the_default_palette_shows_on_track_in_blue() -> None:
    assert colours(samples.small())[Status.ON_TRACK] == "#5794F2"
