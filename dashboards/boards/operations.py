"""The dashboard for whoever operates the exporter: whether it reads its sources, stores records and evaluates KPIs."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards import promql
from dashboards.expressions import with_titles
from dashboards.grafana_model import Dashboard, Panel, ThresholdStep
from dashboards.layout import DashboardSettings, GridItem, PanelRow, build_dashboard
from dashboards.look import (
    LINES,
    NEUTRAL,
    VALUE_LINE,
    Look,
    age_steps,
    by_pattern,
    fixed_colour,
    line_colours,
    link_to_kpi,
    status_mapping,
    symbol_overrides,
    text_mapping,
)
from dashboards.panels import (
    Header,
    TableColumn,
    bars,
    collapsed_row,
    instant_query,
    lines,
    range_query,
    table,
    table_query,
    tiles,
)
from dashboards.promql import aggregate, latest, one_of, one_series_for_each, select, with_label
from dashboards.selection import Selection
from dashboards.site import HEALTH, SOURCES_PANEL, Site
from exporter import naming
from exporter.config.fields import Status
from exporter.naming import Family, SourceState
from exporter.statuses import BAR, STATUSES, colours

_OF_EXPORTERS = f"and on (job, instance) {naming.BUILD_INFO.name}"
"""Limits series to scrapes of exporters, whatever the scrape job is called."""
_STATES_WAITING = (SourceState.STARTING, SourceState.BACKFILL, SourceState.PAUSED)
_STATES_SLOW = (SourceState.DEGRADED, SourceState.RATE_LIMITED)
_STATES_FAILING = (SourceState.AUTH_FAILED, SourceState.SCHEMA_ERROR, SourceState.DOWN)
_SOURCE_STATES = (
    (STATUSES[Status.OFF_TRACK].symbol, _STATES_FAILING),
    (STATUSES[Status.AT_RISK].symbol, _STATES_SLOW),
    (STATUSES[Status.NO_DATA].symbol, _STATES_WAITING),
    (STATUSES[Status.ON_TRACK].symbol, (SourceState.OK,)),
)
"""The states of a source, worst first, with the symbol of the status that is as bad."""
_ANSWERED = ("2xx", "3xx")
_MOST_TILES_IN_A_ROW = 6
_FAILURES_HELP = "Rules that Prometheus could not evaluate in the last hour, by group of rules."


def exporter_health(site: Site) -> Dashboard:
    """Whether the exporter reads its sources, stores records and evaluates KPIs."""
    ages = _success_age(site)
    layout: list[GridItem | PanelRow] = [
        GridItem(_source_states(site), 24, 3 if len(site.config.sources) <= _MOST_TILES_IN_A_ROW else 5),
        GridItem(_checks(site), 10, 4),
        *_totals(),
        GridItem(ages, 12, _bars_height(sum(len(source.reads) for source in site.config.sources))),
        GridItem(_withheld_kpis(site), 12, 9),
        GridItem(_requests(site), 12, 8),
        GridItem(_records(), 12, 8),
        PanelRow(collapsed_row(20, "Why passes and records fail"), tuple(_problems())),
        PanelRow(collapsed_row(30, "The exporter and its rules"), tuple(_durations(site))),
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
    """A tile for each source, the worst first, as the parts of `or` keep their order."""
    header = Header(SOURCES_PANEL, "Sources", "The state of each source: ok, catching up, slowed down, or failing.")
    parts = (
        with_label(f"({latest(naming.SOURCE_STATE, one_of('state', states))} == 1)", "symbol", symbol)
        for symbol, states in _SOURCE_STATES
    )
    expr = one_series_for_each(f"({' or '.join(parts)})", ("source",))
    words = f'label_replace({expr}, "state", "$1 $2", "state", "(.+)_(.+)")'
    look = Look("none", 0, overrides=symbol_overrides(site.config))
    panel = tiles(header, [instant_query(words, "{{symbol}} {{source}}: {{state}}")], look, text="name")
    panel.options["text"] = {"valueSize": 22}
    return panel


def _checks(site: Site) -> Panel:
    """Tiles that say yes or no."""
    header = Header(
        2,
        "Checks",
        "Whether the store can be read and written, the last load of the config succeeded, and all metrics and KPIs "
        "could be evaluated.",
    )
    checks = (
        ("Store usable", naming.STORE_UP),
        ("Config accepted", naming.RELOAD_SUCCESS),
        ("Evaluation works", naming.EVALUATION_SUCCESS),
    )
    steps = (ThresholdStep(colours(site.config)[Status.OFF_TRACK].name), ThresholdStep(NEUTRAL, 1))
    words = {"0": f"{STATUSES[Status.OFF_TRACK].symbol} no", "1": "yes"}
    look = Look("none", 0, steps=steps, mappings=(text_mapping(words),))
    queries = [
        instant_query(f"min({select(family)})", name, ref) for ref, (name, family) in zip("ABC", checks, strict=True)
    ]
    return tiles(header, queries, look)


def _totals() -> list[GridItem]:
    version = instant_query(f"count by (version) ({select(naming.BUILD_INFO)})", "version {{version}}")
    series = range_query(latest(naming.SERIES, by=()), "series")
    age = instant_query(f"time() - {latest(naming.EVALUATION_TIME, by=())}", "since the last evaluation")
    exporters = Header(5, "Exporters", "Exporters that Prometheus scrapes, by version.")
    evaluation = Header(7, "Last evaluation", "Time since metrics and KPIs were last evaluated.")
    return [
        GridItem(tiles(evaluation, [age], Look("s", 0), text="value"), 5, 4),
        GridItem(tiles(Header(6, "Series", naming.SERIES.help), [series], Look("locale", 0), text="value"), 5, 4),
        GridItem(tiles(exporters, [version], Look("none", 0)), 4, 4),
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
            thresholds={
                "mode": "absolute",
                "steps": [ThresholdStep(BAR), *age_steps(site.config, source.withheld_after)[1:]],
            },
        )
        for source in site.config.sources
    )
    query = instant_query(f"sort_desc(time() - {since})", "{{source}} {{entity}}")
    look = Look(
        "s", 0, steps=(ThresholdStep(BAR),), lowest=0, overrides=overrides, no_value="no pass has completed yet"
    )
    panel = bars(header, [query], look)
    panel.options["text"] = {"titleSize": 13, "valueSize": 18}
    return panel


def _bars_height(count: int) -> int:
    """The height of a panel with this number of bars."""
    return min(max(9, 2 + count), 20)


def _withheld_kpis(site: Site) -> Panel:
    header = Header(
        9,
        "KPIs without data",
        "no data: no records, or a denominator of 0. stale: the data is too old to be shown. withheld: a source never "
        "completed a pass, or the evaluation failed.",
    )
    without = f"({latest(naming.STATUS, one_of('status', (Status.NO_DATA, Status.STALE)), by=('kpi', 'status'))} == 1)"
    withheld = with_label(f"({latest(naming.KPI_UP)} == 0) + 1", "status", "withheld")
    expr = one_series_for_each(f"({without} or on (kpi) {withheld})", ("kpi",))
    columns = [
        TableColumn("kpi"),
        TableColumn("title", "KPI", 190, {"links": [link_to_kpi("__data.fields.kpi")]}),
        TableColumn("status", "Status", 80, {"mappings": [status_mapping(site.config)]}),
        TableColumn("department", "Department", 128),
        TableColumn("owner", "Owner", None, {"custom__minWidth": 150}),
    ]
    query = table_query(with_titles(expr, Selection(), "department", "owner"))
    return table(header, [query], columns, Look(no_value="Every KPI has data"))


def _requests(site: Site) -> Panel:
    """A line for each source and class of response, with a colour of its own for each source unless it is a failure."""
    header = Header(10, "Requests to sources", "HTTP requests per second, by class of response. Failures are red.")
    expr = aggregate("sum", f"rate({select(naming.REQUESTS)}[$__rate_interval])", ("source", "class"))
    colour = colours(site.config)
    failures = "|".join(answer for answer in naming.REQUEST_CLASSES if answer not in _ANSWERED)
    overrides = (
        *(
            by_pattern(f"^{source.name}: ", colour=fixed_colour(LINES[index % len(LINES)]))
            for index, source in enumerate(site.config.sources)
        ),
        by_pattern(f": ({failures})$", colour=fixed_colour(colour[Status.OFF_TRACK].name)),
    )
    look = Look("reqps", 2, colour=VALUE_LINE, overrides=overrides, no_value="no source is read over HTTP")
    return lines(header, [range_query(expr, "{{source}}: {{class}}")], look, step="1m")


def _records() -> Panel:
    header = Header(11, "Records", "Records per second, by what the store did with them.")
    expr = aggregate("sum", f"rate({select(naming.RECORDS)}[$__rate_interval])", ("result",))
    return lines(header, [range_query(expr, "{{result}}")], _lines_look("short", naming.RECORD_RESULTS), step="1m")


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


def _durations(site: Site) -> list[GridItem]:
    passes, evaluations = latest(naming.SYNC_DURATION), latest(naming.EVALUATION_DURATION, by=())
    scrapes = f"{select(promql.SCRAPE_DURATION)} {_OF_EXPORTERS}"
    failures = aggregate("sum", f"increase({select(promql.RULE_FAILURES)}[1h])", ("rule_group",))
    failures = f'label_replace({failures}, "rule_group", "$1", "rule_group", ".*;(.*)")'
    charts = (
        (Header(31, "Duration of passes", naming.SYNC_DURATION.help), passes, "{{source}} {{entity}}", "s"),
        (Header(32, "Duration of evaluations", naming.EVALUATION_DURATION.help), evaluations, "evaluation", "s"),
        (Header(33, "Duration of scrapes", "How long Prometheus waits for a response."), scrapes, "{{instance}}", "s"),
        (Header(34, "Failed rule evaluations", _FAILURES_HELP), failures, "{{rule_group}}", "none"),
    )
    return [
        GridItem(lines(header, [range_query(expr, legend)], _lines_look(unit, _pass_names(site)), step="1m"), 12, 8)
        for header, expr, legend, unit in charts
    ]


def _lines_look(unit: str, names: Sequence[str]) -> Look:
    """Lines whose colours say nothing about how good they are; the colour of the value line for all other names."""
    return Look(unit, 2, colour=VALUE_LINE, overrides=line_colours(names))


def _pass_names(site: Site) -> list[str]:
    return [f"{source.name} {entity}" for source in site.config.sources for entity in source.reads]
