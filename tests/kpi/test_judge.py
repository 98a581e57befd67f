"""The verdict on one value: which status comes before which."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.config.fields import Better, Status
from exporter.kpi.judge import Verdict, verdict_on
from exporter.kpi.memory import Held
from exporter.kpi.pace import Yardstick, accrued, constant
from exporter.kpi.plan import Plan
from exporter.kpi.ratio import Aim
from exporter.kpi.readings import Reading
from tests.kpi.companies import calendar, config, kpi

AIM = Aim(100, 100, Better.HIGHER)
HALF = accrued(AIM, None, 0.5)


def verdict(reading: Reading, yardstick: Yardstick | None, held: Held | None = None, **settings: Any) -> Verdict:
    told = config(kpi(**settings))
    plan = Plan.of(told, told.kpis[0], calendar())
    standing = (yardstick or HALF).standing(reading.value)
    return verdict_on(plan, reading, yardstick, standing, held)


@pytest.mark.parametrize(
    ("reading", "yardstick", "status"),
    [
        (Reading(None, 0, 1), None, Status.NO_DATA),
        (Reading(None, 0, 1), HALF, Status.NO_DATA),
        (Reading(50, 1, 1), None, Status.NO_TARGET),
        (Reading(50, 1, 1), accrued(AIM, None, 0.05), Status.TOO_FEW),
        (Reading(50, 2, 1), accrued(AIM, None, 0.05), Status.TOO_EARLY),
        (Reading(50, 2, 1), accrued(AIM, None, 0.1), Status.EXCEEDED),
        (Reading(50, 2, 1), HALF, Status.ON_TRACK),
        (Reading(50, 2, 1), constant(AIM, None), Status.OFF_TRACK),
    ],
)
def test_what_stands_in_the_way_of_a_verdict_is_said_first(
    reading: Reading, yardstick: Yardstick | None, status: Status
) -> None:
    assert verdict(reading, yardstick, min_sample=2).status is status


def test_the_pace_decides_while_it_applies() -> None:
    assert verdict(Reading(50, 9, 1), HALF).ratio == 1


def test_the_whole_target_decides_where_no_pace_applies() -> None:
    assert verdict(Reading(50, 9, 1), constant(AIM, None)).ratio == 0.5


def test_too_early_is_for_what_is_paced() -> None:
    assert verdict(Reading(100, 9, 1), constant(AIM, None), min_elapsed=1).status is Status.ON_TRACK


def test_a_verdict_is_remembered_and_anything_else_is_not() -> None:
    assert verdict(Reading(50, 9, 1), HALF).held == Held(Status.ON_TRACK)
    assert verdict(Reading(50, 9, 1), None, Held(Status.ON_TRACK)).held is None


def test_what_was_held_softens_a_fall() -> None:
    found = verdict(Reading(30, 9, 1), HALF, Held(Status.ON_TRACK))
    assert (found.status, found.held) == (Status.ON_TRACK, Held(Status.ON_TRACK, 1))


@pytest.mark.parametrize(("value", "status", "ratio"), [(0.0, Status.ON_TRACK, 1), (1.0, Status.OFF_TRACK, 0)])
def test_without_a_scale_zero_is_met_or_not(value: float, status: Status, ratio: float) -> None:
    zero = accrued(Aim(0, 0, Better.LOWER), None, 0.5)
    assert verdict(Reading(value, 9, 1), zero) == Verdict(status, ratio, None)
