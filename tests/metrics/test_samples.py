"""Which series of business metrics exist."""

from __future__ import annotations

from typing import Any

from exporter.config.fields import Period, Scope
from exporter.metrics.evaluate import answer_questions
from exporter.metrics.samples import questions_for, samples_of, scopes_of
from exporter.metrics.values import Group, MeasuredValue, MetricValue, Question, Window
from tests.metrics.queries import LEVEL
from tests.metrics.stores import at, config_of, store_of

WINDOWS = {
    Period.DAY: Window(at("2024-03-05"), at("2024-03-05T12:00")),
    Period.MONTH: Window(at("2024-03-01"), at("2024-03-05T12:00")),
    Period.QUARTER: Window(at("2024-01-01"), at("2024-03-05T12:00")),
}
DAY, MONTH, QUARTER = WINDOWS.values()


def kpi(name: str, value: str, period: str, **keys: Any) -> dict[str, Any]:
    texts = dict.fromkeys(("title", "department", "owner", "why"), "x")
    return {"name": name, "objective": "o", "value": value, "period": period, "better": "higher", **texts, **keys}


CONFIG = config_of(
    {"name": "won", "entity": "deals", "at": "closed_at", "count": "rows", "where": {"status": "won"}},
    {"name": "closed", "entity": "deals", "at": "closed_at", "count": "rows", "periods": ["month"]},
    {"name": "size", "entity": "deals", "at": "closed_at", "mean": "amount", "by": ["stage", "attributes.Deal Type"]},
    {"name": "open", "entity": "deals", "during": LEVEL, "count": "rows"},
    {"name": "billed", "entity": "invoices", "at": "issued_at", "sum": "amount"},
    objectives=[{"name": "o", "title": "o", "owner": "o"}],
    kpis=[
        kpi("win_rate", "won / closed", "quarter", scopes=["company", "team"], supporting=["open", "billed"]),
        kpi("wins", "won", "year", scopes=["company", "person"]),
    ],
)


def test_a_metric_has_its_own_periods_and_those_of_its_kpis() -> None:
    metrics = CONFIG.metric_by_name
    assert CONFIG.periods_of(metrics["won"]) == (Period.DAY, Period.MONTH, Period.QUARTER, Period.YEAR)
    assert CONFIG.periods_of(metrics["closed"]) == (Period.MONTH, Period.QUARTER)
    assert CONFIG.periods_of(metrics["size"]) == (Period.DAY, Period.MONTH)


def test_teams_and_persons_have_series_only_if_a_kpi_has_that_scope_and_records_have_owners() -> None:
    scopes = {name: scopes_of(CONFIG, metric) for name, metric in CONFIG.metric_by_name.items()}
    assert scopes == {
        "won": (Scope.COMPANY, Scope.TEAM, Scope.PERSON),
        "closed": (Scope.COMPANY, Scope.TEAM),
        "size": (Scope.COMPANY,),
        "open": (Scope.COMPANY, Scope.TEAM),
        "billed": (Scope.COMPANY,),
    }


def test_there_is_a_question_per_period_but_one_for_a_level() -> None:
    questions = questions_for(CONFIG, WINDOWS)
    assert [question for question in questions if question.metric in ("closed", "size", "open")] == [
        Question("closed", MONTH),
        Question("closed", QUARTER),
        Question("closed", MONTH, Scope.TEAM),
        Question("closed", QUARTER, Scope.TEAM),
        Question("size", DAY, by=True),
        Question("size", MONTH, by=True),
        Question("open", DAY),
        Question("open", DAY, Scope.TEAM),
    ]
    assert {question.metric for question in questions} == set(CONFIG.metric_by_name)
    assert questions_for(CONFIG, {}) == ()


def test_samples_have_labels_and_omit_unknown_values() -> None:
    row = {"closed_at": at("2024-03-05"), "created_at": at("2024-03-01"), "owner": "Ann", "stage": "new"}
    store = store_of(
        deals=[{**row, "status": "won", "amount": 5, "attributes": {"Deal Type": "big"}}, {**row, "closed_at": None}],
        people=[{"id": "1", "name": "Ann", "team": "North"}],
        invoices=[],
    )
    samples = set()
    for question, values in answer_questions(store, CONFIG, questions_for(CONFIG, {Period.DAY: DAY})).answers.items():
        metric = CONFIG.metric_by_name[question.metric]
        samples |= {*samples_of(metric, question.scope, None if metric.is_level else Period.DAY, values)}
    assert {sample for sample in samples if sample.metric in ("won", "size", "open")} == {
        MetricValue("won", Scope.COMPANY, Period.DAY, 1.0),
        MetricValue("won", Scope.TEAM, Period.DAY, 1.0, team="North"),
        MetricValue("won", Scope.PERSON, Period.DAY, 1.0, team="North", person="Ann"),
        MetricValue("size", Scope.COMPANY, Period.DAY, 5.0, labels=(("stage", "new"), ("deal_type", "big"))),
        MetricValue("open", Scope.COMPANY, None, 1.0),
        MetricValue("open", Scope.TEAM, None, 1.0, team="North"),
    }


def test_unknown_values_have_no_sample() -> None:
    values = {Group(labels=("new", "")): MeasuredValue(None)}
    assert list(samples_of(CONFIG.metric_by_name["size"], Scope.COMPANY, Period.DAY, values)) == []
