"""How a value compares with an aim: one linear formula for every direction."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.config.fields import Better


@dataclass(frozen=True, slots=True)
class Aim:
    """What a value should reach: a number (both ends equal) or a range, and which direction is better."""

    low: float
    high: float
    better: Better

    @property
    def middle(self) -> float:
        """The number itself, or the middle of the range."""
        return (self.low + self.high) / 2

    def scaled(self, share: float) -> Aim:
        """The same aim for a share of the whole."""
        return Aim(self.low * share, self.high * share, self.better)

    def lead(self, value: float) -> float:
        """How much better than the aim a value is, in its own unit; 0 inside a range, never more."""
        if self.better is Better.HIGHER:
            return value - self.low
        if self.better is Better.LOWER:
            return self.high - value
        return -max(self.low - value, 0.0, value - self.high)


def scale_of(aim: Aim, scale: float | None = None) -> float:
    """The miss S that counts as complete failure: `scale` if given, else |T|, and for a range half its width."""
    if scale is not None:
        return scale
    return (aim.high - aim.low) / 2 if aim.better is Better.WITHIN else abs(aim.low)


def ratio(value: float, aim: Aim, scale: float) -> float | None:
    """The target ratio: 1 is on target, above is better, below is worse; never above 1 for a range.

    None if `scale` is 0: then there is only met or not met.
    """
    return 1 + aim.lead(value) / scale if scale else None


def met(value: float, aim: Aim) -> bool:
    """True if a value is at least as good as the aim."""
    return aim.lead(value) >= 0


def progress_share(value: float, baseline: float, goal: float) -> float | None:
    """The share of the way from baseline to goal: 0 at the baseline, 1 at the goal, in either direction."""
    return (value - baseline) / (goal - baseline) if goal != baseline else None
