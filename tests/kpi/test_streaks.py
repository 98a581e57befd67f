"""How many final periods in a row missed or exceeded their target."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.fields import Status
from exporter.kpi.signals import TargetStreak
from exporter.kpi.streaks import streak
from exporter.seals import FinalVerdict

NOW = datetime(2026, 10, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SIGNS = {
    "-": (0.5, Status.OFF_TRACK), "~": (0.95, Status.AT_RISK), "=": (1.0, Status.ON_TRACK), "+": (1.4, Status.EXCEEDED),
    "g": (1.0, Status.AT_RISK), ".": (None, Status.DAY_OFF), "?": (None, Status.TOO_FEW),
}  # fmt: skip


def verdicts(history: str, changed_before: int = 0) -> list[FinalVerdict]:
    """Days by their signs, oldest first, as verdicts newest first; a blank is a day that is not sealed."""
    days = []
    for number, sign in enumerate(history):
        if sign != " ":
            ratio, status = SIGNS[sign]
            target = "old" if number < changed_before else "new"
            days.append(FinalVerdict("k", NOW + number * DAY, NOW + (number + 1) * DAY, ratio, status, target))
    return days[::-1]


@pytest.mark.parametrize(
    ("history", "missed", "exceeded"),
    [
        ("", 0, 0),
        ("---", 3, 0),
        ("-~-", 3, 0),
        ("=--", 2, 0),
        ("+--", 2, 0),
        ("--=", 0, 0),
        ("-++", 0, 2),
        ("--..-", 3, 0),  # a weekend
        ("..", 0, 0),
        ("--?-", 1, 0),  # a period without a verdict
        ("--?", 0, 0),
        ("-- -", 1, 0),  # one that is not sealed
        ("-gg", 0, 0),  # at risk for its guard alone: the target was reached
    ],
)
def test_the_streak_is_what_the_newest_periods_have_in_common(history: str, missed: int, exceeded: int) -> None:
    assert streak(verdicts(history)) == TargetStreak(missed, exceeded)


def test_a_changed_target_begins_a_new_streak() -> None:
    assert streak(verdicts("-----", changed_before=3)) == TargetStreak(2, 0)
    assert streak(verdicts("---..", changed_before=4)) == TargetStreak(3, 0)


@given(st.text(alphabet="".join(SIGNS), max_size=12))
def test_one_more_missed_period_adds_one_to_a_streak_of_missed_ones_and_begins_any_other(history: str) -> None:
    assert streak(verdicts(history + "-")) == TargetStreak(streak(verdicts(history)).missed + 1, 0)
