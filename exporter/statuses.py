"""The statuses of a KPI: label, symbol, chart code, severity and colours, for page, terminal and dashboards alike."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.config.fields import Status
from exporter.config.root import Config

GREY = "#8E8E8E"
"""The colour of whatever has no verdict."""


@dataclass(frozen=True, slots=True)
class StatusSpec:
    """One row of the table.

    The symbol tells verdicts apart without colour. `code` is the status's number in charts: stored history is drawn
    with it, so a code is never changed and never reused. `severity` counts from 0, the best; None means that the
    status is not a verdict but the reason why there is none. `safe` and `traffic` are the colours of the palettes.
    """

    status: Status
    label: str
    symbol: str
    code: int
    severity: int | None = None
    safe: str = GREY
    traffic: str = GREY


STATUSES = {
    spec.status: spec
    for spec in (
        StatusSpec(Status.EXCEEDED, "exceeded", "▲", 9, 0, safe="#1F60C4", traffic="#1A7F4B"),
        StatusSpec(Status.ON_TRACK, "on track", "●", 8, 1, safe="#5794F2", traffic="#56A64B"),
        StatusSpec(Status.AT_RISK, "at risk", "◆", 7, 2, safe="#FF9830", traffic="#F2A93B"),
        StatusSpec(Status.OFF_TRACK, "off track", "▼", 6, 3, safe="#C4162A", traffic="#C4162A"),
        StatusSpec(Status.NO_TARGET, "no target", "○", 5),
        StatusSpec(Status.NO_DATA, "no data", "○", 4),
        StatusSpec(Status.STALE, "stale", "○", 3),
        StatusSpec(Status.TOO_EARLY, "too early", "○", 2),
        StatusSpec(Status.TOO_FEW, "too few", "○", 1),
        StatusSpec(Status.DAY_OFF, "day off", "○", 0),
    )
}
"""In the order in which they are listed: verdicts from best to worst, then the reasons for having none.

`label` is the exposed name with a space for the underscore: PromQL in the dashboards derives it by that rule.
In `safe`, blue, orange and dark red differ for colour-blind readers too.
"""

VERDICTS = tuple(status for status, spec in STATUSES.items() if spec.severity is not None)
"""The statuses that judge a KPI, best first."""

BY_CODE = tuple(sorted(STATUSES.values(), key=lambda spec: spec.code))


def severity(status: Status) -> int | None:
    """How bad a verdict is, 0 being the best; None for a status that is not a verdict."""
    return STATUSES[status].severity


def colours(config: Config) -> dict[Status, str]:
    """The colour of every status in the configured palette."""
    traffic = config.dashboards.palette == "traffic"
    return {status: spec.traffic if traffic else spec.safe for status, spec in STATUSES.items()}
