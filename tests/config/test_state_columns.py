"""Which columns change without a trace in the record, and how that is said."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from exporter.config.fields import Scope
from exporter.config.metrics import Metric
from exporter.config.state_columns import grouping_columns, kpi_state_columns, past_of, state_columns
from tests.evaluation.records import small_config


def metric(entity: str = "deals", **settings: Any) -> Metric:
    default = {"name": "m", "title": "M", "entity": entity, "at": "created_at"}
    return Metric.model_validate({**default, **({} if "sum" in settings else {"count": "rows"}), **settings})


@pytest.mark.parametrize(
    ("measured", "columns"),
    [
        (metric(where={"status": "won"}, by=["origin"]), ()),
        (metric(where={"stage": "offer", "status": "open"}, by=["owner", "stage"]), ("deals.stage", "deals.owner")),
        (metric(sum="attributes.margin"), ("deals.attributes.margin",)),
        (metric("calls", sum="attributes.margin", where={"queue": "de"}, at="started_at"), ()),
        (metric("tickets", where={"queue": "de"}), ("tickets.queue",)),
        (metric("tickets", sum="solved_at - created_at"), ()),
    ],
)
def test_a_metric_reads_the_state_columns_that_it_names(measured: Metric, columns: tuple[str, ...]) -> None:
    assert state_columns(measured) == columns


@pytest.mark.parametrize(
    ("entity", "scopes", "columns"),
    [
        ("deals", [Scope.COMPANY], ()),
        ("deals", [Scope.COMPANY, Scope.PERSON], ("deals.owner",)),
        ("tickets", [Scope.TEAM], ("tickets.agent", "people.team")),
        ("calls", [Scope.TEAM, Scope.PERSON], ("people.team",)),  # the agent of a call is a fact
        ("invoices", [Scope.TEAM], ()),  # nobody owns an invoice
    ],
)
def test_owners_and_teams_decide_for_whom_a_row_counts(
    entity: str, scopes: list[Scope], columns: tuple[str, ...]
) -> None:
    assert grouping_columns(metric(entity), scopes) == columns


def test_the_team_of_a_person_is_a_fact_if_only_the_config_knows_it() -> None:
    assert grouping_columns(metric(), [Scope.TEAM], people=False) == ("deals.owner",)


def test_a_kpi_rests_on_the_columns_of_its_metrics_and_scopes() -> None:
    config = small_config()
    assert kpi_state_columns(config, config.kpis[0]) == ("deals.stage", "deals.owner", "people.team")


def test_the_sentence_names_the_columns_and_the_day() -> None:
    assert past_of(["a.b"]) == "a.b, whose past is known only since the exporter first saw it"
    assert past_of(["a.b", "a.c", "a.d"], date(2025, 10, 1)) == (
        "a.b, a.c and a.d, whose past is known only since the exporter first saw them (2025-10-01)"
    )
