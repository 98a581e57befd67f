"""From ratio to verdict: bands, and the hysteresis that keeps noise from flipping it (maths 8.7)."""

from __future__ import annotations

from exporter.config.company import Bands
from exporter.config.fields import Status
from exporter.kpi.memory import Held

HYSTERESIS = 0.02
"""By how many ratio points a value must fall below a band before its status may worsen."""
DWELL = 2
"""For how many evaluations in a row it must have fallen."""

RANKS = {Status.OFF_TRACK: 0, Status.AT_RISK: 1, Status.ON_TRACK: 2, Status.EXCEEDED: 3}
"""The verdicts, worst first; any other status says why there is none."""

_NOISE = 1e-9
"""Ratios this close to a band are on it: binary fractions miss exact ones by less."""


def band(ratio: float, bands: Bands) -> Status:
    """The verdict by thresholds alone; a threshold belongs to the better side."""
    ratio += _NOISE
    if ratio >= bands.exceeded:
        return Status.EXCEEDED
    if ratio >= bands.on_track:
        return Status.ON_TRACK
    return Status.AT_RISK if ratio >= bands.at_risk else Status.OFF_TRACK


def settle(ratio: float, bands: Bands, held: Held | None) -> Held:
    """The verdict after what was held before: better at once, worse only well below and for long enough."""
    found = band(ratio, bands)
    if held is None or RANKS[found] >= RANKS[held.status]:
        return Held(found)
    fallen = band(ratio + HYSTERESIS, bands)
    if RANKS[fallen] >= RANKS[held.status]:
        return Held(held.status)
    if held.waiting + 1 >= DWELL:
        return Held(fallen)
    return Held(held.status, held.waiting + 1)


def guarded(status: Status) -> Status:
    """The verdict of a KPI whose guard is off track: at best at risk."""
    return Status.AT_RISK if RANKS.get(status, 0) > RANKS[Status.AT_RISK] else status
