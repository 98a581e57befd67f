"""What is due by now, and how a value compares with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from exporter.config.fields import Pace
from exporter.config.targets import Goal
from exporter.kpi.calendar import Calendar, DateSpan, TimeLeft
from exporter.kpi.ratio import Aim, progress_share, ratio, scale_of


@dataclass(frozen=True, slots=True)
class PeriodProgress:
    """The period that contains an as-of instant, the share of it that has elapsed by pace, and the time left.

    `day_off` means that nothing is expected in the whole period: there is no workday in it.
    """

    as_of: datetime
    span: DateSpan
    pace: Pace
    share: float
    time_left: TimeLeft
    day_off: bool = False

    @classmethod
    def at(cls, as_of: datetime, span: DateSpan, pace: Pace, calendar: Calendar) -> PeriodProgress:
        """The progress of a period at an instant."""
        share, time_left = calendar.share(span, pace, as_of), calendar.left(span, pace, as_of)
        return cls(as_of, span, pace, share, time_left, calendar.is_day_off(span, pace))

    def later(self, as_of: datetime, calendar: Calendar) -> PeriodProgress:
        """The progress of the same period at another instant."""
        share, time_left = calendar.share(self.span, self.pace, as_of), calendar.left(self.span, self.pace, as_of)
        return PeriodProgress(as_of, self.span, self.pace, share, time_left, self.day_off)


class Standing(NamedTuple):
    """A value against its target: the fields of a `KpiValue` that need a target, in the same order."""

    target: float | None = None
    target_low: float | None = None
    target_high: float | None = None
    target_ratio: float | None = None
    expected: float | None = None
    pace_ratio: float | None = None
    progress_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What a value is measured against at one instant.

    `aim` is the target for the whole period, and `scale` the miss that counts as failure; `due` and `due_scale` are
    the same for what is expected by now. `share` is the elapsed share, None if the status does not follow the pace:
    there is no pace, or the goal's date has passed. `baseline` is the value that a goal starts from.
    """

    aim: Aim
    scale: float
    due: Aim
    due_scale: float
    share: float | None = None
    baseline: float | None = None

    def standing(self, value: float | None) -> Standing:
        """A value against its target; an unknown value has a target but no ratios.

        The pace ratio is None while nothing is due, and both ratios if there is only met or not met.
        """
        aim, due = self.aim, self.due
        low, high = (None, None) if aim.low == aim.high else (aim.low, aim.high)
        if value is None:
            return Standing(aim.middle, low, high, None, due.middle)
        target_ratio = ratio(value, aim, self.scale)
        pace_ratio = target_ratio if due is aim else ratio(value, due, self.due_scale)
        progress_ratio = None if self.baseline is None else progress_share(value, self.baseline, aim.middle)
        return Standing(aim.middle, low, high, target_ratio, due.middle, pace_ratio, progress_ratio)


def constant(aim: Aim, scale: float | None) -> Yardstick:
    """For ratios, means and KPIs without a pace: the whole target is due at any time."""
    miss = scale_of(aim, scale)
    return Yardstick(aim, miss, aim, miss)


def accrued(aim: Aim, scale: float | None, share: float) -> Yardstick:
    """For flows: of a target T, T·f is due once the share f has elapsed.

    The pace ratio is 1 ± (A - T·f) / (S·f), which is A / (T·f) if T > 0 and no scale is given.
    """
    miss = scale_of(aim, scale)
    return Yardstick(aim, miss, aim.scaled(share), miss * share, share)


def towards(goal: Goal, aim: Aim, scale: float | None, progress: PeriodProgress, calendar: Calendar) -> Yardstick:
    """For a level, ratio or mean on its way from a baseline B to a goal T: B + (T - B)·f is due.

    f is the share of the dates from `start` to `by`; the miss that counts as failure is |T - B|, or the scale if it
    is larger. Once `by` has passed, the goal itself is due.
    """
    miss = scale_of(aim, scale)
    if progress.pace is Pace.NONE:
        return Yardstick(aim, miss, aim, miss, baseline=goal.from_)
    share = calendar.share(_goal_span(goal), progress.pace, progress.as_of)
    distance = goal.to - goal.from_
    due = goal.from_ + distance * share
    return Yardstick(
        aim,
        miss,
        Aim(due, due, aim.better),
        max(abs(distance), scale or 0.0),
        share if share < 1 else None,
        goal.from_,
    )


def accrued_towards(
    goal: Goal, aim: Aim, scale: float | None, progress: PeriodProgress, calendar: Calendar
) -> Yardstick:
    """For a flow on its way from a baseline to a goal: the result of each period should be one step further.

    The target of this period, B + (T - B)·f at its end, accrues over the period like the target of any flow.
    """
    end = calendar.start_of(progress.span.until)
    target = goal.from_ + (goal.to - goal.from_) * calendar.share(_goal_span(goal), progress.pace, end)
    step = accrued(Aim(target, target, aim.better), scale, progress.share)
    return Yardstick(aim, scale_of(aim, scale), step.due, step.due_scale, progress.share, goal.from_)


def _goal_span(goal: Goal) -> DateSpan:
    return DateSpan(goal.start, goal.by + timedelta(days=1))
