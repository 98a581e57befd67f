"""Panels about a set of KPIs, shared by the overview, departments and people."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from dashboards import expressions
from dashboards.encoding import escape_variables
from dashboards.expressions import BAD, with_title
from dashboards.grafana_model import Panel
from dashboards.layout import GridItem
from dashboards.look import (
    PERCENT,
    SERIES_WITH_STATUS,
    Look,
    age_steps,
    by_name,
    code_mapping,
    fixed_colour,
    line_colours,
    link_to_kpi,
    share_steps,
    status_overrides,
    symbol_overrides,
    title_overrides,
    unit_id,
    unit_overrides,
    value_mapping,
)
from dashboards.number_texts import aggregate_text
from dashboards.panels import Header, bars, instant_query, lines, range_query, states, tiles
from dashboards.promql import Matcher, aggregate, join, one_of, with_label
from dashboards.selection import Reading, Selection, up_to_the_end
from dashboards.site import Site, stable_panel_id
from exporter import naming
from exporter.config.fields import Scope, Status
from exporter.config.kpis import Kpi
from exporter.statuses import BY_RANK, GREY, STATUSES, VERDICTS, colours

_TITLE_AND_VERDICT = "${__field.labels.title}: ${__field.labels.verdict}"


STATUS_ROW_TITLES, TILE_TITLES = 13, 14
"""Sizes of names in pixels."""
SPARKLINE, SPARKLINE_STEP = "30d", "6h"
"""What a sparkline beside a number shows, whatever the time range."""


def kpi_tiles(
    site: Site,
    header: Header,
    selection: Selection,
    *,
    statuses: Iterable[Status] = STATUSES,
    places: tuple[int, int] | None = None,
    title_size: int | None = TILE_TITLES,
) -> Panel:
    """A tile with a sparkline for each KPI that has one of the statuses, the worst first.

    `places` are the first and the last place in that order that are shown, counted from 1; None shows all.
    """
    queries = [range_query(_tiles_query(selection, tuple(statuses), places), "{{mark}} {{title}}", step=SPARKLINE_STEP)]
    look = Look(
        decimals=None,
        links=(link_to_kpi(),),
        overrides=(*title_overrides(site.config, site.kpis(selection.scope)), *symbol_overrides(site.config)),
        own_scale=True,
    )
    return with_sparklines(tiles(header, queries, look, title_size=title_size))


def with_sparklines(panel: Panel) -> Panel:
    """The panel with thirty days behind its numbers, whatever the time range."""
    panel.past = SPARKLINE
    return panel


def _tiles_query(selection: Selection, statuses: tuple[Status, ...], places: tuple[int, int] | None) -> str:
    """Values over time, with symbol and title, in the order at the right edge of the time range.

    Prometheus returns series over time in the order of their labels and ignores `sort`. So the order is a label, whose
    capital letter comes before all others. It is read at the right edge, as are symbol and title: otherwise each
    status of the past would be a tile of its own.
    """
    end = replace(selection, reading=Reading.AT_END)
    order = expressions.order(end, statuses, words=("mark",))
    if places is not None:
        first, last = places
        labels = ", ".join(selection.labels)
        before = f" unless on ({labels}) bottomk({first - 1}, {order})" if first > 1 else ""
        order = f"(bottomk({last}, {order}){before})"
    placed = aggregate_text(f"10000 + round(1000 * ({order}))", "A", (*selection.labels, "mark"))
    names = expressions.with_titles(f"({placed})", end)
    past, present = (expressions.shown_value(read, naming.VALUE) for read in (selection.over_time, end))
    value = f"({up_to_the_end(past, present)})"
    return join(value, f"({names})", selection.labels, ("A", "mark", "title"))


def on_plan_tile(panel_id: int, selection: Selection, name: str = "of KPIs with a verdict") -> Panel:
    """The share of the KPIs that are on track or better, now and in the last 30 days."""
    header = Header(
        panel_id,
        "On plan",
        "Share of the KPIs with a verdict that are on track or exceeded. The line shows the last 30 days.",
    )
    look = Look(PERCENT, 0, lowest=0, highest=1, no_value="no verdict")
    end = replace(selection, reading=Reading.AT_END)
    share = up_to_the_end(expressions.on_plan_share(selection.over_time), expressions.on_plan_share(end))
    query = range_query(share, name, step=SPARKLINE_STEP)
    return with_sparklines(tiles(header, [query], look, paint="none", title_size=TILE_TITLES))


def status_counts(site: Site, panel_id: int, selection: Selection, title_size: int | None = STATUS_ROW_TITLES) -> Panel:
    """How many KPIs have each verdict and how many have none, the worst first; a zero is grey."""
    header = Header(panel_id, "KPIs by status", "How many KPIs have each status now. Grey: none has it.")
    groups: dict[str, tuple[Status, ...]] = {spec.words: (spec.status,) for spec in BY_RANK if spec.status in VERDICTS}
    groups["○ no verdict"] = tuple(status for status in STATUSES if status not in VERDICTS)
    counts = (with_label(_count(selection, statuses), "words", words) for words, statuses in groups.items())
    zero = value_mapping({"0": ("0", GREY.name)})
    look = Look("none", 0, mappings=(zero,), overrides=symbol_overrides(site.config))
    query = instant_query(" or ".join(counts), "{{words}}")
    return tiles(header, [query], look, title_size=title_size)


def _count(selection: Selection, statuses: tuple[Status, ...]) -> str:
    has = aggregate("max", selection.series(naming.STATUS, one_of("status", statuses)), selection.labels)
    return f"(count({expressions.limited(f'{has} == 1', selection)}) or vector(0))"


def status_bands(site: Site, header: Header, selection: Selection, legend: str = "{{title}}") -> Panel:
    """The status of each KPI over time, as bands."""
    selection = selection.over_time
    codes = expressions.with_titles(f"({expressions.status_codes(selection)})", selection)
    query = range_query(codes, legend)
    return states(header, query, Look("none", 0, colour="series", mappings=(code_mapping(site.config),)))


def plan_lines(
    header: Header, selection: Selection, titles: Iterable[str], limits: tuple[float, float] = (0.5, 1.5)
) -> Panel:
    """KPIs against plan over time, in percent, with a dashed line at 100 %.

    `titles` are those of the KPIs, which give each line its colour. Numbers beyond the limits are drawn at them, so
    that one outlier does not flatten the others.
    """
    selection = selection.over_time
    ratio = expressions.limited(expressions.against_plan(selection.everything), selection)
    plan = f"100 * clamp({ratio}, {limits[0]:g}, {limits[1]:g})"
    query = range_query(expressions.with_titles(f"({plan})", selection), "{{title}}")
    return lines(header, [query], Look("percent", 0, colour="series", overrides=line_colours(titles)), at=100)


def on_target_tile(site: Site, panel_id: int, *matchers: Matcher, scope: Scope = Scope.COMPANY) -> Panel:
    """The share of the KPIs that are on track or better, now and over time."""
    header = Header(
        panel_id,
        "KPIs on target",
        "Share of the KPIs with a verdict that are on track or exceeded. The line shows it over the time range.",
    )
    look = Look(PERCENT, steps=share_steps(site.config), lowest=0, highest=1)
    query = range_query(expressions.on_target_share(*matchers, scope=scope), "on target")
    return tiles(header, [query], look, text="value")


def status_tiles(site: Site, panel_id: int, *matchers: Matcher, scope: Scope = Scope.COMPANY) -> Panel:
    """The number of KPIs with each status."""
    colour = colours(site.config)
    overrides = tuple(
        by_name(spec.status.value, name=spec.label, colour=fixed_colour(colour[spec.status].name))
        for spec in STATUSES.values()
    )
    header = Header(
        panel_id,
        "KPIs by status",
        "Number of KPIs with each status now. Statuses without a verdict appear only if a KPI has them.",
    )
    query = instant_query(expressions.count_by_status(*matchers, scope=scope), "{{status}}")
    return tiles(header, [query], Look("none", 0, overrides=overrides), paint="background_solid")


def age_tile(site: Site, panel_id: int, *matchers: Matcher) -> Panel:
    """The age of the oldest data."""
    header = Header(
        panel_id,
        "Oldest data",
        "Time since the data of the KPI with the oldest data was last complete. Numbers older than their source's "
        "stale_after are not shown.",
    )
    look = Look("s", 0, steps=age_steps(site.config))
    return tiles(header, [instant_query(f"max({expressions.data_age(*matchers)})", "age")], look, text="value")


def value_tiles(site: Site, header: Header, kpis: Sequence[Kpi], expr: str) -> Panel:
    """A tile for each KPI: its value, title and verdict, in the colour of its status."""
    look = Look(
        name=_TITLE_AND_VERDICT,
        links=(link_to_kpi(),),
        overrides=(*unit_overrides(site.config, kpis), *status_overrides(site.config)),
    )
    return tiles(header, [instant_query(expr, SERIES_WITH_STATUS)], look, paint="background_solid")


def tiles_height(count: int) -> int:
    """The height of a panel with this number of tiles."""
    return 1 + 4 * math.ceil(max(count, 1) / 6)


def worst_tiles(site: Site, panel_id: int, limit: int) -> Panel:
    """The KPIs furthest behind, at most `limit`."""
    plan_ratios = f"{expressions.plan_ratio()} and on (kpi) {expressions.has_status(BAD)} == 1"
    expr = f"{expressions.value_with_status(naming.VALUE)} and on (kpi) bottomk({limit}, {plan_ratios})"
    header = Header(
        panel_id,
        "Needs attention",
        f"Of the KPIs at risk or off track, the {limit} that are furthest behind. Click a KPI for the reason.",
    )
    panel = value_tiles(site, header, site.kpis(Scope.COMPANY), expr)
    panel.field_config["defaults"]["noValue"] = "no KPI is at risk"
    return panel


def plan_bars(site: Site, header: Header, *matchers: Matcher, scope: Scope = Scope.COMPANY) -> Panel:
    """Each KPI against its plan, worst first, in the colour of its status."""
    look = Look(
        PERCENT,
        name=_TITLE_AND_VERDICT,
        lowest=0,
        highest=1.5,
        links=(link_to_kpi(),),
        overrides=status_overrides(site.config),
    )
    expr = f"sort({expressions.plan_ratio_with_status(*matchers, scope=scope)})"
    return bars(header, [instant_query(expr, SERIES_WITH_STATUS)], look)


def status_history(site: Site, header: Header, *matchers: Matcher, scope: Scope = Scope.COMPANY) -> Panel:
    """The status of each KPI over time."""
    query = range_query(with_title(expressions.status_code(*matchers, scope=scope)), "{{title}}")
    return states(header, query, Look("none", 0, colour="series", mappings=(code_mapping(site.config),)))


def trend_charts(site: Site, kpis: Sequence[Kpi], most_lines: int = 12) -> list[GridItem]:
    """The values of the KPIs over time, in charts for one unit and at most `most_lines` KPIs each."""
    by_unit: dict[str, list[Kpi]] = {}
    for kpi in kpis:
        by_unit.setdefault(site.config.unit(kpi), []).append(kpi)
    return [
        GridItem(_trend_chart(site, unit, group[first : first + most_lines], first // most_lines), 12, 9)
        for unit, group in by_unit.items()
        for first in range(0, len(group), most_lines)
    ]


def _trend_chart(site: Site, unit: str, kpis: Sequence[Kpi], page: int) -> Panel:
    titles = {
        "count": "Counts", "number": "Numbers", "ratio": "Ratios",
        "seconds": "Durations", "currency": "Money", "score": "Scores",
    }  # fmt: skip
    title = titles.get(unit, escape_variables(unit).capitalize()) + (f" ({page + 1})" if page else "")
    header = Header(
        stable_panel_id(f"trend {unit} {page}"),
        title,
        "Values over time, period to date: they start again with each period.",
    )
    look = Look(
        unit_id(unit, site.config.company.currency),
        2,
        colour="series",
        overrides=tuple(by_name(kpi.name, name=escape_variables(kpi.title)) for kpi in kpis),
    )
    expr = expressions.latest_value(naming.VALUE, one_of("kpi", (kpi.name for kpi in kpis)))
    return lines(header, [range_query(expr, "{{kpi}}")], look)
