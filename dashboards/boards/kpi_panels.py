"""Panels about a set of KPIs, shared by the overview, departments and people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dashboards import expressions
from dashboards.grafana_model import Panel
from dashboards.look import (
    NO_DATA,
    PERCENT,
    Look,
    code_mapping,
    line_colours,
    link_to_kpi,
    symbol_overrides,
    title_overrides,
    value_mapping,
)
from dashboards.number_texts import aggregate_text
from dashboards.panels import (
    SPARKLINE_STEP,
    Header,
    instant_query,
    lines,
    range_query,
    states,
    tiles,
    with_sparklines,
)
from dashboards.promql import aggregate, join, one_of, with_label
from dashboards.selection import Reading, Selection, up_to_the_end
from dashboards.site import Site
from exporter import naming
from exporter.config.fields import Status
from exporter.statuses import BY_RANK, GREY, STATUSES, VERDICTS

STATUS_ROW_TITLES, TILE_TITLES = 13, 14
"""Sizes of names in pixels."""


def kpi_tiles(
    site: Site,
    header: Header,
    selection: Selection,
    *,
    statuses: Iterable[Status] = STATUSES,
    places: tuple[int, int] | None = None,
    no_value: str = NO_DATA,
) -> Panel:
    """A tile with a sparkline for each KPI that has one of the statuses, the worst first.

    `places` are the first and the last place in that order that are shown, counted from 1; None shows all. `no_value`
    is the text of an empty panel.
    """
    queries = [range_query(_tiles_query(selection, tuple(statuses), places), "{{mark}} {{title}}", step=SPARKLINE_STEP)]
    look = Look(
        decimals=None,
        links=(link_to_kpi(),),
        overrides=(*title_overrides(site.config, site.kpis(selection.scope)), *symbol_overrides(site.config)),
        no_value=no_value,
        own_scale=True,
    )
    return with_sparklines(tiles(header, queries, look, title_size=TILE_TITLES))


def _tiles_query(selection: Selection, statuses: tuple[Status, ...], places: tuple[int, int] | None) -> str:
    """Values over time, with symbol and title, in the order at the right edge of the time range.

    Prometheus returns series over time in the order of their labels and ignores `sort`. So the order is a label, whose
    capital letter comes before all others. It is read at the right edge, as are symbol and title: otherwise each
    status of the past would be a tile of its own. A KPI without a value there has no tile: it would show an older one.
    """
    end = replace(selection, reading=Reading.AT_END)
    past, present = (expressions.shown_value(read, naming.VALUE) for read in (selection.over_time, end))
    labels = ", ".join(selection.labels)
    order = f"({expressions.order(end, statuses, labels=('mark',))} and on ({labels}) {present})"
    if places is not None:
        first, last = places
        before = f" unless on ({labels}) bottomk({first - 1}, {order})" if first > 1 else ""
        order = f"(bottomk({last}, {order}){before})"
    placed = aggregate_text(f"10000 + round(1000 * ({order}))", "A", (*selection.labels, "mark"))
    names = expressions.with_titles(f"({placed})", end)
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


def status_counts(site: Site, panel_id: int, selection: Selection) -> Panel:
    """How many KPIs have each verdict and how many have none, the worst first; a zero is grey."""
    header = Header(panel_id, "KPIs by status", "How many KPIs have each status now. Grey: none has it.")
    groups: dict[str, tuple[Status, ...]] = {spec.words: (spec.status,) for spec in BY_RANK if spec.status in VERDICTS}
    groups["○ no verdict"] = tuple(status for status in STATUSES if status not in VERDICTS)
    counts = (with_label(_count(selection, statuses), "words", words) for words, statuses in groups.items())
    zero = value_mapping({"0": ("0", GREY.name)})
    look = Look("none", 0, mappings=(zero,), overrides=symbol_overrides(site.config))
    query = instant_query(" or ".join(counts), "{{words}}")
    return tiles(header, [query], look, title_size=STATUS_ROW_TITLES)


def _count(selection: Selection, statuses: tuple[Status, ...]) -> str:
    has = aggregate("max", selection.series(naming.STATUS, one_of("status", statuses)), selection.labels)
    return f"(count({expressions.limited(f'{has} == 1', selection)}) or vector(0))"


def status_bands(site: Site, header: Header, selection: Selection, legend: str = "{{title}}") -> Panel:
    """The status of each KPI over time, as bands."""
    selection = selection.over_time
    codes = expressions.with_titles(f"({expressions.status_codes(selection)})", selection)
    query = range_query(codes, legend)
    return states(header, query, Look("none", 0, colour="series", mappings=(code_mapping(site.config),)))


def plan_lines(header: Header, selection: Selection, titles: Iterable[str]) -> Panel:
    """KPIs with a verdict against plan over time, in percent, with a dashed line at 100 %.

    `titles` are those of the KPIs, which give each line its colour.
    """
    selection = selection.over_time
    ratio = expressions.limited(expressions.judged_plan(selection.everything), selection)
    plan = f"100 * {expressions.drawn_plan(ratio, selection)}"
    query = range_query(expressions.with_titles(f"({plan})", selection), "{{title}}")
    colours = line_colours(titles)
    lowest, _ = expressions.plan_range(selection)
    look = Look("percent", 0, colour="series", overrides=colours, custom={"axisSoftMin": 100 * lowest})
    return lines(header, [query], look, at=100)
