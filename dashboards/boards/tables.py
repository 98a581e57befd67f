"""The table of firing alerts, the tile about alerts and the age of the data, and definitions of KPIs as text."""

from __future__ import annotations

from collections.abc import Iterable

from dashboards import expressions, promql
from dashboards.boards.scorecard import kpi_column, text_column
from dashboards.grafana_model import Panel
from dashboards.look import Look, by_name
from dashboards.panels import Header, alert_list, instant_query, table, table_query, tiles
from dashboards.promql import Matcher, equals, latest, quote
from dashboards.selection import Selection
from dashboards.site import Site
from exporter.config.expression import Binary, Constant, Expression
from exporter.config.kpis import Kpi
from exporter.config.root import Config
from exporter.config.state_columns import kpi_state_columns, past_of

_ALERT_WORDS = "Kpi([A-Z][a-z]+)([A-Z][a-z]+)?([A-Z][a-z]+)?"
"""The words in the name of an alert: KpiOffTrack is shown as Off Track."""


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
    query = table_query(expressions.with_titles(words, Selection()))
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
    return f"max({expressions.data_age(selection)})"


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


def _number(value: float) -> str:
    return f"{value:,.10g}"
