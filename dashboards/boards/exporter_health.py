"""The exporter's own health: whether sources answer, records arrive, and numbers are worked out."""

from __future__ import annotations

from dashboards import foreign
from dashboards.defaults import HEALTH, Outline, Site, dashboard, to_kpi
from dashboards.expressions import with_title
from dashboards.grafana_model import Dashboard, Panel, Step
from dashboards.layout import Block, Section
from dashboards.look import Look, fixed, matching, value_texts
from dashboards.panels import Column, Head, bars, folded, lines, now, over_time, rows_of, table, tiles
from dashboards.promql import first_of, latest, merged, select
from exporter import naming
from exporter.config.fields import Status
from exporter.naming import Family, SourceState
from exporter.statuses import GREY, colours

SOURCES_PANEL = 1
"""The panel that alerts link to."""
_OURS = f"and on (job, instance) {naming.BUILD_INFO.name}"
"""Keeps the series of exporters alone, whatever the scrape job is called."""
_EVALUATED = "Time since metrics and KPIs were last worked out from the records."
_GOOD = (SourceState.OK,)
_WAITING = (SourceState.STARTING, SourceState.BACKFILL, SourceState.PAUSED)
_SLOW = (SourceState.DEGRADED, SourceState.RATE_LIMITED)


def exporter_health(site: Site) -> Dashboard:
    """For whoever runs the exporter."""
    parts: list[Block | Section] = [
        Block(_states(site), 24, 5),
        *_yes_or_no(site),
        *_counts(),
        Block(_success_age(site), 12, 9),
        Block(_withheld(), 12, 9),
        Block(_requests(), 12, 8),
        Block(_records(), 12, 8),
        Section(folded(20, "Why passes and records fail"), tuple(_troubles())),
        Section(folded(30, "The exporter and its rules"), tuple(_process())),
    ]
    outline = Outline(
        HEALTH,
        "Exporter health",
        "Whether sources answer, records arrive and KPIs are worked out.",
        tags=("kpi-exporter",),
        since="now-6h",
    )
    return dashboard(site, outline, parts)


def _states(site: Site) -> Panel:
    colour = colours(site.config)
    kinds = (
        (_GOOD, colour[Status.ON_TRACK]),
        (_WAITING, GREY),
        (_SLOW, colour[Status.AT_RISK]),
        (tuple(SourceState), colour[Status.OFF_TRACK]),
    )
    painted = {state: next(paint for states, paint in kinds if state in states) for state in SourceState}
    overrides = tuple(matching(f" {state}$", colour=fixed(paint)) for state, paint in painted.items())
    head = Head(SOURCES_PANEL, "Sources", "What each source is doing: ok, catching up, slowed down, or failing.")
    expr = first_of(f"{latest(naming.SOURCE_STATE)} == 1", ("source",))
    look = Look("none", 0, name="${__field.labels.source}: ${__field.labels.state}", overrides=overrides)
    return tiles(head, [now(expr, "{{source}} {{state}}")], look, text="name", paint="background_solid")


def _yes_or_no(site: Site) -> list[Block]:
    colour = colours(site.config)
    steps = (Step(colour[Status.OFF_TRACK]), Step(colour[Status.ON_TRACK], 1))
    look = Look("none", 0, steps=steps, mappings=(value_texts({"0": ("no", None), "1": ("yes", None)}),))
    asked = (
        (Head(2, "Store usable", "Whether the store can be read and written."), naming.STORE_UP),
        (
            Head(3, "Config accepted", "Whether the last load of the config succeeded."),
            naming.RELOAD_SUCCESS,
        ),
        (Head(4, "Evaluation works", "Whether all metrics and KPIs could be worked out."), naming.EVALUATION_SUCCESS),
    )
    return [Block(tiles(head, [now(f"min({select(family)})")], look, text="value"), 4, 4) for head, family in asked]


def _counts() -> list[Block]:
    version = now(f"count by (version) ({select(naming.BUILD_INFO)})", "{{version}}")
    series = over_time(latest(naming.SERIES, by=()), "series")
    age = now(f"time() - {latest(naming.EVALUATION_TIME, by=())}")
    return [
        Block(tiles(Head(5, "Exporters seen", "Exporters that Prometheus scrapes."), [version], Look("none", 0)), 4, 4),
        Block(tiles(Head(6, "Series", naming.SERIES.help), [series], Look("locale", 0), text="value"), 4, 4),
        Block(tiles(Head(7, "Since the last evaluation", _EVALUATED), [age], Look("s", 0), text="value"), 4, 4),
    ]


def _success_age(site: Site) -> Panel:
    head = Head(8, "Since the last completed pass", "By source and entity. Numbers are withheld after stale_after.")
    colour = colours(site.config)
    overrides = tuple(
        matching(
            f"^{source.name} ",
            thresholds={
                "mode": "absolute",
                "steps": [
                    Step(colour[Status.ON_TRACK]),
                    Step(colour[Status.AT_RISK], source.withheld_after.total_seconds() * 2 / 3),
                    Step(colour[Status.OFF_TRACK], source.withheld_after.total_seconds()),
                ],
            },
        )
        for source in site.config.sources
    )
    look = Look("s", 0, steps=(Step(colour[Status.ON_TRACK]),), lowest=0, overrides=overrides)
    return bars(head, [now(f"sort_desc(time() - {latest(naming.LAST_SUCCESS)})", "{{source}} {{entity}}")], look)


def _withheld() -> Panel:
    head = Head(
        9, "KPIs that show no data", "Withheld because a source never completed a pass, is stale, or it failed."
    )
    columns = [
        Column("kpi"),
        Column("title", "KPI", None, {"links": [to_kpi("__data.fields.kpi")]}),
        Column("department", "Department"),
        Column("owner", "Owner"),
    ]
    query = rows_of(with_title(f"(({latest(naming.KPI_UP)} == 0) + 1)", "department", "owner"))
    return table(head, [query], columns, Look(no_value="every KPI shows its data"))


def _requests() -> Panel:
    head = Head(10, "Requests to sources", "HTTP requests a second by class of answer.")
    expr = merged("sum", f"rate({select(naming.REQUESTS)}[$__rate_interval])", ("source", "class"))
    look = Look("reqps", 2, colour="series", no_value="no source is read over HTTP")
    return lines(head, [over_time(expr, "{{source}} {{class}}")], look, step="1m")


def _records() -> Panel:
    head = Head(11, "Records", "Records a second, by what the store did with them.")
    expr = merged("sum", f"rate({select(naming.RECORDS)}[$__rate_interval])", ("result",))
    return lines(head, [over_time(expr, "{{result}}")], Look("short", 2, colour="series"), step="1m")


def _troubles() -> list[Block]:
    return [
        Block(_counted(21, "Failed passes", naming.ERRORS, ("source", "entity", "reason")), 12, 8),
        Block(_counted(22, "Rejected records", naming.REJECTED, ("source", "entity", "reason")), 12, 8),
        Block(_counted(23, "Refused requests to the exporter", naming.HTTP_REJECTED, ("reason",)), 8, 8),
        Block(_listed(24, "Folded label values", naming.LABEL_OVERFLOW), 8, 8),
        Block(_listed(25, "Records without their time", naming.UNDATED), 8, 8),
        Block(_listed(26, "Failed metrics and KPIs", naming.EVALUATION_FAILED), 8, 8),
        Block(_listed(27, "Listings cut short by the vendor", naming.CAPPED), 8, 8),
        Block(_listed(28, "Series left out", naming.SERIES_DROPPED), 8, 8),
    ]


def _counted(panel_id: int, title: str, family: Family, labels: tuple[str, ...]) -> Panel:
    head = Head(panel_id, title, f"{family.help} Counted over the time range.")
    expr = f"{merged('sum', f'increase({select(family)}[$__range])', labels)} > 0"
    return _rows(head, expr, labels)


def _listed(panel_id: int, title: str, family: Family) -> Panel:
    return _rows(Head(panel_id, title, family.help), f"{latest(family)} > 0", family.labels)


def _rows(head: Head, expr: str, labels: tuple[str, ...]) -> Panel:
    columns = [*(Column(label, label.capitalize()) for label in labels), Column("Value", "Number")]
    look = Look("locale", 0, no_value="none")
    return table(head, [rows_of(expr)], columns, look, sort=("Number", True))


def _process() -> list[Block]:
    waiting = f"{select(foreign.SCRAPE_DURATION)} {_OURS}"
    failures = merged("sum", f"increase({select(foreign.RULE_FAILURES)}[1h])", ("rule_group",))
    evaluation = latest(naming.EVALUATION_DURATION, by=())
    return [
        _course(Head(31, "Duration of passes", naming.SYNC_DURATION.help), latest(naming.SYNC_DURATION), "s"),
        _course(Head(32, "Duration of evaluations", naming.EVALUATION_DURATION.help), evaluation, "s"),
        _course(Head(33, "Duration of scrapes", "How long Prometheus waits for an answer."), waiting, "s"),
        _course(Head(34, "Failed rule evaluations", "Rules that Prometheus could not work out."), failures, "none"),
    ]


def _course(head: Head, expr: str, unit: str) -> Block:
    return Block(lines(head, [over_time(expr)], Look(unit, 2, colour="series"), step="1m"), 12, 8)
