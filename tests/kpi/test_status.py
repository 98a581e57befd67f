"""Bands and hysteresis (maths 8.7)."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.company import Bands
from exporter.config.fields import Status
from exporter.kpi.memory import Held
from exporter.kpi.status import HYSTERESIS, RANKS, band, guarded, settle
from tests.kpi.golden import cases

_ratios = st.floats(-1, 3)


def statuses(ratios: list[float], bands: Bands) -> list[Status]:
    found, held = [], None
    for ratio in ratios:
        held = settle(ratio, bands, held)
        found.append(held.status)
    return found


@pytest.mark.parametrize("case", cases("status"))
def test_statuses_as_worked_out_by_hand(case: dict[str, Any]) -> None:
    bands = Bands.model_validate(case.get("bands", {}))
    assert statuses(case["ratios"], bands) == [Status(name) for name in case["statuses"]]


def test_noise_flips_the_status_without_hysteresis_and_hardly_with_it() -> None:
    noise = random.Random(8)
    ratios = [noise.gauss(1.0, 0.008) for _ in range(500)]
    plain = [band(ratio, Bands()) for ratio in ratios]
    held = statuses(ratios, Bands())
    assert flips(plain) > 200
    assert flips(held) < 10


def flips(found: list[Status]) -> int:
    return sum(one is not other for one, other in pairwise(found))


@given(st.lists(_ratios, min_size=1, max_size=30))
def test_a_status_is_never_worse_than_the_bands_say(ratios: list[float]) -> None:
    for ratio, status in zip(ratios, statuses(ratios, Bands()), strict=True):
        assert RANKS[status] >= RANKS[band(ratio, Bands())]


@given(_ratios, st.sampled_from(sorted(RANKS)))
def test_a_ratio_that_lasts_decides_in_two_evaluations(ratio: float, before: Status) -> None:
    once = settle(ratio, Bands(), Held(before))
    settled = settle(ratio, Bands(), once)
    assert settle(ratio, Bands(), settled) == settled
    assert RANKS[band(ratio, Bands())] <= RANKS[settled.status] <= RANKS[band(ratio + HYSTERESIS, Bands())]


@given(_ratios)
def test_without_memory_the_bands_alone_decide(ratio: float) -> None:
    assert settle(ratio, Bands(), None) == Held(band(ratio, Bands()))


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        (Status.EXCEEDED, Status.AT_RISK),
        (Status.ON_TRACK, Status.AT_RISK),
        (Status.AT_RISK, Status.AT_RISK),
        (Status.OFF_TRACK, Status.OFF_TRACK),
        (Status.NO_TARGET, Status.NO_TARGET),
        (Status.TOO_EARLY, Status.TOO_EARLY),
    ],
)
def test_what_a_guard_that_is_off_track_allows(status: Status, allowed: Status) -> None:
    assert guarded(status) is allowed
