"""Panels about a set of KPIs, which the overview, departments and people have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dashboards import expressions
from dashboards.defaults import Site, stable_id, to_kpi
from dashboards.expressions import BAD, with_title
from dashboards.grafana_model import Panel
from dashboards.layout import Block
from dashboards.look import (
    JUDGED_SERIES,
    PERCENT,
    Look,
    age_steps,
    code_texts,
    fixed,
    named,
    share_steps,
    status_overrides,
    unit_id,
    unit_overrides,
)
from dashboards.panels import (
    Head,
    bars,
    lines,
    now,
    over_time,
    states,
    tiles,
)
from dashboards.promql import Match, one_of
from dashboards.quoting import shown
from exporter import naming
from exporter.config.fields import Scope
from exporter.config.kpis import Kpi
from exporter.statuses import STATUSES, colours

TILES_A_ROW = 6
KPI_AND_VERDICT = "${__field.labels.title}: ${__field.labels.verdict}"


def on_target_tile(site: Site, panel_id: int, *matches: Match, scope: Scope = Scope.COMPANY) -> Panel:
    """The headline: which share of the KPIs is on track or better, and how that went."""
    head = Head(
        panel_id,
        "KPIs on target",
        "Share of the KPIs with a verdict that are on track or exceeded. The line shows it over the time range.",
    )
    look = Look(PERCENT, steps=share_steps(site.config), lowest=0, highest=1)
    return tiles(head, [over_time(expressions.on_target(*matches, scope=scope), "on target")], look, text="value")


def status_tiles(site: Site, panel_id: int, *matches: Match, scope: Scope = Scope.COMPANY) -> Panel:
    """How many KPIs have each status."""
    colour = colours(site.config)
    overrides = tuple(
        named(spec.status.value, name=spec.words, colour=fixed(colour[spec.status])) for spec in STATUSES.values()
    )
    head = Head(
        panel_id,
        "KPIs by status",
        "Number of KPIs with each status now. The statuses without a verdict are shown only where a KPI has one.",
    )
    query = now(expressions.count_by_status(*matches, scope=scope), "{{status}}")
    return tiles(head, [query], Look("none", 0, overrides=overrides), paint="background_solid")


def age_tile(site: Site, panel_id: int, *matches: Match) -> Panel:
    """How old the oldest number is."""
    head = Head(
        panel_id,
        "Oldest data",
        "Time since the data of the stalest KPI was known to be complete. Numbers older than their source's "
        "stale_after are withheld rather than shown.",
    )
    look = Look("s", 0, steps=age_steps(site.config))
    return tiles(head, [now(f"max({expressions.data_age(*matches)})", "age")], look, text="value")


def value_tiles(site: Site, head: Head, kpis: Sequence[Kpi], expr: str) -> Panel:
    """A tile for each KPI: its value in its own unit, its title and verdict, in the colour of its status."""
    look = Look(
        name=KPI_AND_VERDICT,
        links=(to_kpi(),),
        overrides=(*unit_overrides(site.config, kpis), *status_overrides(site.config)),
    )
    return tiles(head, [now(expr, JUDGED_SERIES)], look, paint="background_solid")


def tile_rows(count: int) -> int:
    """The height of a panel of so many tiles."""
    return 1 + 4 * math.ceil(max(count, 1) / TILES_A_ROW)


def worst_tiles(site: Site, panel_id: int, at_most: int) -> Panel:
    """The KPIs that need attention."""
    behind = f"{expressions.against_plan()} and on (kpi) {expressions.with_status(BAD)} == 1"
    expr = f"{expressions.judged(naming.VALUE)} and on (kpi) bottomk({at_most}, {behind})"
    head = Head(
        panel_id,
        "Needs attention",
        f"The {at_most} KPIs furthest behind among those at risk or off track. Click one for the reason.",
    )
    panel = value_tiles(site, head, site.kpis(Scope.COMPANY), expr)
    panel.field_config["defaults"]["noValue"] = "nothing at risk"
    return panel


def plan_bars(site: Site, head: Head, *matches: Match, scope: Scope = Scope.COMPANY) -> Panel:
    """Each KPI against its plan, worst first, in the colour of its status."""
    look = Look(
        PERCENT,
        name=KPI_AND_VERDICT,
        lowest=0,
        highest=1.5,
        links=(to_kpi(),),
        overrides=status_overrides(site.config),
    )
    return bars(head, [now(f"sort({expressions.judged_plan(*matches, scope=scope)})", JUDGED_SERIES)], look)


def status_history(site: Site, head: Head, *matches: Match, scope: Scope = Scope.COMPANY) -> Panel:
    """The status of each KPI along time."""
    query = over_time(with_title(expressions.status_code(*matches, scope=scope)), "{{title}}")
    return states(head, query, Look("none", 0, colour="series", mappings=(code_texts(site.config),)))


def trends(site: Site, kpis: Sequence[Kpi], at_most: int = 12) -> list[Block]:
    """The values of the KPIs along time, one chart for each unit and at most so many lines."""
    by_unit: dict[str, list[Kpi]] = {}
    for kpi in kpis:
        by_unit.setdefault(site.config.unit(kpi), []).append(kpi)
    return [
        Block(_trend(site, unit, part, first // at_most), 12, 9)
        for unit, group in by_unit.items()
        for first in range(0, len(group), at_most)
        for part in [group[first : first + at_most]]
    ]


def _trend(site: Site, unit: str, kpis: Sequence[Kpi], page: int) -> Panel:
    title = {"count": "Counts", "ratio": "Ratios", "seconds": "Durations", "currency": "Money", "score": "Scores"}
    name = title.get(unit, shown(unit).capitalize()) + (f" ({page + 1})" if page else "")
    head = Head(
        stable_id(f"trend {unit} {page}"), name, "Values along time, period to date: they start anew with each period."
    )
    look = Look(
        unit_id(unit, site.config.company.currency),
        2,
        colour="series",
        overrides=tuple(named(kpi.name, name=shown(kpi.title)) for kpi in kpis),
    )
    expr = expressions.number(naming.VALUE, one_of("kpi", (kpi.name for kpi in kpis)))
    return lines(head, [over_time(expr, "{{kpi}}")], look)
