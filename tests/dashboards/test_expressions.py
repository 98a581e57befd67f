"""The results of the dashboards' expressions, computed by Prometheus itself."""

from __future__ import annotations

from pathlib import Path

from dashboards import expressions
from dashboards.promql import one_of
from exporter import naming
from exporter.config.fields import Scope, Status
from exporter.naming import scoped
from exporter.statuses import STATUSES
from tests.dashboards.example_series import Series, query_failures, series

INFO = {"period": "month", "better": "higher", "objective": "grow", "owner": "me"}


def kpis(**statuses: str) -> Series:
    """KPIs with these statuses, each with value 2, target ratio 0.5 and no pace, from two exporters."""
    kpi_series: Series = {}
    for name, kpi_status in statuses.items():
        department = "Sales" if name < "m" else "Service"
        kpi_series |= series(naming.INFO, 1, kpi=name, title=name.upper(), unit="ratio", department=department, **INFO)
        for status in Status:
            kpi_series |= series(naming.STATUS, float(status == kpi_status), kpi=name, status=status.value)
        if kpi_status != "no_data":
            kpi_series |= series(naming.VALUE, 2, kpi=name) | series(naming.TARGET_RATIO, 0.5, kpi=name)
    return kpi_series


def check(tmp_path: Path, kpi_series: Series, expr: str, *samples: Series) -> None:
    failures = query_failures(tmp_path, kpi_series, [(expr, samples)])
    assert not failures, failures


def test_a_tile_has_the_value_status_verdict_and_title(tmp_path: Path) -> None:
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
    exporters = kpis(a="on_track")
    for name in exporters:
        if 'status="at_risk"' in name and 'instance="b' in name:
            exporters[name] = "1x300"
    check(tmp_path, exporters, f"count({expressions.value_with_status(naming.VALUE)})", {"{}": "1"})


def test_a_title_that_differs_between_exporters_breaks_nothing(tmp_path: Path) -> None:
    exporters = kpis(a="on_track")
    renamed = {name.replace('"A"', '"New"') if 'instance="b' in name else name: v for name, v in exporters.items()}
    check(tmp_path, renamed, f"count({expressions.value_with_status(naming.VALUE)})", {"{}": "1"})


def test_the_share_on_target_counts_verdicts_only(tmp_path: Path) -> None:
    kpi_series = kpis(a="off_track", b="on_track", c="exceeded", d="no_data", e="too_few")
    check(tmp_path, kpi_series, expressions.on_target_share(), {"{}": f"{2 / 3}"})


def test_the_share_on_target_is_zero_if_all_kpis_fail_and_absent_if_none_has_a_verdict(tmp_path: Path) -> None:
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


def test_verdicts_are_always_counted_and_other_statuses_only_if_a_kpi_has_them(tmp_path: Path) -> None:
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


def test_the_plan_ratio_is_the_pace_ratio_or_without_a_pace_the_target_ratio(tmp_path: Path) -> None:
    kpi_series = kpis(a="on_track", b="on_track") | series(naming.PACE_RATIO, 1.2, kpi="a")
    check(tmp_path, kpi_series, expressions.plan_ratio(), {'{kpi="a"}': "1.2"}, {'{kpi="b"}': "0.5"})


def test_tables_show_ratios_in_percent(tmp_path: Path) -> None:
    kpi_series = kpis(a="on_track")
    kpi_series |= series(naming.INFO, 1, kpi="b", title="B", unit="currency", department="Sales", **INFO)
    kpi_series |= series(naming.VALUE, 2, kpi="b")
    expr = expressions.ratios_in_percent(expressions.latest_value(naming.VALUE))
    check(tmp_path, kpi_series, expr, {'{kpi="a"}': "200"}, {'{kpi="b"}': "2"})


def test_each_status_has_a_code(tmp_path: Path) -> None:
    kpi_series = kpis(a="exceeded", b="off_track", c="too_few", d="day_off")
    statuses = {"a": Status.EXCEEDED, "b": Status.OFF_TRACK, "c": Status.TOO_FEW, "d": Status.DAY_OFF}
    samples = ({f'{{kpi="{name}"}}': str(STATUSES[status].code)} for name, status in statuses.items())
    check(tmp_path, kpi_series, expressions.status_code(), *samples)


def test_the_score_limits_each_kpi_to_one(tmp_path: Path) -> None:
    family = scoped(naming.TARGET_RATIO, Scope.PERSON)
    kpi_series = series(family, 3, kpi="a", team="N", person="P") | series(family, 0.5, kpi="b", team="N", person="P")
    check(tmp_path, kpi_series, expressions.mean_score(Scope.PERSON), {'{team="N",person="P"}': "0.75"})


def test_only_selected_kpis_are_counted(tmp_path: Path) -> None:
    kpi_series = kpis(a="off_track", b="on_track")
    check(tmp_path, kpi_series, expressions.on_target_share(one_of("kpi", ["b"])), {"{}": "1"})
