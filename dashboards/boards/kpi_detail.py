"""One KPI: where it stands, how it got there, who and what makes it so."""

from __future__ import annotations

from dashboards import expressions
from dashboards.boards.definitions import formula
from dashboards.boards.kpi_charts import pace_chart, value_chart
from dashboards.boards.kpi_panels import status_history
from dashboards.boards.supporting import part_bars, supporting_tiles
from dashboards.boards.tables import alert_table, number_cells, ratio_cells, status_cells, unit_cells
from dashboards.defaults import DETAIL, Outline, Site, dashboard, source_of, to_person
from dashboards.grafana_model import Dashboard, Panel, Variable
from dashboards.layout import Block, Section
from dashboards.look import (
    JUDGED_SERIES,
    PERCENT,
    Look,
    age_steps,
    matching,
    status_overrides,
    unit_overrides,
    value_texts,
)
from dashboards.panels import Column, Head, bars, heading, now, rows_of, table, tiles
from dashboards.promql import Match, latest, select
from dashboards.quoting import shown
from exporter import naming
from exporter.config.fields import Scope

MAIN_PANEL = 10
"""The chart that alerts link to."""
KPI = Match("kpi", "=", '"$kpi"')


def kpi_detail(site: Site) -> Dashboard:
    """The dashboard of whichever KPI is chosen."""
    history = status_history(site, Head(12, "Status along time", "When the verdict turned, and for how long."), KPI)
    parts: list[Block | Section] = [
        *_headline(site),
        Block(value_chart(site, MAIN_PANEL, KPI), 24, 10),
        Block(history, 24, 4),
        Block(pace_chart(11, KPI), 12, 9),
        Block(_about(site), 12, 9),
        Section(heading(20, "Who and what makes it so"), tuple(_reasons(site))),
    ]
    outline = Outline(
        DETAIL,
        "KPI in detail",
        "Where one KPI stands, how it got there, and what explains it.",
        variables=(_variable(site),),
        annotations=(_target_changes(site),),
    )
    return dashboard(site, outline, parts)


def _variable(site: Site) -> Variable:
    query = f"query_result({latest(naming.INFO, by=('kpi', 'title'))})"
    first = next(((shown(kpi.title), kpi.name) for kpi in site.config.kpis), ("", ""))
    regex = '/kpi="(?<value>[^"]*)",title="(?<text>.*)"}/'
    return Variable("kpi", "KPI", query, regex=regex, first=first)


def _target_changes(site: Site) -> dict[str, object]:
    expr = f"max by (kpi) (changes({select(naming.TARGET, KPI)}[2h])) > 0"
    return {
        "name": "Target changes",
        "datasource": source_of(site),
        "enable": True,
        "hide": False,
        "iconColor": "#8F3BB8",
        "expr": expr,
        "step": "1h",
        "titleFormat": "Target changed",
        "textFormat": "A new target came into force.",
        "tagKeys": "",
        "useValueForTime": False,
        "target": {"datasource": source_of(site), "expr": expr, "interval": "1h", "range": True, "refId": "Anno"},
    }


def _headline(site: Site) -> list[Block]:
    status, units = status_overrides(site.config), unit_overrides(site.config, site.config.kpis)
    own = Look(name="${__field.labels.verdict}", overrides=(*units, *status))
    ratio = Look(PERCENT, overrides=status)
    value = Head(1, "Value", "The value so far in the KPI's period, and its verdict.")
    plan = Head(3, "Against plan", "Value against what is expected by now. 100 % is on plan, more is better.")
    whole = Head(4, "Of whole target", "Value against the target of the whole period. 100 % is on target.")
    values, plans, wholes = (
        [now(expr, JUDGED_SERIES)]
        for expr in (
            expressions.judged(naming.VALUE, KPI),
            expressions.judged_plan(KPI),
            expressions.judged(naming.TARGET_RATIO, KPI),
        )
    )
    return [
        Block(tiles(value, values, own, paint="background_solid"), 7, 4),
        Block(_target_tiles(site), 7, 4),
        Block(tiles(plan, plans, ratio, text="value"), 5, 4),
        Block(tiles(whole, wholes, ratio, text="value"), 5, 4),
        *_circumstances(site),
    ]


def _target_tiles(site: Site) -> Panel:
    parts = {"target": naming.TARGET, "low": naming.TARGET_LOW, "high": naming.TARGET_HIGH, "expected": naming.EXPECTED}
    names = {"target": "whole period", "low": "at least", "high": "at most", "expected": "expected by now"}
    queries = [
        now(latest(family, KPI), f"{{{{kpi}}}} {part}", ref)
        for ref, (part, family) in zip("ABCD", parts.items(), strict=True)
    ]
    overrides = (
        *unit_overrides(site.config, site.config.kpis),
        *(matching(f" {part}$", name=name) for part, name in names.items()),
    )
    head = Head(2, "Target", "The target of the whole period (the middle of a range), and what is expected by now.")
    return tiles(head, queries, Look(overrides=overrides))


def _circumstances(site: Site) -> list[Block]:
    units = unit_overrides(site.config, site.config.kpis)
    elapsed = Head(5, "Period elapsed", "Share of the period that has passed, by the KPI's pace.")
    age = Head(6, "Data age", "Time since the KPI's data was known to be complete.")
    previous = Head(7, "Previous period", "Final value of the period before.")
    coverage = Head(8, "Records used", "Share of the records that the value could take into account.")
    asked = (
        (elapsed, latest(naming.PERIOD_ELAPSED, KPI), Look(PERCENT, 0)),
        (age, expressions.data_age(KPI), Look("s", 0, steps=age_steps(site.config))),
        (previous, latest(naming.PREVIOUS_VALUE, KPI), Look(overrides=units)),
        (coverage, latest(naming.COVERAGE, KPI), Look(PERCENT)),
    )
    return [Block(tiles(head, [now(expr, "{{kpi}} now")], look, text="value"), 6, 3) for head, expr, look in asked]


def _about(site: Site) -> Panel:
    head = Head(13, "About this KPI", "Why it matters, how it is worked out, which decision it helps, and who owns it.")
    texts = {
        "why": {kpi.name: (shown(kpi.why), None) for kpi in site.config.kpis},
        "formula": {kpi.name: (shown(formula(site.config, kpi.value)), None) for kpi in site.config.kpis},
        "decision": {kpi.name: (shown(kpi.decision or "–"), None) for kpi in site.config.kpis},
    }
    expr = expressions.described(KPI, bring=("owner", "department", "period", "better"))
    for label in texts:
        expr = f'label_replace({expr}, "{label}", "$1", "kpi", "(.*)")'
    wrapped = {"custom__cellOptions": {"type": "auto", "wrapText": True}}
    columns = [
        Column("kpi"),
        *(
            Column(label, heading, None, wrapped | {"mappings": [value_texts(texts[label])]} if texts[label] else {})
            for label, heading in (("why", "Why"), ("formula", "Value"), ("decision", "Decision"))
        ),
        Column("owner", "Owner", 150),
        Column("department", "Department", 120),
        Column("period", "Period", 70),
        Column("better", "Better", 70),
    ]
    return table(head, [rows_of(expr)], columns, Look())


def _reasons(site: Site) -> list[Block]:
    blocks = [Block(supporting_tiles(site, 21, KPI), 24, 7)]
    if site.kpis(Scope.TEAM):
        blocks.append(Block(_teams(site), 12, 9))
    blocks.append(Block(alert_table(site, 25, KPI), 12, 9))
    if site.kpis(Scope.PERSON):
        blocks.append(Block(_people(site), 24, 11))
    parts = part_bars(site, 22, KPI)
    return [*blocks, Block(parts, 24, 8)] if parts is not None else blocks


def _teams(site: Site) -> Panel:
    head = Head(23, "By team", "Each team's value, best first, in the colour of its status against its own target.")
    look = Look(
        name="${__field.labels.team}: ${__field.labels.verdict}",
        overrides=(*unit_overrides(site.config, site.kpis(Scope.TEAM)), *status_overrides(site.config)),
        no_value="not measured by team",
    )
    expr = expressions.judged(naming.VALUE, KPI, scope=Scope.TEAM)
    return bars(head, [now(f"sort_desc({expr})", JUDGED_SERIES)], look)


def _people(site: Site) -> Panel:
    head = Head(24, "By person", "Each person's value and how it stands against the person's own target.")
    columns = [
        Column("kpi"),
        Column("title"),
        Column("person", "Person", 220, {"links": [to_person("__data.fields.person")]}),
        Column("team", "Team", 180),
        Column("status", "Status", 110, status_cells(site)),
        Column("Value #A", "Against plan", None, ratio_cells(site)),
        Column("Value #B", "Of whole target", None, ratio_cells(site)),
        Column("Value #C", "Value", 130, number_cells()),
        Column("unit", "Unit", 80, unit_cells(site)),
    ]
    value = expressions.number(naming.VALUE, KPI, scope=Scope.PERSON)
    queries = [
        rows_of(expressions.against_plan(KPI, scope=Scope.PERSON), "A"),
        rows_of(expressions.number(naming.TARGET_RATIO, KPI, scope=Scope.PERSON), "B"),
        rows_of(expressions.readable(value), "C"),
        rows_of(expressions.with_title(expressions.current_status(KPI, scope=Scope.PERSON), "unit"), "I"),
    ]
    return table(head, queries, columns, Look(no_value="not measured by person"), sort=("Against plan", True))
