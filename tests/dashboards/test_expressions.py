"""What the questions of dashboards mean, answered by Prometheus' own engine."""

from __future__ import annotations

from pathlib import Path

from dashboards import expressions
from dashboards.promql import one_of
from exporter import naming
from exporter.config.fields import Scope, Status
from exporter.naming import scoped
from exporter.statuses import STATUSES
from tests.dashboards.example_series import Series, answers, series

INFO = {"period": "month", "better": "higher", "objective": "grow", "owner": "me"}


def kpis(**statuses: str) -> Series:
    """KPIs with these statuses, each with value 2, target ratio 0.5 and no pace, from two exporters."""
    found: Series = {}
    for name, held in statuses.items():
        department = "Sales" if name < "m" else "Service"
        found |= series(naming.INFO, 1, kpi=name, title=name.upper(), unit="ratio", department=department, **INFO)
        for status in Status:
            found |= series(naming.STATUS, float(status == held), kpi=name, status=status.value)
        if held != "no_data":
            found |= series(naming.VALUE, 2, kpi=name) | series(naming.TARGET_RATIO, 0.5, kpi=name)
    return found


def check(tmp_path: Path, found: Series, expr: str, *samples: Series) -> None:
    said = answers(tmp_path, found, [(expr, samples)])
    assert not said, said


def test_a_tile_has_the_value_the_status_its_words_and_the_title(tmp_path: Path) -> None:
    check(
        tmp_path,
        kpis(a="off_track", b="exceeded"),
        expressions.value_with_status(naming.VALUE),
        {'{kpi="a",status="off_track",title="A",verdict="off track"}': "2"},
        {'{kpi="b",status="exceeded",title="B",verdict="exceeded"}': "2"},
    )


def test_a_kpi_without_a_value_keeps_its_tile(tmp_path: Path) -> None:
    expr = f"count({expressions.value_with_status(naming.VALUE)}) by (kpi, status)"
    check(tmp_path, kpis(a="no_data"), expr, {'{kpi="a",status="no_data"}': "1"})


def test_two_exporters_that_disagree_still_make_one_tile(tmp_path: Path) -> None:
    both = kpis(a="on_track")
    for name in both:
        if 'status="at_risk"' in name and 'instance="b' in name:
            both[name] = "1x300"
    check(tmp_path, both, f"count({expressions.value_with_status(naming.VALUE)})", {"{}": "1"})


def test_a_title_that_differs_between_exporters_breaks_nothing(tmp_path: Path) -> None:
    both = kpis(a="on_track")
    renamed = {name.replace('"A"', '"New"') if 'instance="b' in name else name: v for name, v in both.items()}
    check(tmp_path, renamed, f"count({expressions.value_with_status(naming.VALUE)})", {"{}": "1"})


def test_the_share_on_target_counts_verdicts_only(tmp_path: Path) -> None:
    found = kpis(a="off_track", b="on_track", c="exceeded", d="no_data", e="too_few")
    check(tmp_path, found, expressions.on_target_share(), {"{}": f"{2 / 3}"})


def test_the_share_on_target_is_zero_where_all_fail_and_absent_where_none_is_judged(tmp_path: Path) -> None:
    check(tmp_path, kpis(a="off_track"), expressions.on_target_share(), {"{}": "0"})
    check(tmp_path, kpis(a="no_data"), expressions.on_target_share())


def test_the_share_on_target_by_department(tmp_path: Path) -> None:
    check(
        tmp_path,
        kpis(a="off_track", b="on_track", s="exceeded"),
        expressions.on_target_share_by("department"),
        {'{department="Sales"}': "0.5"},
        {'{department="Service"}': "1"},
    )


def test_the_four_verdicts_are_always_counted_the_rest_only_where_there_is_any(tmp_path: Path) -> None:
    check(
        tmp_path,
        kpis(a="off_track", b="off_track", c="stale"),
        expressions.count_by_status(),
        {'{status="exceeded"}': "0"},
        {'{status="on_track"}': "0"},
        {'{status="at_risk"}': "0"},
        {'{status="off_track"}': "2"},
        {'{status="stale"}': "1"},
    )


def test_the_plan_is_the_pace_where_there_is_one_else_the_whole_target(tmp_path: Path) -> None:
    found = kpis(a="on_track", b="on_track") | series(naming.PACE_RATIO, 1.2, kpi="a")
    check(tmp_path, found, expressions.plan_ratio(), {'{kpi="a"}': "1.2"}, {'{kpi="b"}': "0.5"})


def test_ratios_read_in_percent_in_tables(tmp_path: Path) -> None:
    found = kpis(a="on_track")
    found |= series(naming.INFO, 1, kpi="b", title="B", unit="currency", department="Sales", **INFO)
    found |= series(naming.VALUE, 2, kpi="b")
    expr = expressions.ratios_in_percent(expressions.latest_value(naming.VALUE))
    check(tmp_path, found, expr, {'{kpi="a"}': "200"}, {'{kpi="b"}': "2"})


def test_each_status_has_a_code(tmp_path: Path) -> None:
    found = kpis(a="exceeded", b="off_track", c="too_few")
    held = {"a": Status.EXCEEDED, "b": Status.OFF_TRACK, "c": Status.TOO_FEW}
    samples = ({f'{{kpi="{name}"}}': str(STATUSES[status].code)} for name, status in held.items())
    check(tmp_path, found, expressions.status_code(), *samples)


def test_the_score_counts_each_kpi_up_to_one(tmp_path: Path) -> None:
    family = scoped(naming.TARGET_RATIO, Scope.PERSON)
    found = series(family, 3, kpi="a", team="N", person="P") | series(family, 0.5, kpi="b", team="N", person="P")
    check(tmp_path, found, expressions.mean_score(Scope.PERSON), {'{team="N",person="P"}': "0.75"})


def test_only_the_kpis_asked_for_are_counted(tmp_path: Path) -> None:
    found = kpis(a="off_track", b="on_track")
    check(tmp_path, found, expressions.on_target_share(one_of("kpi", ["b"])), {"{}": "1"})
