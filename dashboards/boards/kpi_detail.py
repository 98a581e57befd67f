"""The dashboard of one KPI: how it performs, how it developed, and what explains it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from dashboards import expressions
from dashboards.boards.kpi_charts import part_bars, supporting_tiles, value_chart, with_selected_unit
from dashboards.boards.kpi_panels import TILE_TITLES, status_bands
from dashboards.boards.members import person_table, team_table
from dashboards.boards.scorecard import no_number, text_column
from dashboards.boards.tables import alert_table, formula, past_text
from dashboards.encoding import escape_variables
from dashboards.grafana_model import Dashboard, Panel, Variable
from dashboards.layout import DashboardSettings, GridItem, PanelColumn, PanelRow, build_dashboard
from dashboards.look import PERCENT, Look, by_name, by_pattern, fixed_colour, symbol_overrides
from dashboards.number_texts import aggregate_text
from dashboards.panels import Header, TableColumn, collapsed_row, instant_query, table, table_query, tiles
from dashboards.promql import Matcher, join, latest, one_series_for_each, select, with_label
from dashboards.reasons import notes
from dashboards.selection import Selection
from dashboards.site import DETAIL, MAIN_PANEL, Site
from exporter import naming
from exporter.config.fields import Scope
from exporter.config.history import Restate
from exporter.config.kpis import Kpi
from exporter.statuses import GREY

_KPI = Matcher("kpi", "=", '"$kpi"')
_SELECTED = Selection(matchers=(_KPI,))
_AGE, _ELAPSED, _USED = "age of data", "period elapsed", "records used"


def kpi_detail(site: Site) -> Dashboard:
    """The dashboard of the KPI selected in its variable."""
    history = Header(12, "Status", "When the status changed, and for how long.")
    layout: list[GridItem | PanelColumn | PanelRow] = [
        GridItem(_now(site), 7, 5),
        GridItem(_measured_against(site), 17, 5),
        GridItem(value_chart(site, MAIN_PANEL, _SELECTED), 24, 10),
        GridItem(status_bands(site, history, _SELECTED, "status"), 24, 4),
        *_members(site),
        GridItem(supporting_tiles(site, 21, _KPI), 24, 6),
        *_rows(site),
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
        "titleFormat": "Target changed",
        "target": {"datasource": site.datasource_ref, "expr": expr, "interval": "1h", "range": True, "refId": "Anno"},
    }


def _now(site: Site) -> Panel:
    header = Header(
        1,
        "Now",
        "The value in the current period, the verdict, and how it compares with what is expected by now. A guard that "
        "is off track holds the verdict back.",
    )
    unknown = f"{_SELECTED.latest(naming.STATUS)} * NaN"
    value = f"({expressions.shown_value(_SELECTED, naming.VALUE)} or {unknown})"
    words = f"({expressions.marks(_SELECTED, labels=('mark', 'word'))})"
    named = join(value, words, ("kpi",), ("mark", "word"))
    expr = join(named, f"({_remark()})", ("kpi",), ("remark",))
    look = Look(decimals=None, overrides=symbol_overrides(site.config), mappings=(dict(no_number("no data")),))
    panel = tiles(header, [instant_query(expr, "{{mark}} {{word}}{{remark}}")], look, title_size=16)
    return with_selected_unit(site, panel, _SELECTED)


def _remark() -> str:
    """What follows the verdict: what holds it back, else the share of plan if there is one."""
    reason = f'label_replace({notes(_SELECTED, "why")}, "remark", ": ${{1}}", "why", "(.*)")'
    percent = aggregate_text(f"round(100 * {expressions.against_plan(_SELECTED)})", "percent", ("kpi",))
    share = f'label_replace({percent}, "remark", " · ${{1}} % of plan", "percent", "(.*)")'
    return f"{reason} or on (kpi) {share} or on (kpi) {_SELECTED.latest(naming.STATUS)} ^ 0"


def _measured_against(site: Site) -> Panel:
    previous = "Final value of the period before" + (
        "" if site.config.history.restate is Restate.ALWAYS else "; once it is sealed, later changes do not move it"
    )
    header = Header(
        2,
        "What it is measured against",
        f"The plan and the target of the period, or the ends of its range. {previous}. Records are used unless they "
        "were rejected or have no time or exchange rate; their share is shown if some are missing.",
    )
    low = _SELECTED.latest(naming.TARGET_LOW)
    numbers = {
        "should be by now": f"({_SELECTED.latest(naming.EXPECTED)} unless on (kpi) {low})",
        "target": f"({_SELECTED.latest(naming.TARGET)} unless on (kpi) {low})",
        "lower end": low,
        "upper end": _SELECTED.latest(naming.TARGET_HIGH),
        "period before": _SELECTED.latest(naming.PREVIOUS_VALUE),
    }
    named = " or ".join(with_label(expr, "words", words) for words, expr in numbers.items())
    queries = [
        instant_query(expressions.as_shown(named, _SELECTED), "{{words}}", "A"),
        instant_query(_SELECTED.latest(naming.PERIOD_ELAPSED), _ELAPSED, "B"),
        instant_query(f"{_SELECTED.latest(naming.COVERAGE)} < 0.995", _USED, "C"),
        instant_query(expressions.data_age(_SELECTED), _AGE, "D"),
    ]
    overrides = (
        *(by_name(name, unit=PERCENT, decimals=0) for name in (_ELAPSED, _USED)),
        by_name(_AGE, unit="dtdurations", decimals=0),
    )
    look = Look(decimals=None, overrides=overrides, no_value="–")
    panel = tiles(header, queries, look, paint="none", title_size=TILE_TITLES)
    return with_selected_unit(site, panel, _SELECTED)


def _members(site: Site) -> Iterator[GridItem | PanelColumn]:
    """Teams and people, if there are KPIs with them, and what the KPI means."""
    teams = bool(site.kpis(Scope.TEAM))
    people = bool(site.kpis(Scope.PERSON)) and site.config.privacy.people == "included"
    by_team = team_table(site, 23, replace(_SELECTED, scope=Scope.TEAM))
    by_person = person_table(site, 24, replace(_SELECTED, scope=Scope.PERSON))
    about, team_height = _about(site), 6 if len(site.config.teams) <= 3 else 7
    if teams and people:
        yield PanelColumn((GridItem(by_team, 9, team_height), GridItem(about, 9, 10)))
        yield GridItem(by_person, 15, team_height + 10)
    elif teams or people:
        yield GridItem(about, 9, 10)
        yield GridItem(by_team if teams else by_person, 15, 10)
    else:
        yield GridItem(about, 24, 9)


def _about(site: Site) -> Panel:
    """What the KPI means, one line for each text. The texts are labels: Grafana gives rows the height of such texts."""
    header = Header(
        13,
        "About this KPI",
        "Why it matters, how it is calculated, which decision it supports, what limits its past, and who owns it.",
    )
    headings = {
        "why": "Why", "how": "How", "decides": "Decides", "past": "Its past", "owner": "Owner", "period": "Period",
    }  # fmt: skip
    info = one_series_for_each(latest(naming.INFO, _KPI, by=("kpi", "owner", "period")), ("kpi",))
    definitions = " or ".join(_definition(site, kpi) for kpi in site.config.kpis)
    query = table_query(join(info, f"({definitions})", ("kpi",), ("why", "how", "decides", "past")))
    lines = (
        by_name("Field", custom__width=90, colour=fixed_colour(GREY.name), custom__cellOptions={"type": "color-text"}),
        by_pattern("^(?!Field$).*", custom__wrapText=True, custom__cellOptions={"type": "auto", "wrapText": True}),
    )
    panel = table(header, [query], [], Look(overrides=lines, no_value="–"))
    order = {name: index for index, name in enumerate(("kpi", *headings))}
    organize: dict[str, Any] = {
        "excludeByName": {"Time": True, "Value": True},
        "includeByName": {},
        "indexByName": order,
        "renameByName": headings,
    }
    panel.transformations = [{"id": "organize", "options": organize}, {"id": "transpose", "options": {}}]
    panel.options |= {"showHeader": False, "cellHeight": "md"}
    return panel


def _definition(site: Site, kpi: Kpi) -> str:
    texts = {
        "kpi": kpi.name,
        "why": kpi.why,
        "how": formula(site.config, kpi.value),
        "decides": kpi.decision or "–",
        "past": past_text(site.config, kpi) or "–",
    }
    expression = "vector(1)"
    for label, text in texts.items():
        expression = with_label(expression, label, " ".join(text.split()))
    return expression


def _rows(site: Site) -> Iterator[PanelRow]:
    """What is needed less often, in collapsed rows: they ask nothing until they are opened."""
    parts = part_bars(site, 22, _KPI)
    if parts is not None:
        yield PanelRow(collapsed_row(31, "By label"), (GridItem(parts, 24, 9),))
    yield PanelRow(collapsed_row(32, "Alerts"), (GridItem(alert_table(site, 25, _KPI), 24, 6),))
    yield PanelRow(collapsed_row(33, "Restated periods"), (GridItem(_restated(site), 24, 6),))


def _restated(site: Site) -> Panel:
    header = Header(
        26,
        "Restated periods",
        "Sealed periods whose value changed later, and their value now. `kpi-exporter ledger` has the sealed value and "
        "the cause.",
    )
    columns = [TableColumn("kpi"), text_column("period", "Period", 160), TableColumn("Value", "Value now")]
    values = expressions.as_shown(latest(naming.RESTATED_VALUE, _KPI, by=("kpi", "period")), _SELECTED)
    look = Look(decimals=None, no_value="no sealed period was restated")
    panel = table(header, [table_query(values)], columns, look, sort=("Period", True))
    return with_selected_unit(site, panel, _SELECTED)
