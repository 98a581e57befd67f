"""Ages of passes while the wall clock jumps and another clock does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from exporter.evaluation.steady_ages import SteadyAges
from exporter.store.state import Outcome

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@dataclass
class Clocks:
    """A wall clock that can be set, and a monotonic one that only passes."""

    now: datetime = NOON
    uptime: float = 1000.0

    def monotonic(self) -> float:
        return self.uptime

    def passes(self, span: timedelta) -> None:
        self.now += span
        self.uptime += span.total_seconds()


def outcome(at: datetime, lag: timedelta = timedelta(0)) -> Outcome:
    return Outcome("crm", "deals", last_success=at, watermark=at - lag)


def test_outcomes_stay_as_they_are_while_the_clock_is_right() -> None:
    clocks = Clocks()
    ages = SteadyAges(clocks.monotonic)
    success = outcome(NOON, MINUTE)
    for _ in range(3):
        assert ages.bounded([success], clocks.now) == (success,)
        clocks.passes(HOUR)
    never = Outcome("crm", "leads")
    assert ages.bounded([never], clocks.now) == (never,)


def test_a_clock_that_was_a_day_ahead_hides_no_age() -> None:
    """Read a day ahead at 12:00; the clock returns, and the source fails for two hours."""
    clocks = Clocks(NOON + DAY)
    ages = SteadyAges(clocks.monotonic)
    ahead = outcome(NOON + DAY)
    ages.bounded([ahead], clocks.now)
    clocks.passes(2 * HOUR)
    clocks.now -= DAY
    (bounded,) = ages.bounded([ahead], clocks.now)
    assert (bounded.last_success, bounded.watermark) == (NOON, NOON)


def test_a_clock_that_was_an_hour_ahead_hides_no_age_although_nothing_lies_in_the_future() -> None:
    clocks = Clocks(NOON + HOUR)
    ages = SteadyAges(clocks.monotonic)
    ahead = outcome(NOON + HOUR)
    ages.bounded([ahead], clocks.now)
    clocks.passes(3 * HOUR)
    clocks.now -= HOUR
    (bounded,) = ages.bounded([ahead], clocks.now)
    assert bounded.last_success == NOON


def test_a_clock_that_is_put_forward_makes_nothing_fresher() -> None:
    clocks = Clocks()
    ages = SteadyAges(clocks.monotonic)
    success = outcome(NOON)
    ages.bounded([success], clocks.now)
    clocks.now += DAY
    assert ages.bounded([success], clocks.now) == (success,)


def test_the_older_data_of_a_source_stay_older() -> None:
    clocks = Clocks(NOON + DAY)
    ages = SteadyAges(clocks.monotonic)
    file = Outcome("crm", "deals", last_success=NOON + DAY, watermark=NOON - 3 * DAY)
    ages.bounded([file], clocks.now)
    clocks.now -= DAY
    assert ages.bounded([file], clocks.now)[0].watermark == NOON - 3 * DAY


def test_after_a_restart_a_success_in_the_future_counts_as_never_read_until_the_next_one() -> None:
    clocks = Clocks()
    ages = SteadyAges(clocks.monotonic)
    (unknown,) = ages.bounded([outcome(NOON + DAY)], clocks.now)
    assert (unknown.last_success, unknown.watermark) == (None, None)
    clocks.passes(2 * DAY)
    assert ages.bounded([outcome(NOON + DAY)], clocks.now)[0].watermark is None
    success = outcome(clocks.now)
    assert ages.bounded([success], clocks.now) == (success,)


def test_clocks_may_differ_by_seconds() -> None:
    success = outcome(NOON + timedelta(seconds=30))
    assert SteadyAges().bounded([success], NOON) == (success,)
