"""From a reading and a yardstick to one published KPI value."""

from __future__ import annotations

from typing import NamedTuple

from exporter.config.fields import Scope, Status
from exporter.kpi.group_readings import Row
from exporter.kpi.memory import Held, Memory
from exporter.kpi.moment import Moment
from exporter.kpi.pace import Standing, Yardstick
from exporter.kpi.plan import Plan
from exporter.kpi.ratio import met
from exporter.kpi.readings import Reading
from exporter.kpi.status import settle
from exporter.kpi.values import KpiValue
from exporter.metrics.values import Group

_NO_TARGET = Standing()


class Verdict(NamedTuple):
    """A status, the ratio that led to it (1 or 0 for met or not where there is none), and what to remember."""

    status: Status
    ratio: float | None = None
    held: Held | None = None


def judge(
    moment: Moment, scope: Scope, row: Row, yardstick: Yardstick | None, memory: Memory
) -> tuple[KpiValue, Verdict]:
    """One group's value, ratios and status, and the verdict behind them."""
    group, reading, previous, _ = row
    name, period, clock = moment.plan.kpi.name, moment.period, moment.clock
    held = memory.recall((name, scope, group.team, group.person), period.start)
    standing = yardstick.standing(reading.value) if yardstick is not None else _NO_TARGET
    verdict = verdict_on(moment.plan, reading, yardstick, standing, held)
    value = KpiValue(
        name,
        scope,
        period.start,
        period.end,
        clock.as_of,
        verdict.status,
        clock.share,
        group.team,
        group.person,
        reading.value,
        *standing,
        previous.value if previous is not None else None,
        reading.coverage,
    )
    return value, verdict


def verdict_on(
    plan: Plan, reading: Reading, yardstick: Yardstick | None, standing: Standing, held: Held | None
) -> Verdict:
    """The verdict on a reading: by the pace while a pace applies, by the whole target otherwise (maths 8.4, 8.7)."""
    if reading.value is None:
        return Verdict(Status.NO_DATA)
    if yardstick is None:
        return Verdict(Status.NO_TARGET)
    if reading.sample < plan.min_sample:
        return Verdict(Status.TOO_FEW)
    share = yardstick.share
    if share is not None and (share < plan.kpi.min_elapsed or share == 0):
        return Verdict(Status.TOO_EARLY)
    ratio = standing.target_ratio if share is None else standing.pace_ratio
    if ratio is None:
        reached = met(reading.value, yardstick.due)
        return Verdict(Status.ON_TRACK if reached else Status.OFF_TRACK, float(reached))
    settled = settle(ratio, plan.bands, held)
    return Verdict(settled.status, ratio, settled)


def withheld(moment: Moment, status: Status, scope: Scope, group: Group) -> KpiValue:
    """What is said of a KPI whose numbers are kept back: its period, age and status."""
    return KpiValue(
        kpi=moment.plan.kpi.name,
        scope=scope,
        period_start=moment.period.start,
        period_end=moment.period.end,
        as_of=None if status is Status.NO_DATA else moment.clock.as_of,
        status=status,
        elapsed=moment.clock.share,
        team=group.team,
        person=group.person,
    )
