"""What an evaluation knows for alerts besides the values of KPIs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class DriverReading(NamedTuple):
    """What a metric with an expected range amounted to, and the ends of the range; None where it is open."""

    metric: str
    value: float
    low: float | None
    high: float | None


class TargetStreak(NamedTuple):
    """How many of the newest final periods in a row missed their target, or exceeded it; one of the two is 0."""

    missed: int = 0
    exceeded: int = 0


class BurnRate(NamedTuple):
    """How fast a KPI spent its slack in its last opening hours.

    `window` is their number, such as 8h. `limit` is the rate beyond which contacts are notified; None for a short
    window, which is compared with the limit of the long one.
    """

    kpi: str
    window: str
    rate: float
    limit: float | None


@dataclass(frozen=True, slots=True)
class AlertSignals:
    """`emails` are the addresses of people whom alerts notify, by label; `streaks` are by KPI."""

    emails: Mapping[str, str] = field(default_factory=dict)
    drivers: tuple[DriverReading, ...] = ()
    streaks: Mapping[str, TargetStreak] = field(default_factory=dict)
    burn_rates: tuple[BurnRate, ...] = ()


NO_SIGNALS = AlertSignals()
