"""Tables about KPIs, and how their cells look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards import expressions, foreign
from dashboards.defaults import Site, to_kpi
from dashboards.expressions import with_title
from dashboards.grafana_model import Panel
from dashboards.look import NEUTRAL, PERCENT, Look, fixed, named, ratio_steps, status_texts, unit_words, value_texts
from dashboards.panels import Column, Head, alert_list, rows_of, table
from dashboards.promql import Match, equal, latest
from dashboards.quoting import shown
from exporter import naming
from exporter.config.fields import Scope


def ratio_cells(site: Site) -> dict[str, Any]:
    """How a table cell shows a target ratio: a bar, and the number."""
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
    """How a table cell shows a status: its word on its colour."""
    return {
        "mappings": [status_texts(site.config)],
        "custom__cellOptions": {"type": "color-background", "mode": "basic"},
    }


def number_cells() -> dict[str, Any]:
    """How a table cell shows a number whose unit stands in another column."""
    return {"unit": "locale", "decimals": 2}


def unit_cells(site: Site) -> dict[str, Any]:
    """How a table cell shows a unit."""
    return {"mappings": [value_texts({unit: (text, None) for unit, text in unit_words(site.config).items()})]}


def kpi_table(site: Site, head: Head, *matches: Match, scope: Scope = Scope.COMPANY, peers: str = "") -> Panel:
    """One row for each KPI, worst first; `peers` is a query for what others reach against their plans."""
    objectives = {entry.name: (shown(entry.title), None) for entry in site.config.objectives}
    columns = [
        Column("kpi"),
        Column("title", "KPI", 260, {"links": [to_kpi("__data.fields.kpi")]}),
        Column("status", "Status", 110, status_cells(site)),
        Column("Value #A", "Against plan", 170, ratio_cells(site)),
        Column("Value #B", "Of whole target", 170, ratio_cells(site)),
        Column("Value #C", "Value", 120, number_cells()),
        Column("Value #D", "Target", 120, number_cells()),
        Column("unit", "Unit", 70, unit_cells(site)),
        Column("department", "Department", 140),
        Column("objective", "Objective", 180, {"mappings": [value_texts(objectives)]} if objectives else {}),
        Column("owner", "Owner"),
    ]
    bring = tuple(label for label in expressions.DESCRIPTION if label != "kpi")
    status = expressions.current_status(*matches, scope=scope)
    queries = [
        rows_of(expressions.against_plan(*matches, scope=scope), "A"),
        rows_of(expressions.number(naming.TARGET_RATIO, *matches, scope=scope), "B"),
        rows_of(expressions.readable(expressions.number(naming.VALUE, *matches, scope=scope)), "C"),
        rows_of(expressions.readable(expressions.number(naming.TARGET, *matches, scope=scope)), "D"),
        rows_of(with_title(status, *bring[1:]), "I"),
    ]
    if scope is not Scope.COMPANY:
        del columns[8:]
    if peers:
        queries.append(rows_of(peers, "P"))
        columns.insert(4, Column("Value #P", "Team mean", 130, ratio_cells(site)))
    return table(head, queries, columns, Look(), sort=("Against plan", False))


def alert_table(site: Site, panel_id: int, *matches: Match) -> Panel:
    """The KPI alerts that fire."""
    head = Head(panel_id, "Firing alerts", "Alerts about KPIs that fire now, and who owns the KPI.")
    if not site.prometheus_alerts:
        wanted = ",".join(map(str, matches)) or 'kpi=~".+"'
        return alert_list(head, f"{{{wanted}}}")
    firing = (equal("alertstate", "firing"), *(matches or (Match("kpi", "!=", '""'),)))
    labels = ("alertname", "kpi", "severity", "owner", "department")
    columns = [
        Column("kpi"),
        Column("alertname", "Alert", 200),
        Column("title", "KPI", 260, {"links": [to_kpi("__data.fields.kpi")]}),
        Column("severity", "Severity", 110),
        Column("department", "Department", 160),
        Column("owner", "Owner"),
    ]
    query = rows_of(with_title(latest(foreign.ALERTS, *firing, by=labels)))
    return table(head, [query], columns, Look(no_value="no alert fires"))


def matrix(site: Site, head: Head, expr: str, rows: str, links: Sequence[Mapping[str, Any]] = ()) -> Panel:
    """A heat map: a row for each team or person, a column for each KPI, painted by target ratio."""
    shape = {"id": "groupingToMatrix", "options": {"columnField": "kpi", "rowField": rows, "valueField": "Value"}}
    whose = named(
        f"{rows}\\kpi",
        name=rows.capitalize(),
        links=list(links),
        colour=fixed(NEUTRAL),
        custom__width=180,
        custom__cellOptions={"type": "auto"},
    )
    titles = (named(kpi.name, name=shown(kpi.title)) for kpi in site.config.kpis)
    look = Look(PERCENT, 0, steps=ratio_steps(site.config), overrides=(whose, *titles), no_value="–")
    panel = table(head, [rows_of(f"sum by ({rows}, kpi) ({expr})")], [], look, shape=shape)
    panel.field_config["defaults"]["custom"]["cellOptions"] = {"type": "color-background", "mode": "basic"}
    return panel
