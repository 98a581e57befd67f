"""Where windows lie among the numbered starts and ends of many."""

from __future__ import annotations

from exporter.metrics.bounds import Bounds, WindowPosition, cover_of
from exporter.metrics.values import FIRST, StepWindows, Window
from tests.metrics.stores import at

MARCH, APRIL = at("2024-03-01"), at("2024-04-01")
NOONS = [at("2024-03-30T12:00"), at("2024-03-31T12:00"), at("2024-04-01T12:00")]
STEPS = StepWindows((Window(MARCH, NOONS[0]), Window(MARCH, NOONS[1]), Window(APRIL, NOONS[2])))


def test_a_window_of_a_flow_lies_in_the_period_of_its_start() -> None:
    bounds = Bounds.of([STEPS])
    assert (bounds.starts, bounds.ends) == ([MARCH, APRIL], NOONS)
    assert bounds.positions(STEPS, lambda end: 0, level=False) == [
        WindowPosition(0, 0, 0, 0, STEPS.windows[0], 0),
        WindowPosition(0, 0, 1, 0, STEPS.windows[1], 1),
        WindowPosition(1, 2, 2, 0, STEPS.windows[2], 2),
    ]


def test_a_level_is_in_one_period_of_all_time() -> None:
    positions = Bounds.of([STEPS]).positions(STEPS, lambda end: 0, level=True)
    assert [position[:3] for position in positions] == [(0, 0, 0), (0, 0, 1), (0, 0, 2)]
    assert [position.window for position in positions] == [Window(FIRST, noon) for noon in NOONS]


def test_equal_neighbours_have_one_place_and_eras_are_those_of_ends() -> None:
    twice = StepWindows((STEPS.windows[0], STEPS.windows[0], STEPS.windows[1]))
    first, last = Bounds.of([twice]).positions(twice, NOONS.index, level=False)
    assert (first.step, last.step) == (0, 2)
    assert (first.era, last.era) == (0, 1)


def test_the_cover_of_a_level_spans_its_ends_alone() -> None:
    assert cover_of([STEPS], level=False) == Window(MARCH, NOONS[2])
    assert cover_of([STEPS], level=True) == Window(NOONS[0], NOONS[2])
