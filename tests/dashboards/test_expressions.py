"""The results of the dashboards' expressions, computed by Prometheus itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboards import expressions
from dashboards.promql import one_of
from dashboards.selection import Selection
from exporter import naming
from exporter.config.fields import Scope, Status
from exporter.naming import scoped
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


SHARES = {"queried": expressions.on_plan_share(Selection()), "recorded": expressions.recorded_share()}


@pytest.mark.parametrize("share", SHARES.values(), ids=SHARES)
def test_the_share_on_target_counts_verdicts_only(tmp_path: Path, share: str) -> None:
    kpi_series = kpis(a="off_track", b="on_track", c="exceeded", d="no_data", e="too_few")
    check(tmp_path, kpi_series, share, {"{}": f"{2 / 3}"})


@pytest.mark.parametrize("share", SHARES.values(), ids=SHARES)
def test_the_share_on_target_is_zero_if_all_kpis_fail_and_absent_if_none_has_a_verdict(
    tmp_path: Path, share: str
) -> None:
    check(tmp_path, kpis(a="off_track"), share, {"{}": "0"})
    check(tmp_path, kpis(a="no_data"), share)


def test_the_share_on_target_by_department(tmp_path: Path) -> None:
    check(
        tmp_path,
        kpis(a="off_track", b="on_track", s="exceeded"),
        expressions.recorded_share("department"),
        {'{department="Sales"}': "0.5"},
        {'{department="Service"}': "1"},
    )


def test_the_score_limits_each_kpi_to_one(tmp_path: Path) -> None:
    family = scoped(naming.TARGET_RATIO, Scope.PERSON)
    kpi_series = series(family, 3, kpi="a", team="N", person="P") | series(family, 0.5, kpi="b", team="N", person="P")
    check(tmp_path, kpi_series, expressions.mean_score(Selection(Scope.PERSON)), {'{team="N",person="P"}': "0.75"})


def test_only_selected_kpis_are_counted(tmp_path: Path) -> None:
    kpi_series = kpis(a="off_track", b="on_track")
    check(tmp_path, kpi_series, expressions.on_plan_share(Selection(matchers=(one_of("kpi", ["b"]),))), {"{}": "1"})
