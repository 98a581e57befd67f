"""Bands, hysteresis and its memory, and the verdict on a value."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.company import Bands
from exporter.config.fields import Better, Scope, Status
from exporter.kpi.pace import Yardstick, accrued, constant
from exporter.kpi.plan import Plan
from exporter.kpi.ratio import Aim
from exporter.kpi.readings import KpiReading
from exporter.kpi.status import HYSTERESIS, HeldStatus, StatusMemory, Verdict, band, guarded, settle, verdict_on
from exporter.statuses import VERDICTS
from tests.kpi.configs import calendar_of, config_of, kpi
from tests.kpi.golden import cases, instants
from tests.kpi.scenario import AT, FRESH

_ratios = st.floats(-1, 3)


def statuses(ratios: list[float], bands: Bands) -> list[Status]:
    result, held_status = [], None
    for ratio in ratios:
        held_status = settle(ratio, bands, held_status)
        result.append(held_status.status)
    return result


@pytest.mark.parametrize("case", cases("status"))
def test_statuses_match_the_hand_computed_table(case: dict[str, Any]) -> None:
    bands = Bands.model_validate(case.get("bands", {}))
    assert statuses(case["ratios"], bands) == [Status(name) for name in case["statuses"]]


def test_hysteresis_keeps_noise_from_flipping_the_status() -> None:
    noise = random.Random(8)
    ratios = [noise.gauss(1.0, 0.008) for _ in range(500)]
    plain = [band(ratio, Bands()) for ratio in ratios]
    held_status = statuses(ratios, Bands())
    assert flips(plain) > 200
    assert flips(held_status) < 10


def flips(result: list[Status]) -> int:
    return sum(previous is not current for previous, current in pairwise(result))


@given(st.lists(_ratios, min_size=1, max_size=30))
def test_a_status_is_never_worse_than_the_bands_say(ratios: list[float]) -> None:
    for ratio, status in zip(ratios, statuses(ratios, Bands()), strict=True):
        assert VERDICTS.index(status) <= VERDICTS.index(band(ratio, Bands()))


@given(_ratios, st.sampled_from(sorted(VERDICTS)))
def test_a_lasting_ratio_settles_in_two_evaluations(ratio: float, before: Status) -> None:
    once = settle(ratio, Bands(), HeldStatus(before))
    settled = settle(ratio, Bands(), once)
    assert settle(ratio, Bands(), settled) == settled
    worst, best = band(ratio, Bands()), band(ratio + HYSTERESIS, Bands())
    assert VERDICTS.index(worst) >= VERDICTS.index(settled.status) >= VERDICTS.index(best)


@given(_ratios)
def test_without_memory_the_bands_alone_decide(ratio: float) -> None:
    assert settle(ratio, Bands(), None) == HeldStatus(band(ratio, Bands()))


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        (Status.EXCEEDED, Status.AT_RISK),
        (Status.ON_TRACK, Status.AT_RISK),
        (Status.AT_RISK, Status.AT_RISK),
        (Status.OFF_TRACK, Status.OFF_TRACK),
        (Status.NO_TARGET, Status.NO_TARGET),
        (Status.TOO_EARLY, Status.TOO_EARLY),
        (Status.DAY_OFF, Status.DAY_OFF),
    ],
)
def test_an_off_track_guard_limits_the_status_to_at_risk(status: Status, allowed: Status) -> None:
    assert guarded(status) is allowed


AIM = Aim(100, 100, Better.HIGHER)
HALF = accrued(AIM, None, 0.5)


def verdict(
    reading: KpiReading, yardstick: Yardstick | None, held_status: HeldStatus | None = None, **settings: Any
) -> Verdict:
    config = config_of(kpi(**settings))
    plan = Plan.of(config, config.kpis[0], calendar_of())
    standing = (yardstick or HALF).standing(reading.value)
    period = plan.at(FRESH, AT)
    return verdict_on(period, reading, yardstick, standing, held_status)


@pytest.mark.parametrize(
    ("reading", "yardstick", "status"),
    [
        (KpiReading(None, 0, 1), None, Status.NO_DATA),
        (KpiReading(None, 0, 1), HALF, Status.NO_DATA),
        (KpiReading(50, 1, 1), None, Status.NO_TARGET),
        (KpiReading(50, 1, 1), accrued(AIM, None, 0.05), Status.TOO_FEW),
        (KpiReading(50, 2, 1), accrued(AIM, None, 0.05), Status.TOO_EARLY),
        (KpiReading(50, 2, 1), accrued(AIM, None, 0.1), Status.EXCEEDED),
        (KpiReading(50, 2, 1), HALF, Status.ON_TRACK),
        (KpiReading(50, 2, 1), constant(AIM, None), Status.OFF_TRACK),
    ],
)
def test_reasons_for_having_no_verdict_take_precedence(
    reading: KpiReading, yardstick: Yardstick | None, status: Status
) -> None:
    assert verdict(reading, yardstick, min_sample=2).status is status


def test_the_pace_ratio_decides_while_a_pace_applies() -> None:
    assert verdict(KpiReading(50, 9, 1), HALF).ratio == 1


def test_the_target_ratio_decides_without_a_pace() -> None:
    assert verdict(KpiReading(50, 9, 1), constant(AIM, None)).ratio == 0.5


def test_only_a_paced_kpi_can_be_too_early() -> None:
    assert verdict(KpiReading(100, 9, 1), constant(AIM, None), min_elapsed=1).status is Status.ON_TRACK


def test_only_verdicts_are_remembered() -> None:
    assert verdict(KpiReading(50, 9, 1), HALF).held_status == HeldStatus(Status.ON_TRACK)
    assert verdict(KpiReading(50, 9, 1), None, HeldStatus(Status.ON_TRACK)).held_status is None


def test_the_held_status_delays_a_worse_one() -> None:
    result = verdict(KpiReading(30, 9, 1), HALF, HeldStatus(Status.ON_TRACK))
    assert (result.status, result.held_status) == (Status.ON_TRACK, HeldStatus(Status.ON_TRACK, 1))


@pytest.mark.parametrize(("value", "status", "ratio"), [(0.0, Status.ON_TRACK, 1), (1.0, Status.OFF_TRACK, 0)])
def test_without_a_scale_a_target_of_zero_is_met_or_not_met(value: float, status: Status, ratio: float) -> None:
    zero = accrued(Aim(0, 0, Better.LOWER), None, 0.5)
    assert verdict(KpiReading(value, 9, 1), zero) == Verdict(status, ratio, None)


JANUARY, FEBRUARY = datetime(2021, 1, 1, tzinfo=UTC), datetime(2021, 2, 1, tzinfo=UTC)
KEY = ("revenue", Scope.PERSON, "North", "Ann")

_names = st.none() | st.text(max_size=20)
_keys = st.tuples(st.text(max_size=20), st.sampled_from(list(Scope)), _names, _names)
_held = st.builds(HeldStatus, st.sampled_from(list(Status)), st.integers(0, 2))
_starts = instants(1990, 2090)


def test_a_held_status_is_returned_in_the_same_period() -> None:
    memory = StatusMemory({KEY: (JANUARY, HeldStatus(Status.AT_RISK, 1))})
    assert memory.get(KEY, JANUARY) == HeldStatus(Status.AT_RISK, 1)


def test_a_new_period_has_no_held_status() -> None:
    memory = StatusMemory({KEY: (JANUARY, HeldStatus(Status.AT_RISK))})
    assert memory.get(KEY, FEBRUARY) is None


def test_another_person_has_no_held_status() -> None:
    memory = StatusMemory({KEY: (JANUARY, HeldStatus(Status.AT_RISK))})
    assert memory.get(("revenue", Scope.PERSON, "North", "Bob"), JANUARY) is None


@given(st.dictionaries(_keys, st.tuples(_starts, _held), max_size=5))
def test_a_dump_loads_unchanged(entries: dict) -> None:  # type: ignore[type-arg]
    assert StatusMemory.load(StatusMemory(entries).dump()).entries == entries


@pytest.mark.parametrize(
    "dumped", [b"", b"{", b"[1]", b"[[1,2]]", b'{"a": 1}', b'[["k","nowhere",null,null,"2021-01-01","on_track",0]]']
)
def test_an_unreadable_dump_gives_an_empty_memory(dumped: bytes) -> None:
    assert StatusMemory.load(dumped) == StatusMemory()
