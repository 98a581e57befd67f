"""The status of a KPI value: bands, and the hysteresis that keeps noise from flipping a status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import orjson

from exporter.config.company import Bands
from exporter.config.fields import Scope, Status
from exporter.kpi.group_readings import GroupReading
from exporter.kpi.pace import Standing, Yardstick
from exporter.kpi.plan import KpiPeriod
from exporter.kpi.ratio import met
from exporter.kpi.readings import MIN_COVERAGE, KpiReading
from exporter.kpi.targets import NoTarget, percent
from exporter.kpi.values import KpiValue
from exporter.metrics.values import Group
from exporter.statuses import severity

HYSTERESIS = 0.02
"""A status worsens only if the ratio falls below the band by at least this much."""
DWELL = 2
"""A status worsens only after this many consecutive evaluations below the band."""

_TOLERANCE = 1e-9
"""A ratio this close below a band counts as on it: binary fractions cannot represent every decimal band."""

_NO_TARGET = Standing()

StatusKey = tuple[str, Scope, str | None, str | None]
"""Whose status is remembered: KPI, scope, team, person."""


class HeldStatus(NamedTuple):
    """The status held in a period, and for how many consecutive evaluations a worse one was due."""

    status: Status
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class StatusMemory:
    """What hysteresis carries from one evaluation to the next: statuses, each with the start of its period."""

    entries: Mapping[StatusKey, tuple[datetime, HeldStatus]] = field(default_factory=dict)

    def get(self, key: StatusKey, period_start: datetime) -> HeldStatus | None:
        """The status held in this very period; a new period starts without one."""
        start, status = self.entries.get(key, (None, None))
        return status if start == period_start else None

    def dump(self) -> bytes:
        """JSON that `load` reads."""
        return orjson.dumps(
            [[*key, start, *held_status] for key, (start, held_status) in self.entries.items()],
        )

    @classmethod
    def load(cls, dump: bytes) -> StatusMemory:
        """Reads what `dump` wrote. If that fails the memory is empty, and statuses start without hysteresis."""
        try:
            return cls(dict(map(_entry, orjson.loads(dump))))
        except (ValueError, TypeError):
            return cls()


def _entry(row: list[object]) -> tuple[StatusKey, tuple[datetime, HeldStatus]]:
    kpi, scope, team, person, start, status, waiting = row
    key = (str(kpi), Scope(str(scope)), _optional(team), _optional(person))
    return key, (datetime.fromisoformat(str(start)), HeldStatus(Status(str(status)), int(str(waiting))))


def _optional(value: object) -> str | None:
    return None if value is None else str(value)


class Verdict(NamedTuple):
    """A status, the ratio behind it (1 or 0 if there is only met or not met), and what hysteresis remembers."""

    status: Status
    ratio: float | None = None
    held_status: HeldStatus | None = None


def judge(
    period: KpiPeriod, scope: Scope, row: GroupReading, measure: Yardstick | NoTarget, held_status: HeldStatus | None
) -> tuple[KpiValue, Verdict]:
    """One group's value, ratios and status, and the verdict behind them.

    `held_status` is its status in this period so far.
    """
    group, reading, previous = row.group, row.current.among(period.dated), row.previous
    name, window, progress = period.plan.kpi.name, period.window, period.progress
    yardstick = measure if isinstance(measure, Yardstick) else None
    standing = yardstick.standing(reading.value) if yardstick is not None else _NO_TARGET
    if progress.day_off and reading.value is not None:
        verdict = Verdict(Status.DAY_OFF)
    else:
        verdict = verdict_on(period, reading, yardstick, standing, held_status)
    value = KpiValue(
        name,
        scope,
        window.start,
        window.end,
        progress.as_of,
        verdict.status,
        progress.share,
        progress.time_left,
        group.team,
        group.person,
        reading.value,
        *standing,
        previous.among(period.dated).value if previous is not None else None,
        reading.coverage,
        _reason(period, reading, verdict.status, measure),
    )
    return value, verdict


def _reason(period: KpiPeriod, reading: KpiReading, status: Status, measure: Yardstick | NoTarget) -> str | None:
    """Why there is no value, no target or no verdict, in words; None if there are all of them."""
    if reading.coverage < MIN_COVERAGE:
        return f"only {percent(reading.coverage)} of the records could be used, {percent(MIN_COVERAGE)} are required"
    if isinstance(measure, NoTarget):
        return measure.reason
    if status is Status.TOO_FEW:
        return f"{reading.sample:g} counted, {period.plan.min_sample:g} are required"
    if status is Status.TOO_EARLY:
        share = period.progress.share if measure.share is None else measure.share
        return f"{share:.0%} of the period has elapsed, {period.plan.kpi.min_elapsed:.0%} is required"
    return None


def verdict_on(
    period: KpiPeriod,
    reading: KpiReading,
    yardstick: Yardstick | None,
    standing: Standing,
    held_status: HeldStatus | None,
) -> Verdict:
    """The verdict on a reading: by the pace ratio while a pace applies, else by the target ratio."""
    if reading.value is None:
        return Verdict(Status.NO_DATA)
    if yardstick is None:
        return Verdict(Status.NO_TARGET)
    plan = period.plan
    if reading.sample < plan.min_sample:
        return Verdict(Status.TOO_FEW)
    share = yardstick.share
    if share is not None and (share < plan.kpi.min_elapsed or share == 0):
        return Verdict(Status.TOO_EARLY)
    ratio = standing.target_ratio if share is None else standing.pace_ratio
    if ratio is None:
        is_met = met(reading.value, yardstick.due)
        return Verdict(Status.ON_TRACK if is_met else Status.OFF_TRACK, float(is_met))
    settled = settle(ratio, period.bands, held_status)
    return Verdict(settled.status, ratio, settled)


def withheld(period: KpiPeriod, status: Status, scope: Scope, group: Group) -> KpiValue:
    """The value of a KPI whose numbers are withheld: only its period, age and status, and the end of stale data."""
    progress = period.progress
    day = period.plan.calendar.day_of(progress.as_of)
    return KpiValue(
        kpi=period.plan.kpi.name,
        scope=scope,
        period_start=period.window.start,
        period_end=period.window.end,
        as_of=period.known_until,
        status=status,
        elapsed=progress.share,
        time_left=progress.time_left,
        team=group.team,
        person=group.person,
        reason=f"the data ends on {day}, which is too old for a verdict" if status is Status.STALE else period.unread,
    )


def band(ratio: float, bands: Bands) -> Status:
    """The status by thresholds alone; a threshold belongs to the better side."""
    ratio += _TOLERANCE
    if ratio >= bands.exceeded:
        return Status.EXCEEDED
    if ratio >= bands.on_track:
        return Status.ON_TRACK
    return Status.AT_RISK if ratio >= bands.at_risk else Status.OFF_TRACK


def settle(ratio: float, bands: Bands, previous: HeldStatus | None) -> HeldStatus:
    """The status given the previous one: better at once, worse only if clearly below the band for long enough."""
    status = band(ratio, bands)
    if previous is not None and status is previous.status and not previous.waiting:
        return previous
    if previous is None or not _is_worse(status, previous.status):
        return HeldStatus(status)
    lower_status = band(ratio + HYSTERESIS, bands)
    if not _is_worse(lower_status, previous.status):
        return HeldStatus(previous.status)
    if previous.waiting + 1 >= DWELL:
        return HeldStatus(lower_status)
    return HeldStatus(previous.status, previous.waiting + 1)


def guarded(status: Status) -> Status:
    """The status of a KPI whose guard is off track: at risk at best."""
    return Status.AT_RISK if severity(status) is not None and _is_worse(Status.AT_RISK, status) else status


def _is_worse(status: Status, reference: Status) -> bool:
    first, second = severity(status), severity(reference)
    if first is None or second is None:
        raise AssertionError("only verdicts are ranked")
    return first > second
