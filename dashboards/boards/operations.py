"""Dashboards for whoever operates the exporter: its health, and the runbook."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from dashboards import promql
from dashboards.boards.tables import kpi_columns
from dashboards.expressions import with_title
from dashboards.grafana_model import Dashboard, Panel, ThresholdStep
from dashboards.layout import DashboardSettings, GridItem, PanelRow, build_dashboard
from dashboards.look import Look, age_steps, by_pattern, fixed_colour, text_mapping
from dashboards.panels import (
    Header,
    TableColumn,
    bars,
    collapsed_row,
    instant_query,
    lines,
    note,
    range_query,
    table,
    table_query,
    tiles,
)
from dashboards.promql import aggregate, latest, one_of, one_series_for_each, select
from dashboards.site import HEALTH, RUNBOOK, SOURCES_PANEL, Site, stable_panel_id
from exporter import naming
from exporter.config.fields import Status
from exporter.naming import Family, SourceState
from exporter.statuses import GREY, colours

_OF_EXPORTERS = f"and on (job, instance) {naming.BUILD_INFO.name}"
"""Limits series to scrapes of exporters, whatever the scrape job is called."""
_STATES_OK = (SourceState.OK,)
_STATES_WAITING = (SourceState.STARTING, SourceState.BACKFILL, SourceState.PAUSED)
_STATES_SLOW = (SourceState.DEGRADED, SourceState.RATE_LIMITED)


def exporter_health(site: Site) -> Dashboard:
    """Whether the exporter reads its sources, stores records and evaluates KPIs."""
    layout: list[GridItem | PanelRow] = [
        GridItem(_source_states(site), 24, 5),
        *_checks(site),
        *_totals(),
        GridItem(_success_age(site), 12, 9),
        GridItem(_withheld_kpis(), 12, 9),
        GridItem(_requests(), 12, 8),
        GridItem(_records(), 12, 8),
        PanelRow(collapsed_row(20, "Why passes and records fail"), tuple(_problems())),
        PanelRow(collapsed_row(30, "The exporter and its rules"), tuple(_durations())),
    ]
    settings = DashboardSettings(
        HEALTH,
        "Exporter health",
        "Whether sources respond, records arrive and KPIs are evaluated.",
        tags=("kpi-exporter",),
        since="now-6h",
    )
    return build_dashboard(site, settings, layout)


def _source_states(site: Site) -> Panel:
    colour = colours(site.config)
    kinds = (
        (_STATES_OK, colour[Status.ON_TRACK].name),
        (_STATES_WAITING, GREY.name),
        (_STATES_SLOW, colour[Status.AT_RISK].name),
        (tuple(SourceState), colour[Status.OFF_TRACK].name),
    )
    state_colours = {state: next(paint for states, paint in kinds if state in states) for state in SourceState}
    overrides = tuple(by_pattern(f" {state}$", colour=fixed_colour(paint)) for state, paint in state_colours.items())
    header = Header(SOURCES_PANEL, "Sources", "The state of each source: ok, catching up, slowed down, or failing.")
    expr = one_series_for_each(f"{latest(naming.SOURCE_STATE)} == 1", ("source",))
    look = Look("none", 0, name="${__field.labels.source}: ${__field.labels.state}", overrides=overrides)
    return tiles(header, [instant_query(expr, "{{source}} {{state}}")], look, text="name", paint="background_solid")


def _checks(site: Site) -> list[GridItem]:
    """Tiles that say yes or no."""
    colour = colours(site.config)
    steps = (ThresholdStep(colour[Status.OFF_TRACK].name), ThresholdStep(colour[Status.ON_TRACK].name, 1))
    look = Look("none", 0, steps=steps, mappings=(text_mapping({"0": "no", "1": "yes"}),))
    checks = (
        (Header(2, "Store usable", "Whether the store can be read and written."), naming.STORE_UP),
        (Header(3, "Config accepted", "Whether the last load of the config succeeded."), naming.RELOAD_SUCCESS),
        (Header(4, "Evaluation works", "Whether all metrics and KPIs could be evaluated."), naming.EVALUATION_SUCCESS),
    )
    return [
        GridItem(tiles(header, [instant_query(f"min({select(family)})")], look, text="value"), 4, 4)
        for header, family in checks
    ]


def _totals() -> list[GridItem]:
    version = instant_query(f"count by (version) ({select(naming.BUILD_INFO)})", "{{version}}")
    series = range_query(latest(naming.SERIES, by=()), "series")
    age = instant_query(f"time() - {latest(naming.EVALUATION_TIME, by=())}")
    exporters = Header(5, "Exporters", "Exporters that Prometheus scrapes, by version.")
    evaluation = Header(7, "Since the last evaluation", "Time since metrics and KPIs were last evaluated.")
    return [
        GridItem(tiles(exporters, [version], Look("none", 0)), 4, 4),
        GridItem(tiles(Header(6, "Series", naming.SERIES.help), [series], Look("locale", 0), text="value"), 4, 4),
        GridItem(tiles(evaluation, [age], Look("s", 0), text="value"), 4, 4),
    ]


def _success_age(site: Site) -> Panel:
    files = [source.name for source in site.config.sources if source.ages_by_watermark]
    since, text = latest(naming.LAST_SUCCESS), "By source and entity. Numbers are withheld after stale_after."
    if files:
        of_files = latest(naming.WATERMARK, one_of("source", files))
        since = f"({since} unless on (source) {of_files} or {of_files})"
        text += " For files: since they were last complete."
    header = Header(8, "Since the last completed pass", text)
    overrides = tuple(
        by_pattern(
            f"^{source.name} ",
            thresholds={"mode": "absolute", "steps": list(age_steps(site.config, source.withheld_after))},
        )
        for source in site.config.sources
    )
    base = (ThresholdStep(colours(site.config)[Status.ON_TRACK].name),)
    query = instant_query(f"sort_desc(time() - {since})", "{{source}} {{entity}}")
    return bars(header, [query], Look("s", 0, steps=base, lowest=0, overrides=overrides))


def _withheld_kpis() -> Panel:
    header = Header(
        9,
        "KPIs without data",
        "Withheld because a source never completed a pass or its data is stale, or because the evaluation failed.",
    )
    columns = [*kpi_columns(), TableColumn("department", "Department"), TableColumn("owner", "Owner")]
    query = table_query(with_title(f"(({latest(naming.KPI_UP)} == 0) + 1)", "department", "owner"))
    return table(header, [query], columns, Look(no_value="every KPI has data"))


def _requests() -> Panel:
    header = Header(10, "Requests to sources", "HTTP requests per second, by class of response.")
    expr = aggregate("sum", f"rate({select(naming.REQUESTS)}[$__rate_interval])", ("source", "class"))
    look = Look("reqps", 2, colour="series", no_value="no source is read over HTTP")
    return lines(header, [range_query(expr, "{{source}} {{class}}")], look, step="1m")


def _records() -> Panel:
    header = Header(11, "Records", "Records per second, by what the store did with them.")
    expr = aggregate("sum", f"rate({select(naming.RECORDS)}[$__rate_interval])", ("result",))
    return lines(header, [range_query(expr, "{{result}}")], Look("short", 2, colour="series"), step="1m")


def _problems() -> list[GridItem]:
    return [
        GridItem(_increases(21, "Failed passes", naming.ERRORS, ("source", "entity", "reason")), 12, 8),
        GridItem(_increases(22, "Rejected records", naming.REJECTED, ("source", "entity", "reason")), 12, 8),
        GridItem(_increases(23, "Rejected requests to the exporter", naming.HTTP_REJECTED, ("reason",)), 8, 8),
        GridItem(_current(24, "Folded label values", naming.LABEL_OVERFLOW), 8, 8),
        GridItem(_current(25, "Records without a time", naming.UNDATED), 8, 8),
        GridItem(_current(26, "Failed metrics and KPIs", naming.EVALUATION_FAILED), 8, 8),
        GridItem(_current(27, "Listings truncated by the vendor", naming.CAPPED), 8, 8),
        GridItem(_current(28, "Series left out", naming.SERIES_DROPPED), 8, 8),
    ]


def _increases(panel_id: int, title: str, family: Family, labels: tuple[str, ...]) -> Panel:
    header = Header(panel_id, title, f"{family.help} Counted over the time range.")
    return _count_table(header, f"{aggregate('sum', f'increase({select(family)}[$__range])', labels)} > 0", labels)


def _current(panel_id: int, title: str, family: Family) -> Panel:
    return _count_table(Header(panel_id, title, family.help), f"{latest(family)} > 0", family.labels)


def _count_table(header: Header, expr: str, labels: tuple[str, ...]) -> Panel:
    columns = [*(TableColumn(label, label.capitalize()) for label in labels), TableColumn("Value", "Number")]
    look = Look("locale", 0, no_value="none")
    return table(header, [table_query(expr)], columns, look, sort=("Number", True))


def _durations() -> list[GridItem]:
    evaluations = latest(naming.EVALUATION_DURATION, by=())
    scrapes = f"{select(promql.SCRAPE_DURATION)} {_OF_EXPORTERS}"
    failures = aggregate("sum", f"increase({select(promql.RULE_FAILURES)}[1h])", ("rule_group",))
    charts = (
        (Header(31, "Duration of passes", naming.SYNC_DURATION.help), latest(naming.SYNC_DURATION), "s"),
        (Header(32, "Duration of evaluations", naming.EVALUATION_DURATION.help), evaluations, "s"),
        (Header(33, "Duration of scrapes", "How long Prometheus waits for a response."), scrapes, "s"),
        (Header(34, "Failed rule evaluations", "Rules that Prometheus could not evaluate."), failures, "none"),
    )
    return [
        GridItem(lines(header, [range_query(expr)], Look(unit, 2, colour="series"), step="1m"), 12, 8)
        for header, expr, unit in charts
    ]


@cache
def runbook_sections() -> dict[str, str]:
    """The Markdown of each alert's section in RUNBOOK.md."""
    text = files("dashboards").joinpath("RUNBOOK.md").read_text(encoding="utf-8")
    sections = re.split(r"^## (Kpi\w+)\n", text, flags=re.MULTILINE)[1:]
    return {name: body.strip() for name, body in zip(sections[::2], sections[1::2], strict=True)}


def runbook(site: Site) -> Dashboard:
    """The runbook as a dashboard with a panel for each alert, so that links of alerts work wherever Grafana does."""
    items = [
        GridItem(note(Header(stable_panel_id(name), name, f"What to do about {name}."), body), 12, 9)
        for name, body in runbook_sections().items()
    ]
    settings = DashboardSettings(RUNBOOK, "Runbook", "What each alert means, where to look first, and what to do.")
    return build_dashboard(site, settings, items)
