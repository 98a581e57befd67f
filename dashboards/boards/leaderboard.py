"""Who leads: only where the config asks for ranking people by name."""

from __future__ import annotations

from dashboards import expressions
from dashboards.boards.tables import ratio_cells
from dashboards.defaults import LEADERBOARD, Outline, Site, dashboard, to_kpi, to_person
from dashboards.grafana_model import Dashboard, Panel
from dashboards.layout import Block
from dashboards.look import PERCENT, Look, ratio_steps
from dashboards.panels import Column, Head, bars, now, rows_of, table
from dashboards.promql import latest
from dashboards.rules.recording import PERSON_SCORE, TEAM_SCORE
from exporter import naming
from exporter.config.fields import Scope
from exporter.naming import Family

_TOP = 10


def leaderboard(site: Site) -> Dashboard:
    """The people, and teams, that stand best against their targets."""
    blocks = [Block(_best(site), 12, 11), Block(_improved(), 12, 11)]
    if site.kpis(Scope.TEAM):
        blocks.append(Block(_teams(site), 12, 10))
    blocks.append(Block(_leaders(site), 24 - 12 * (len(blocks) - 2), 10))
    outline = Outline(
        LEADERBOARD,
        "Leaderboard",
        f"The {_TOP} people who stand best against their targets, and who improved most.",
        tags=("kpi-people",),
        since="now-30d",
    )
    return dashboard(site, outline, blocks)


def _scores(site: Site, head: Head, expr: str, label: str) -> Panel:
    look = Look(
        PERCENT,
        steps=ratio_steps(site.config),
        name=f"${{__field.labels.{label}}}",
        lowest=0,
        highest=1,
        links=(to_person("__field.labels.person"),) if label == "person" else (),
    )
    return bars(head, [now(f"sort_desc({expr})", f"{{{{{label}}}}}")], look)


def _best(site: Site) -> Panel:
    head = Head(1, f"Top {_TOP}", "Mean target ratio of the own KPIs, each counted up to 100 %.")
    return _scores(site, head, f"topk({_TOP}, {_score(PERSON_SCORE, 'person')})", "person")


def _improved() -> Panel:
    head = Head(2, "Most improved in a week", "By how many points the score rose within seven days.")
    gain = f"{_score(PERSON_SCORE, 'person')} - max by (person) ({PERSON_SCORE.name} offset 7d)"
    look = Look(
        PERCENT,
        name="${__field.labels.person}",
        lowest=0,
        links=(to_person("__field.labels.person"),),
        no_value="nobody yet",
    )
    return bars(head, [now(f"sort_desc(topk({_TOP}, {gain} > 0))", "{{person}}")], look)


def _teams(site: Site) -> Panel:
    head = Head(3, "Teams", "Mean target ratio of each team's KPIs, each counted up to 100 %.")
    return _scores(site, head, _score(TEAM_SCORE, "team"), "team")


def _leaders(site: Site) -> Panel:
    head = Head(4, "Leaders by KPI", "Who stands best against the own target in each KPI.")
    ratio = expressions.number(naming.TARGET_RATIO, scope=Scope.PERSON)
    columns = [
        Column("kpi"),
        Column("title", "KPI", None, {"links": [to_kpi("__data.fields.kpi")]}),
        Column("person", "Person", None, {"links": [to_person("__data.fields.person")]}),
        Column("team", "Team"),
        Column("Value", "Of whole target", None, ratio_cells(site)),
    ]
    return table(head, [rows_of(expressions.with_title(f"topk by (kpi) (1, {ratio})"))], columns, Look())


def _score(family: Family, label: str) -> str:
    return latest(family, by=(label,))
