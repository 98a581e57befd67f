"""The samples of an evaluation."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from exporter import naming
from exporter.config.fields import Scope, Status
from exporter.exposition.families import (
    FamilySamples,
    business_samples,
    exported,
    kpi_samples,
    review_due,
)
from exporter.kpi.values import Evaluation
from tests.exposition.sample import NOW, kpi_value, sample_config, sample_evaluation


def samples(rows: FamilySamples) -> dict[tuple[str, ...], float]:
    """Values by label values."""
    return {tuple(map(str, rows.labels_of(key))): v for key, v in zip(rows.keys, rows.values, strict=True)}


def by_name(evaluation: Evaluation) -> dict[str, dict[tuple[str, ...], float]]:
    return {rows.family.name: samples(rows) for rows in kpi_samples(sample_config(), evaluation)}


def test_business_metrics_become_one_family_per_scope_with_their_labels_in_order() -> None:
    families = {r.family.name: samples(r) for r in business_samples(sample_config(), sample_evaluation().metrics)}
    assert families["business_revenue_won_chf"] == {("month",): 1_484_250.5}
    assert families["business_talk_seconds"] == {("day",): 187.4, ("month",): 201.0}
    assert families["team_business_talk_seconds"] == {("day", "North"): 99.5}
    assert families["person_business_talk_seconds"] == {("day", "North", "Ada"): 99.5}
    assert families["business_open_deals"] == {("Offer",): 500.0, ("__other__",): 12.0}


def test_interleaved_metrics_still_make_one_family() -> None:
    revenue, day, *_ = sample_evaluation().metrics
    mixed = [revenue, day, revenue._replace(period="day")]
    assert [r.family.name for r in business_samples(sample_config(), mixed)] == [
        "business_revenue_won_chf",
        "business_talk_seconds",
    ]


def test_an_unknown_number_has_no_sample() -> None:
    families = by_name(sample_evaluation())
    assert families["kpi_expected"] == {("revenue",): 1.63e6}
    assert ("open_work",) not in families["kpi_target_ratio"]
    assert families["kpi_target_low"] == {("win_rate",): 0.2}


def test_the_status_is_one_hot_at_every_scope() -> None:
    families = by_name(sample_evaluation())
    for name in ("kpi_status", "team_kpi_status", "person_kpi_status"):
        series = families[name]
        owners = {labels[:-1] for labels in series}
        assert len(series) == len(owners) * len(Status)
        assert all(sum(v for labels, v in series.items() if labels[:-1] == owner) == 1 for owner in owners)
    assert families["kpi_status"][("revenue", "at_risk")] == 1
    assert families["person_kpi_status"][("revenue", "North", "Björn Ståhl", "exceeded")] == 1


def test_a_stale_kpi_exposes_its_target_status_and_age_but_no_value() -> None:
    families = by_name(sample_evaluation())
    for name in ("kpi_value", "kpi_target_ratio", "kpi_previous_value", "kpi_coverage_ratio"):
        assert ("new_calls",) not in families[name]
    assert families["kpi_target"][("new_calls",)] == 10
    assert families["kpi_status"][("new_calls", "stale")] == 1
    assert families["kpi_asof_timestamp_seconds"][("new_calls",)] == NOW.timestamp() - 9 * 3600


def test_only_scoped_families_exist_per_team() -> None:
    names = {name for name in by_name(sample_evaluation()) if name.startswith("team_")}
    assert names == {f"team_{family.name}" for family in naming.SCOPED}


def test_kpis_without_a_company_scope_have_definitions_too() -> None:
    team_only = kpi_value("revenue", Status.ON_TRACK, 5.0, scope=Scope.TEAM, team="North")
    families = by_name(Evaluation(NOW, (team_only,), ()))
    assert families["kpi_period_elapsed_ratio"] == {("revenue",): 0.62}
    assert families["kpi_period_left"] == {("revenue", "workdays"): 8.4}
    info = (
        "revenue",
        "Revenue won this quarter",
        "currency",
        "quarter",
        "higher",
        "grow",
        "Sales",
        "boss@example.com",
        "",
    )
    assert families["kpi_info"] == {info: 1.0}
    assert "kpi_value" not in families


def test_an_objective_without_enough_data_has_no_score() -> None:
    assert by_name(sample_evaluation())["objective_score_ratio"] == {("grow",): 0.83}


@pytest.mark.parametrize(
    ("reviewed", "review", "due"),
    [
        (date(2025, 1, 31), "monthly", date(2025, 2, 28)),
        (date(2024, 1, 31), "monthly", date(2024, 2, 29)),
        (date(2025, 3, 30), "yearly", date(2026, 3, 30)),
        (date(2025, 11, 15), "quarterly", date(2026, 2, 15)),
        (date(2025, 12, 5), "monthly", date(2026, 1, 5)),
    ],
)
def test_a_review_is_due_at_the_companys_midnight(reviewed: date, review: str, due: date) -> None:
    zone = ZoneInfo("Europe/Zurich")
    kpi = sample_config().kpis[0].model_copy(update={"reviewed": reviewed, "review": review})
    assert review_due(kpi, zone) == datetime(due.year, due.month, due.day, tzinfo=zone).timestamp()


def test_no_review_is_due_without_a_review_interval() -> None:
    assert review_due(sample_config().kpis[0], ZoneInfo("UTC")) is None


def test_a_kpi_is_exported_unless_it_is_stale_failed_or_was_never_synced() -> None:
    never = kpi_value("talk_time", Status.NO_DATA, as_of=None)
    empty = kpi_value("win_rate", Status.NO_DATA)
    stale = kpi_value("new_calls", Status.STALE)
    broken = kpi_value("open_work", Status.ON_TRACK, 1.0)
    up = exported(Evaluation(NOW, (never, empty, stale, broken), (), failed=("open_work", "revenue")))
    assert up == {"talk_time": False, "win_rate": True, "new_calls": False, "open_work": False, "revenue": False}
