"""Tables about KPIs, the look of their cells, and the definitions of KPIs as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dashboards import expressions, promql
from dashboards.boards.scorecard import kpi_column, text_column
from dashboards.encoding import escape_markdown, escape_variables
from dashboards.expressions import with_title
from dashboards.grafana_model import Panel
from dashboards.look import (
    NEUTRAL,
    PERCENT,
    Look,
    by_name,
    fixed_colour,
    link_to_kpi,
    ratio_steps,
    status_mapping,
    text_mapping,
    unit_mapping,
)
from dashboards.panels import Header, TableColumn, alert_list, instant_query, table, table_query, tiles
from dashboards.promql import Matcher, equals, latest, quote
from dashboards.selection import Selection
from dashboards.site import Site
from exporter import naming
from exporter.config.expression import Binary, Constant, Expression
from exporter.config.fields import Scope
from exporter.config.kpis import Kpi
from exporter.config.root import Config
from exporter.config.state_columns import kpi_state_columns, past_of
from exporter.config.targets import Band, Goal, Growth

_ALERT_WORDS = "Kpi([A-Z][a-z]+)([A-Z][a-z]+)?([A-Z][a-z]+)?"
"""The words in the name of an alert: KpiOffTrack is shown as Off Track."""


def ratio_cells(site: Site) -> dict[str, Any]:
    """Cells of a target ratio: a bar and the number."""
    return {
        "unit": "percentunit",
        "decimals": 0,
        "min": 0,
        "max": 1.5,
        "colour": {"mode": "thresholds"},
        "thresholds": {"mode": "absolute", "steps": list(ratio_steps(site.config))},
        "custom__cellOptions": {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
    }


def status_cells(site: Site) -> dict[str, Any]:
    """Cells of a status: its words on its colour."""
    return {
        "mappings": [status_mapping(site.config)],
        "custom__cellOptions": {"type": "color-background", "mode": "basic"},
    }


def number_cells() -> dict[str, Any]:
    """Cells of a number whose unit is in another column."""
    return {"unit": "locale", "decimals": 2}


def unit_cells(site: Site) -> dict[str, Any]:
    """Cells of a unit."""
    return {"mappings": [unit_mapping(site.config)]}


def kpi_columns(width: int | None = None) -> tuple[TableColumn, TableColumn]:
    """The KPI's title with a link to its detail, for which the hidden first column has its name."""
    return TableColumn("kpi"), TableColumn("title", "KPI", width, {"links": [link_to_kpi("__data.fields.kpi")]})


def kpi_table(site: Site, header: Header, *matchers: Matcher, scope: Scope = Scope.COMPANY, peers: str = "") -> Panel:
    """One row for each KPI, worst first. `peers` is an expression for the mean plan ratio of others."""
    objectives = {entry.name: entry.title for entry in site.config.objectives}
    columns = [
        *kpi_columns(260),
        TableColumn("status", "Status", 110, status_cells(site)),
        TableColumn("Value #A", "Against plan", 170, ratio_cells(site)),
        TableColumn("Value #B", "Against target", 170, ratio_cells(site)),
        TableColumn("Value #C", "Value", 120, number_cells()),
        TableColumn("Value #D", "Target", 120, number_cells()),
        TableColumn("unit", "Unit", 70, unit_cells(site)),
        TableColumn("department", "Department", 140),
        TableColumn("objective", "Objective", 180, {"mappings": [text_mapping(objectives)]} if objectives else {}),
        TableColumn("owner", "Owner"),
    ]
    value, target = (
        expressions.ratios_in_percent(expressions.latest_value(family, *matchers, scope=scope))
        for family in (naming.VALUE, naming.TARGET)
    )
    status = with_title(expressions.current_status(*matchers, scope=scope), *expressions.INFO_LABELS[2:])
    queries = [
        table_query(expressions.plan_ratio(*matchers, scope=scope), "A"),
        table_query(expressions.latest_value(naming.TARGET_RATIO, *matchers, scope=scope), "B"),
        table_query(value, "C"),
        table_query(target, "D"),
        table_query(status, "I"),
    ]
    if scope is not Scope.COMPANY:
        del columns[8:]
    if peers:
        queries.append(table_query(peers, "P"))
        columns.insert(4, TableColumn("Value #P", "Team mean", 130, ratio_cells(site)))
    return table(header, queries, columns, Look(), sort=("Against plan", False))


def alert_table(site: Site, panel_id: int, *matchers: Matcher) -> Panel:
    """The firing alerts about KPIs."""
    header = Header(panel_id, "Firing alerts", "Alerts about KPIs that are firing now, and the owner of each KPI.")
    if not site.prometheus_alerts:
        labels = ",".join(map(str, (*matchers, Matcher("kpi", "=~", '".+"'))))
        return alert_list(header, f"{{{labels}}}")
    columns = [
        *kpi_column(),
        text_column("alertname", "Alert", 200),
        text_column("severity", "Severity", 120),
        text_column("owner", "Owner"),
    ]
    alerts = latest(promql.ALERTS, *_firing(matchers), by=("alertname", "kpi", "severity", "owner"))
    words = f'label_replace({alerts}, "alertname", {quote("$1 $2 $3")}, "alertname", "{_ALERT_WORDS}")'
    query = table_query(with_title(words))
    return table(header, [query], columns, Look(decimals=None, no_value="no alert is firing"))


def _firing(matchers: Iterable[Matcher]) -> tuple[Matcher, ...]:
    """Those about KPIs of the company: alerts of teams and persons are for those whom they concern."""
    company = equals("team", ""), equals("person", "")
    return (equals("alertstate", "firing"), *company, *matchers, Matcher("kpi", "!=", '""'))


def alerts_and_age(site: Site, panel_id: int, selection: Selection, *alerts: Matcher) -> Panel:
    """How many alerts about KPIs are firing, if Prometheus evaluates them, and the age of the oldest data."""
    header = Header(
        panel_id,
        "Alerts and data" if site.prometheus_alerts else "Data",
        "Alerts about these KPIs that are firing, and the time since the data of the KPI with the oldest data was last "
        "complete.",
    )
    firing = f"count({latest(promql.ALERTS, *_firing(alerts), by=('kpi', 'alertname'))}) or vector(0)"
    queries = [instant_query(firing, "alerts firing", "A")] if site.prometheus_alerts else []
    queries.append(instant_query(age_query(selection), AGE, "B"))
    age = by_name(AGE, unit="dtdurations", decimals=0)
    return tiles(header, queries, Look("none", 0, overrides=(age,)), paint="none")


AGE = "age of data"


def age_query(selection: Selection) -> str:
    """Seconds since the data of the KPI with the oldest data was last complete."""
    return f"max(time() - {expressions.limited(selection.latest(naming.ASOF), selection)})"


def matrix(site: Site, header: Header, expr: str, rows: str, links: Sequence[Mapping[str, Any]] = ()) -> Panel:
    """A heat map with a row for each team or person (the label `rows`) and a column for each KPI."""
    transformation = {
        "id": "groupingToMatrix",
        "options": {"columnField": "kpi", "rowField": rows, "valueField": "Value"},
    }
    row_names = by_name(
        f"{rows}\\kpi",
        name=rows.capitalize(),
        links=list(links),
        colour=fixed_colour(NEUTRAL),
        custom__width=180,
        custom__cellOptions={"type": "auto"},
    )
    titles = (by_name(kpi.name, name=escape_variables(kpi.title)) for kpi in site.config.kpis)
    look = Look(PERCENT, 0, steps=ratio_steps(site.config), overrides=(row_names, *titles), no_value="–")
    panel = table(header, [table_query(f"sum by ({rows}, kpi) ({expr})")], [], look, transformation=transformation)
    panel.field_config["defaults"]["custom"]["cellOptions"] = {"type": "color-background", "mode": "basic"}
    return panel


def definitions(config: Config, kpis: Iterable[Kpi]) -> str:
    """What each KPI means, as a Markdown table."""
    headings = ("KPI", "Why", "Value", "Period", "Target", "Decision", "Owner", "Review", "Its past")
    lines = [" | ".join(headings), " | ".join("---" for _ in headings)]
    lines += [" | ".join(escape_markdown(cell) or "–" for cell in _cells(config, kpi)) for kpi in kpis]
    return "\n".join(f"| {line} |" for line in lines)


def _cells(config: Config, kpi: Kpi) -> tuple[str, ...]:
    return (
        kpi.title,
        kpi.why,
        f"{formula(config, kpi.value)} ({config.unit(kpi)})",
        kpi.period.value,
        f"{target_text(kpi)} ({kpi.better.value} is better)" if kpi.target is not None else "",
        kpi.decision or "",
        kpi.owner,
        kpi.review or "",
        past_text(config, kpi),
    )


def past_text(config: Config, kpi: Kpi) -> str:
    """What limits the KPI's figures of the past, in words; empty if nothing does."""
    state = kpi_state_columns(config, kpi)
    return f"Rests on {past_of(state)}" if state else ""


def formula(config: Config, value: Expression) -> str:
    """The formula of a KPI's value, with the titles of its metrics."""
    if isinstance(value, Constant):
        return _number(value.value)
    if isinstance(value, Binary):
        return f"{_operand(config, value.left)} {value.operator} {_operand(config, value.right)}"
    return config.metric_by_name[value.metric].title


def _operand(config: Config, value: Expression) -> str:
    text = formula(config, value)
    return f"({text})" if isinstance(value, Binary) else text


def target_text(kpi: Kpi) -> str:
    """The target in words."""
    goal = kpi.target
    if isinstance(goal, Band):
        return f"{_number(goal.within[0])} to {_number(goal.within[1])}"
    if isinstance(goal, Goal):
        return f"from {_number(goal.from_)} on {goal.start} to {_number(goal.to)} by {goal.by}"
    if isinstance(goal, Growth):
        return f"{goal.growth:+.1%} over {goal.over.value.replace('_', ' ')}"
    if isinstance(goal, tuple):
        return "changes by date, see the chart"
    return _number(goal) if goal is not None else ""


def _number(value: float) -> str:
    return f"{value:,.10g}"
