"""The statuses of a KPI: label, symbol, chart code, severity and colours, for page, terminal and dashboards alike."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.config.fields import Status
from exporter.config.root import Config


@dataclass(frozen=True, slots=True)
class Colour:
    """A colour on light and on dark ground.

    `name` is what Grafana calls it: a viewer with the light theme sees `light` there, one with the dark theme `dark`.
    Mails and terminals, whose ground is not known, take `light`, which is legible on both.
    """

    name: str
    light: str
    dark: str


RED = Colour("red", light="#E02F44", dark="#F2495C")
ORANGE = Colour("orange", light="#FF780A", dark="#FF9830")
BLUE = Colour("blue", light="#3274D9", dark="#5794F2")
GREEN = Colour("green", light="#56A64B", dark="#73BF69")
GREY = Colour("#8e8e8e", light="#8e8e8e", dark="#8e8e8e")
"""The colour of whatever has no verdict."""

BAR = "#6487b5"
"""The colour of bars that show a number. It says nothing about how good the number is."""


@dataclass(frozen=True, slots=True)
class StatusSpec:
    """One row of the table.

    The symbol tells verdicts apart without colour. `code` is the status's number in charts: stored history is drawn
    with it, so a code is never changed and never reused. `rank` is its place in lists: what is worst comes first, and
    what has no data comes last. `severity` counts from 0, the best; None means that the status is not a verdict but
    the reason why there is none.
    """

    status: Status
    label: str
    symbol: str
    code: int
    rank: int
    severity: int | None = None
    colour: Colour = GREY

    @property
    def words(self) -> str:
        """The symbol and the label, such as `▼ off track`."""
        return f"{self.symbol} {self.label}"


STATUSES = {
    spec.status: spec
    for spec in (
        StatusSpec(Status.EXCEEDED, "exceeded", "▲", 9, 4, 0, BLUE),
        StatusSpec(Status.ON_TRACK, "on track", "●", 8, 3, 1, BLUE),
        StatusSpec(Status.AT_RISK, "at risk", "◆", 7, 2, 2, ORANGE),
        StatusSpec(Status.OFF_TRACK, "off track", "▼", 6, 1, 3, RED),
        StatusSpec(Status.NO_TARGET, "no target", "○", 5, 7),
        StatusSpec(Status.NO_DATA, "no data", "○", 4, 9),
        StatusSpec(Status.STALE, "stale", "○", 3, 8),
        StatusSpec(Status.TOO_EARLY, "too early", "○", 2, 5),
        StatusSpec(Status.TOO_FEW, "too few", "○", 1, 6),
        StatusSpec(Status.DAY_OFF, "day off", "○", 0, 5),
    )
}
"""In the order in which they are listed: verdicts from best to worst, then the reasons for having none.

`label` is the exposed name with a space for the underscore: PromQL in the dashboards derives it by that rule.
Blue, orange and red differ for colour-blind readers too; on track and exceeded differ by their symbol alone.
"""

VERDICTS = tuple(status for status, spec in STATUSES.items() if spec.severity is not None)
"""The statuses that judge a KPI, best first."""

BY_CODE = tuple(sorted(STATUSES.values(), key=lambda spec: spec.code))
BY_RANK = tuple(sorted(STATUSES.values(), key=lambda spec: spec.rank))
"""Worst first, no data last."""


def severity(status: Status) -> int | None:
    """How bad a verdict is, 0 being the best; None for a status that is not a verdict."""
    return STATUSES[status].severity


def colours(config: Config) -> dict[Status, Colour]:
    """The colour of every status in the configured palette: `traffic` has green where `safe` has blue."""
    traffic = config.dashboards.palette == "traffic"
    return {status: GREEN if traffic and spec.colour is BLUE else spec.colour for status, spec in STATUSES.items()}
