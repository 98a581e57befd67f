"""What is due by now, and how a value stands against it (maths 8.3, 8.4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from exporter.config.fields import Pace
from exporter.config.targets import Goal
from exporter.kpi.calendar import Calendar
from exporter.kpi.periods import Span
from exporter.kpi.ratio import Aim, progress, ratio, scale_of


@dataclass(frozen=True, slots=True)
class Clock:
    """Where an as-of instant lies: the period that holds it, and which share of it has passed by pace."""

    as_of: datetime
    span: Span
    pace: Pace
    share: float


class Standing(NamedTuple):
    """Where a value stands: the numbers of a KPI value that need a target, in their order there."""

    target: float | None = None
    target_low: float | None = None
    target_high: float | None = None
    target_ratio: float | None = None
    expected: float | None = None
    pace_ratio: float | None = None
    progress_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What a value is held against at one instant.

    `aim` is the target for the whole period with the miss `scale` that counts as failed; `due` and `due_scale`
    are the same for what is expected by now. `share` is the part of the way that has passed, None where the status
    does not follow the pace: no pace, or the goal's date has passed. `baseline` is where a goal set out.
    """

    aim: Aim
    scale: float
    due: Aim
    due_scale: float
    share: float | None = None
    baseline: float | None = None

    def standing(self, value: float | None) -> Standing:
        """Where a value stands; an unknown one has a target but no ratios.

        The pace ratio is None while nothing is due, and any ratio where there is only met or not met.
        """
        aim, due = self.aim, self.due
        low, high = (None, None) if aim.low == aim.high else (aim.low, aim.high)
        if value is None:
            return Standing(aim.middle, low, high, None, due.middle)
        target_ratio = ratio(value, aim, self.scale)
        pace_ratio = target_ratio if due is aim else ratio(value, due, self.due_scale)
        way = None if self.baseline is None else progress(value, self.baseline, aim.middle)
        return Standing(aim.middle, low, high, target_ratio, due.middle, pace_ratio, way)


def constant(aim: Aim, scale: float | None) -> Yardstick:
    """For ratios, means and whatever has no pace: the whole target is expected at any time."""
    miss = scale_of(aim, scale)
    return Yardstick(aim, miss, aim, miss)


def accrued(aim: Aim, scale: float | None, share: float) -> Yardstick:
    """For flows: of a target T, T·f is due once the share f has passed.

    The pace ratio is 1 ± (A - T·f) / (S·f), which is A / (T·f) where T > 0 and no scale is given.
    """
    miss = scale_of(aim, scale)
    return Yardstick(aim, miss, aim.scaled(share), miss * share, share)


def towards(goal: Goal, aim: Aim, scale: float | None, clock: Clock, calendar: Calendar) -> Yardstick:
    """For a level, ratio or mean on its way from a baseline B to a goal T: B + (T - B)·f is due.

    f is the share of the dates from `start` to `by`; the miss that counts as failed is |T - B|, or the scale where
    that is larger. Once `by` has passed, the goal itself is what counts.
    """
    miss = scale_of(aim, scale)
    if clock.pace is Pace.NONE:
        return Yardstick(aim, miss, aim, miss, baseline=goal.from_)
    share = calendar.share(_way(goal), clock.pace, clock.as_of)
    way = goal.to - goal.from_
    due = goal.from_ + way * share
    return Yardstick(
        aim,
        miss,
        Aim(due, due, aim.better),
        max(abs(way), scale or 0.0),
        share if share < 1 else None,
        goal.from_,
    )


def accrued_towards(goal: Goal, aim: Aim, scale: float | None, clock: Clock, calendar: Calendar) -> Yardstick:
    """For a flow on its way from a baseline to a goal: each period's result is to be a step further.

    What this period is to reach, B + (T - B)·f at its end, accrues over the period as any flow's target does.
    """
    end = calendar.start_of(clock.span.until)
    whole = goal.from_ + (goal.to - goal.from_) * calendar.share(_way(goal), clock.pace, end)
    step = accrued(Aim(whole, whole, aim.better), scale, clock.share)
    return Yardstick(aim, scale_of(aim, scale), step.due, step.due_scale, clock.share, goal.from_)


def _way(goal: Goal) -> Span:
    return Span(goal.start, goal.by + timedelta(days=1))
