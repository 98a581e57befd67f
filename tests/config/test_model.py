"""Accessors of sections. What they reject is in test_cases."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from exporter.config.company import Company
from exporter.config.fields import Secret
from exporter.config.kpis import Kpi
from exporter.config.metrics import Condition, Metric
from exporter.config.sources import AnySource
from exporter.config.sources.base import ColumnSource, SourceOptions
from exporter.config.targets import Band, Entry, Goal, Growth, Reference
from tests.config.minimal import KPI

REST: dict[str, Any] = {
    "name": "x",
    "provider": "rest",
    "base_url": "https://api.example.com",
    "entities": [
        {"entity": "deals", "path": "/d", "columns": {"id": "id", "owner": "who"}},
        {"entity": "deals", "path": "/archive", "columns": {"id": "id"}},
        {"entity": "calls", "path": "/c", "columns": {"id": "id"}},
    ],
}


def source(**options: Any) -> Any:
    return TypeAdapter(AnySource).validate_python(options)


class TestCompany:
    def test_the_calendar_is_available_as_numbers(self) -> None:
        company = Company.model_validate(
            {"name": "A", "timezone": "UTC", "week_starts": "sunday", "fiscal_year_starts": "july", "workdays": ["sat"]}
        )
        assert (company.week_start, company.fiscal_month, company.working_weekdays.latest) == (6, 7, frozenset({5}))

    def test_workdays_default_to_monday_to_friday(self) -> None:
        assert Company.model_validate({"name": "A", "timezone": "UTC"}).working_weekdays.latest == {0, 1, 2, 3, 4}

    def test_a_rate_is_a_number_or_dated_entries(self) -> None:
        rates = {"EUR": 0.9, "USD": [{"rate": 1.1}, {"rate": 1, "since": "2026-01-01"}]}
        found = Company.model_validate({"name": "A", "timezone": "UTC", "rates": rates}).rates
        assert [(rate.rate, rate.since) for rate in (*found["EUR"], *found["USD"])] == [
            (0.9, date.min),
            (1.1, date.min),
            (1.0, date(2026, 1, 1)),
        ]


class TestTargets:
    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            (5, 5.0),
            ({"within": [1, 2]}, Band(within=(1, 2))),
            ({"growth": "15%", "over": "previous"}, Growth(growth=0.15, over=Reference.PREVIOUS)),
        ],
    )
    def test_each_form_has_its_type(self, written: Any, expected: object) -> None:
        assert Kpi.model_validate({**KPI, "target": written}).target == expected

    def test_a_goal_and_dated_entries(self) -> None:
        goal = Kpi.model_validate(
            {**KPI, "target": {"from": 1, "to": 2, "start": "2026-01-01", "by": "2026-12-31"}}
        ).target
        assert isinstance(goal, Goal)
        assert (goal.from_, goal.to, goal.start, goal.by) == (1, 2, date(2026, 1, 1), date(2026, 12, 31))
        entries = Kpi.model_validate({**KPI, "target": [{"value": 1}, {"within": [1, 2], "team": "North"}]}).target
        assert isinstance(entries, tuple)
        assert all(isinstance(entry, Entry) for entry in entries)
        assert entries[0].since == date.min

    def test_a_target_object_is_accepted(self) -> None:
        band = Band(within=(1, 2))
        assert Kpi.model_validate({**KPI, "target": band}).target is band


class TestReviews:
    @pytest.mark.parametrize(
        ("review", "reviewed", "due"),
        [
            ("monthly", "2026-01-31", date(2026, 2, 28)),
            ("monthly", "2027-12-15", date(2028, 1, 15)),
            ("quarterly", "2026-11-30", date(2027, 2, 28)),
            ("yearly", "2028-02-29", date(2029, 2, 28)),
            (None, "2026-01-01", None),
            ("monthly", None, None),
        ],
    )
    def test_a_review_is_due_after_its_interval(
        self, review: str | None, reviewed: str | None, due: date | None
    ) -> None:
        assert Kpi.model_validate({**KPI, "review": review, "reviewed": reviewed}).review_due == due


class TestMetrics:
    def test_a_metric_knows_its_aggregate_and_column(self) -> None:
        plain = {"name": "m", "title": "M", "entity": "deals", "at": "closed_at"}
        found = [
            Metric.model_validate({**plain, **each})
            for each in ({"count": "rows"}, {"sum": "amount"}, {"percentile": {"of": "amount", "at": 0.5}})
        ]
        assert [(each.aggregate, each.measured) for each in found] == [
            ("count", None),
            ("sum", "amount"),
            ("percentile", "amount"),
        ]

    def test_filter_values_keep_their_yaml_type(self) -> None:
        where = {"a": 7, "b": "7", "c": True, "d": [1.5, 2, "x"], "e": {"not": 0}}
        metric = Metric.model_validate(
            {"name": "m", "title": "M", "entity": "deals", "at": "x", "count": "rows", "where": where}
        )
        condition = metric.where["e"]
        assert isinstance(condition, Condition)
        held: list[Any] = [*(metric.where[name] for name in "abc"), *tuple(metric.where["d"]), condition.is_not]  # type: ignore[arg-type]
        assert [(type(value), value) for value in held] == [
            (int, 7),
            (str, "7"),
            (bool, True),
            (float, 1.5),
            (int, 2),
            (str, "x"),
            (int, 0),
        ]


class TestSecrets:
    def test_a_secret_is_read_at_each_use_and_trimmed(self, tmp_path: Path) -> None:
        secret = Secret.model_validate({"file": "token"})
        (tmp_path / "token").write_text("first\r\n")
        assert secret.reveal({}, tmp_path) == "first"
        (tmp_path / "token").write_text("second")
        assert secret.reveal({}, tmp_path) == "second"

    def test_a_secret_can_be_an_environment_variable(self) -> None:
        assert Secret.model_validate({"env": "TOKEN"}).reveal({"TOKEN": " x "}, Path()) == "x"

    @pytest.mark.parametrize(
        ("secret", "message"),
        [({"env": "TOKEN"}, "environment variable TOKEN"), ({"file": "gone"}, "file gone cannot be read")],
    )
    def test_a_missing_secret_is_named(self, secret: dict[str, str], message: str) -> None:
        with pytest.raises(LookupError, match=message):
            Secret.model_validate(secret).reveal({}, Path("/nowhere"))

    def test_a_binary_file_is_rejected_and_not_shown(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_bytes(b"canary\xff")
        with pytest.raises(LookupError, match="cannot be read") as error:
            Secret.model_validate({"file": "token"}).reveal({}, tmp_path)
        assert "canary" not in str(error.value)


class TestSources:
    def test_values_are_withheld_after_three_intervals_but_not_before_15_minutes(self) -> None:
        crm = {"name": "x", "provider": "hubspot", "token": {"env": "A"}}
        assert source(**crm).withheld_after == timedelta(minutes=15)
        assert source(**crm, sync_every="10m").withheld_after == timedelta(minutes=30)
        assert source(**crm, stale_after="2m").withheld_after == timedelta(minutes=2)

    @pytest.mark.parametrize("complete_until", ["file", "newest"])
    def test_values_of_a_file_are_withheld_after_a_weekend_and_a_holiday(self, complete_until: str) -> None:
        csv = {"name": "x", "provider": "csv", "path": "a", "entity": "deals", "columns": {"id": "id"}}
        dated = {**csv, "complete_until": complete_until}
        assert source(**dated).withheld_after == timedelta(days=4)
        assert source(**dated, sync_every="2d").withheld_after == timedelta(days=6)
        assert source(**dated, stale_after="26h").withheld_after == timedelta(hours=26)
        assert source(**csv, complete_until="now").withheld_after == timedelta(minutes=15)

    @pytest.mark.parametrize(
        ("options", "reads"),
        [
            (REST, ("deals", "calls")),
            ({"name": "x", "provider": "aircall", "api_id": "a", "api_token": {"env": "A"}}, ("calls", "people")),
            ({"name": "x", "provider": "hubspot", "token": {"env": "A"}}, ("deals", "people")),
            ({"name": "x", "provider": "csv", "path": "a", "entity": "leads", "columns": {"id": "id"}}, ("leads",)),
        ],
    )
    def test_a_source_lists_its_entities(self, options: dict[str, Any], reads: tuple[str, ...]) -> None:
        assert source(**options).reads == reads

    def test_column_mappings_have_their_path(self) -> None:
        assert [(path, entity, [*columns]) for path, entity, columns in source(**REST).column_maps] == [
            (("entities", 0, "columns"), "deals", ["id", "owner"]),
            (("entities", 1, "columns"), "deals", ["id"]),
            (("entities", 2, "columns"), "calls", ["id"]),
        ]
        assert source(name="x", provider="hubspot", token={"env": "A"}).column_maps == ()

    def test_a_provider_must_list_its_entities(self) -> None:
        with pytest.raises(NotImplementedError):
            _ = SourceOptions.model_validate({"name": "x"}).reads

    def test_parameters_are_converted_to_text(self) -> None:
        first = {**REST["entities"][0], "params": {"limit": 5, "all": True, "none": False, "share": 0.5, "x": "y"}}
        assert source(**{**REST, "entities": [first]}).entities[0].params == {
            "limit": "5",
            "all": "true",
            "none": "false",
            "share": "0.5",
            "x": "y",
        }

    @pytest.mark.parametrize(
        ("written", "fields", "formats"),
        [
            ({"from": "a", "format": "iso"}, ("a",), ("iso",)),
            ({"from": ["a", "b"], "format": ["iso", "%d"]}, ("a", "b"), ("iso", "%d")),
            ({"value": 1}, (), ()),
        ],
    )
    def test_a_column_has_one_or_several_fields_and_formats(self, written: Any, fields: Any, formats: Any) -> None:
        column = ColumnSource.model_validate(written)
        assert (column.fields, column.formats) == (fields, formats)
