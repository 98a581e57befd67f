"""The dashboard of one KPI: how it performs, how it developed, and what explains it."""

from __future__ import annotations

from dashboards import expressions
from dashboards.boards.kpi_charts import pace_chart, part_bars, supporting_tiles, value_chart
from dashboards.boards.kpi_panels import status_history
from dashboards.boards.tables import (
    alert_table,
    formula,
    number_cells,
    past_text,
    ratio_cells,
    status_cells,
    unit_cells,
)
from dashboards.encoding import escape_variables
from dashboards.grafana_model import Dashboard, Panel, Variable
from dashboards.layout import DashboardSettings, GridItem, PanelRow, build_dashboard
from dashboards.look import (
    PERCENT,
    SERIES_WITH_STATUS,
    Look,
    age_steps,
    by_pattern,
    link_to_person,
    status_overrides,
    text_mapping,
    unit_overrides,
)
from dashboards.panels import Header, TableColumn, bars, instant_query, open_row, table, table_query, tiles
from dashboards.promql import Matcher, latest, select
from dashboards.site import DETAIL, MAIN_PANEL, Site
from exporter import naming
from exporter.config.fields import Scope
from exporter.config.history import Restate

_KPI = Matcher("kpi", "=", '"$kpi"')


def kpi_detail(site: Site) -> Dashboard:
    """The dashboard of the KPI selected in its variable."""
    history = Header(12, "Status over time", "When the verdict changed, and for how long.")
    layout: list[GridItem | PanelRow] = [
        *_headline(site),
        GridItem(value_chart(site, MAIN_PANEL, _KPI), 24, 10),
        GridItem(status_history(site, history, _KPI), 24, 4),
        GridItem(pace_chart(11, _KPI), 12, 9),
        GridItem(_about(site), 12, 9),
        PanelRow(open_row(20, "What explains it"), tuple(_reasons(site))),
    ]
    settings = DashboardSettings(
        DETAIL,
        "KPI in detail",
        "How one KPI performs, how it developed, and what explains it.",
        variables=(_variable(site),),
        annotations=(_target_changes(site),),
    )
    return build_dashboard(site, settings, layout)


def _variable(site: Site) -> Variable:
    """The selected KPI: its title as text, its name as value."""
    query = f"query_result({latest(naming.INFO, by=('kpi', 'title'))})"
    first = next(((escape_variables(kpi.title), kpi.name) for kpi in site.config.kpis), ("", ""))
    regex = '/kpi="(?<value>[^"]*)",title="(?<text>.*)"}/'
    return Variable("kpi", "KPI", query, regex=regex, first=first)


def _target_changes(site: Site) -> dict[str, object]:
    expr = f"max by (kpi) (changes({select(naming.TARGET, _KPI)}[2h])) > 0"
    return {
        "name": "Target changes",
        "datasource": site.datasource_ref,
        "enable": True,
        "hide": False,
        "iconColor": "#8F3BB8",
        "expr": expr,
        "step": "1h",
        "titleFormat": "Target changed",
        "textFormat": "A new target took effect.",
        "tagKeys": "",
        "useValueForTime": False,
        "target": {"datasource": site.datasource_ref, "expr": expr, "interval": "1h", "range": True, "refId": "Anno"},
    }


def _headline(site: Site) -> list[GridItem]:
    units, status = unit_overrides(site.config, site.config.kpis), status_overrides(site.config)
    value_look = Look(name="${__field.labels.verdict}", overrides=(*units, *status))
    ratio_look, age_look = Look(PERCENT, overrides=status), Look("s", 0, steps=age_steps(site.config))
    value = Header(1, "Value", "The value in the current period, and the verdict.")
    plan = Header(3, "Against plan", "Value against what is expected by now. 100 % is on plan, and more is better.")
    target = Header(4, "Against target", "Value against the target of the whole period. 100 % is on target.")
    elapsed = Header(5, "Period elapsed", "Share of the period that has passed, weighted by the KPI's pace.")
    age = Header(6, "Data age", "Time since the KPI's data was last complete.")
    previous = Header(7, "Previous period", _previous_text(site))
    coverage = Header(
        8,
        "Records used",
        "Share of records that the value rests on; rejected ones and those without a time or exchange rate lower it.",
    )
    value_query, plan_query, target_query = (
        instant_query(expr, SERIES_WITH_STATUS)
        for expr in (
            expressions.value_with_status(naming.VALUE, _KPI),
            expressions.plan_ratio_with_status(_KPI),
            expressions.value_with_status(naming.TARGET_RATIO, _KPI),
        )
    )
    small_tiles = (
        (elapsed, latest(naming.PERIOD_ELAPSED, _KPI), Look(PERCENT, 0)),
        (age, expressions.data_age(_KPI), age_look),
        (previous, latest(naming.PREVIOUS_VALUE, _KPI), Look(overrides=units)),
        (coverage, latest(naming.COVERAGE, _KPI), Look(PERCENT)),
    )
    return [
        GridItem(tiles(value, [value_query], value_look, paint="background_solid"), 7, 4),
        GridItem(_target_tiles(site), 7, 4),
        GridItem(tiles(plan, [plan_query], ratio_look, text="value"), 5, 4),
        GridItem(tiles(target, [target_query], ratio_look, text="value"), 5, 4),
        *(
            GridItem(tiles(header, [instant_query(expr, "{{kpi}} now")], look, text="value"), 6, 3)
            for header, expr, look in small_tiles
        ),
    ]


def _previous_text(site: Site) -> str:
    if site.config.history.restate is Restate.ALWAYS:
        return "Final value of the previous period, as the records say now."
    return "Final value of the previous period: once it is sealed, later changes of records do not move it."


def _target_tiles(site: Site) -> Panel:
    tile_names = {
        "target": (naming.TARGET, "whole period"),
        "low": (naming.TARGET_LOW, "at least"),
        "high": (naming.TARGET_HIGH, "at most"),
        "expected": (naming.EXPECTED, "expected by now"),
    }
    queries = [
        instant_query(latest(family, _KPI), f"{{{{kpi}}}} {name}", ref)
        for ref, (name, (family, _)) in zip("ABCD", tile_names.items(), strict=True)
    ]
    overrides = (
        *unit_overrides(site.config, site.config.kpis),
        *(by_pattern(f" {name}$", name=text) for name, (_, text) in tile_names.items()),
    )
    header = Header(2, "Target", "The target of the whole period (the middle of a range), and what is expected by now.")
    return tiles(header, queries, Look(overrides=overrides))


def _about(site: Site) -> Panel:
    """A table whose texts come from the config: value mappings translate the KPI's name."""
    header = Header(
        13,
        "About this KPI",
        "Why it matters, how it is calculated, which decision it supports, what limits its past, and who owns it.",
    )
    texts = {
        "why": ("Why", {kpi.name: kpi.why for kpi in site.config.kpis}),
        "formula": ("Value", {kpi.name: formula(site.config, kpi.value) for kpi in site.config.kpis}),
        "decision": ("Decision", {kpi.name: kpi.decision or "–" for kpi in site.config.kpis}),
        "past": ("Its past", {kpi.name: past_text(site.config, kpi) or "–" for kpi in site.config.kpis}),
    }
    expr = expressions.kpi_info(_KPI, labels=("owner", "department", "period", "better"))
    columns = [TableColumn("kpi")]
    wrapped = {"custom__cellOptions": {"type": "auto", "wrapText": True}}
    for label, (heading, text_by_kpi) in texts.items():
        expr = f'label_replace({expr}, "{label}", "$1", "kpi", "(.*)")'
        columns.append(TableColumn(label, heading, None, wrapped | {"mappings": [text_mapping(text_by_kpi)]}))
    columns += [
        TableColumn("owner", "Owner", 150),
        TableColumn("department", "Department", 120),
        TableColumn("period", "Period", 70),
        TableColumn("better", "Better", 70),
    ]
    return table(header, [table_query(expr)], columns, Look())


def _reasons(site: Site) -> list[GridItem]:
    items = [GridItem(supporting_tiles(site, 21, _KPI), 24, 7)]
    if site.kpis(Scope.TEAM):
        items.append(GridItem(_teams(site), 12, 9))
    items.append(GridItem(alert_table(site, 25, _KPI), 12, 9))
    if site.kpis(Scope.PERSON):
        items.append(GridItem(_people(site), 24, 11))
    parts = part_bars(site, 22, _KPI)
    items += [GridItem(parts, 24, 8)] if parts is not None else []
    return [*items, GridItem(_restated(site), 24, 6)]


def _restated(site: Site) -> Panel:
    header = Header(
        26,
        "Restated periods",
        "Sealed periods whose value changed later, and their value now. `kpi-exporter ledger` has the sealed value and "
        "the cause.",
    )
    columns = [
        TableColumn("kpi"),
        TableColumn("period", "Period", 160),
        TableColumn("Value", "Value now", 160, number_cells()),
        TableColumn("unit", "Unit", None, unit_cells(site)),
    ]
    value = expressions.ratios_in_percent(latest(naming.RESTATED_VALUE, _KPI, by=("kpi", "period")))
    query = table_query(expressions.with_title(value, "unit"))
    return table(header, [query], columns, Look(no_value="no sealed period was restated"), sort=("Period", True))


def _teams(site: Site) -> Panel:
    header = Header(
        23, "By team", "Each team's value, largest first, in the colour of its status against its own target."
    )
    look = Look(
        name="${__field.labels.team}: ${__field.labels.verdict}",
        overrides=(*unit_overrides(site.config, site.kpis(Scope.TEAM)), *status_overrides(site.config)),
        no_value="not measured by team",
    )
    expr = expressions.value_with_status(naming.VALUE, _KPI, scope=Scope.TEAM)
    return bars(header, [instant_query(f"sort_desc({expr})", SERIES_WITH_STATUS)], look)


def _people(site: Site) -> Panel:
    header = Header(24, "By person", "Each person's value and how it compares with their own target.")
    columns = [
        TableColumn("kpi"),
        TableColumn("title"),
        TableColumn("person", "Person", 220, {"links": [link_to_person("__data.fields.person")]}),
        TableColumn("team", "Team", 180),
        TableColumn("status", "Status", 110, status_cells(site)),
        TableColumn("Value #A", "Against plan", None, ratio_cells(site)),
        TableColumn("Value #B", "Against target", None, ratio_cells(site)),
        TableColumn("Value #C", "Value", 130, number_cells()),
        TableColumn("unit", "Unit", 80, unit_cells(site)),
    ]
    value = expressions.latest_value(naming.VALUE, _KPI, scope=Scope.PERSON)
    queries = [
        table_query(expressions.plan_ratio(_KPI, scope=Scope.PERSON), "A"),
        table_query(expressions.latest_value(naming.TARGET_RATIO, _KPI, scope=Scope.PERSON), "B"),
        table_query(expressions.ratios_in_percent(value), "C"),
        table_query(expressions.with_title(expressions.current_status(_KPI, scope=Scope.PERSON), "unit"), "I"),
    ]
    return table(header, queries, columns, Look(no_value="not measured by person"), sort=("Against plan", True))
