"""Answers at many instants, from records that are read once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from exporter.config.fields import Scope
from exporter.config.root import Config
from exporter.errors import EvaluationError
from exporter.metrics.evaluate import answer_questions
from exporter.metrics.history import RecordReplay
from exporter.metrics.label_folding import MAX_VALUES
from exporter.metrics.values import Group, MeasuredValue, Question, Window
from exporter.naming import OTHER
from tests.metrics.oracle import same_values
from tests.metrics.queries import LEVEL
from tests.metrics.stores import at, config_of, store_of

MONDAY = at("2024-03-04")
HOUR = timedelta(hours=1)
TEAMS = [{"name": "North", "members": [{"person": "Bob", "since": "2024-03-05"}]}]


def config(*metrics: dict[str, Any], **sections: Any) -> Config:
    texts = dict.fromkeys(("title", "department", "owner", "why"), "x")
    kpis = [
        {
            "name": f"kpi_{metric['name']}",
            "objective": "o",
            "value": metric["name"],
            "period": "week",
            "better": "higher",
            "scopes": ["company", "team", "person"],
            **texts,
        }
        for metric in metrics
    ]
    return config_of(*metrics, objectives=[{"name": "o", "title": "o", "owner": "o"}], kpis=kpis, **sections)


WON = {"name": "won", "entity": "deals", "at": "closed_at", "sum": "amount"}
OPEN = {"name": "open", "entity": "deals", "during": LEVEL, "count": "rows"}


def deal(hour: float, **row: Any) -> dict[str, Any]:
    return {"closed_at": MONDAY + hour * HOUR, "owner": "Bob", "amount": 10, **row}


def until(hour: float) -> Window:
    return Window(MONDAY, MONDAY + hour * HOUR)


def test_every_instant_has_its_answers() -> None:
    store = store_of(deals=[deal(1), deal(2.5), deal(30)])
    instants = [MONDAY + hours * HOUR for hours in (1, 2, 3, 31)]
    names = ("won", "open")
    records = RecordReplay(store, config(WON, OPEN))
    answers = [records.ask([Question(name, Window(MONDAY, now)) for name in names]) for now in instants]
    values = [[measured[Group()].value for measured in by_question.values()] for by_question in answers]
    assert values == [[0.0, 0.0], [10.0, 0.0], [20.0, 0.0], [30.0, 0.0]]


def test_a_person_who_changes_team_keeps_the_label_but_not_the_records() -> None:
    """The 5th begins at 23:00 UTC of the 4th in Zurich."""
    store = store_of(deals=[deal(22), deal(23)], people=[{"id": "1", "name": "Bob", "team": "South"}])
    records = RecordReplay(store, config(WON, teams=TEAMS))
    for hour, team in ((22.5, "South"), (23.5, "North"), (22.5, "South")):
        question = Question("won", until(hour), Scope.PERSON)
        assert records.ask([question])[question].keys() == {Group(team, "Bob")}
    question = Question("won", until(24), Scope.TEAM)
    assert records.ask([question])[question] == {
        Group("South"): MeasuredValue(10.0, 1),
        Group("North"): MeasuredValue(10.0, 1),
    }


def test_a_level_moves_to_the_team_that_its_owner_moves_to() -> None:
    people = [{"id": "1", "name": "Bob", "team": "South"}]
    store = store_of(deals=[{"owner": "1", "created_at": MONDAY, "closed_at": MONDAY + 48 * HOUR}], people=people)
    records = RecordReplay(store, config(OPEN, teams=TEAMS))
    for hour, expected in ((0, ["South"]), (22.9, ["South"]), (23, ["North"]), (47.9, ["North"]), (48, [])):
        question = Question("open", until(hour), Scope.TEAM)
        assert [group.team for group in records.ask([question])[question]] == expected


def test_unchanged_answers_are_the_same_objects() -> None:
    records = RecordReplay(store_of(deals=[deal(1), deal(5)]), config(WON))
    answers = []
    for hour in (2, 3, 6):
        question = Question("won", until(hour), Scope.PERSON)
        answers.append(records.ask([question])[question])
    assert answers[0] is answers[1]
    assert [next(iter(answer_questions.values())).value for answer_questions in answers] == [10.0, 10.0, 20.0]


def test_windows_can_be_asked_about_in_any_order() -> None:
    """A whole period beside the part of it that is aligned with a later one, and now and then a step back."""
    store = store_of(deals=[deal(hour / 2) for hour in range(40)])
    records = RecordReplay(store, config(WON))
    for hour in (3, 4, 2, 9, 9, 1, 19):
        questions = [Question("won", until(end)) for end in (20, hour, 0)] + [
            Question("won", Window(MONDAY + HOUR, MONDAY))
        ]
        expected = answer_questions(store, config(WON), questions).answers
        assert records.ask(questions) == expected


def test_unused_windows_are_deleted_and_can_be_recreated() -> None:
    records = RecordReplay(store_of(deals=[deal(1)]), config(WON))
    early = Question("won", until(2))
    assert records.ask([early])[early][Group()].value == 10.0
    other_question = Question("won", Window(MONDAY + HOUR, MONDAY + 2 * HOUR))
    for _ in range(300):
        records.ask([other_question])
    assert len(next(iter(records._series.values())).windows) == 1  # type: ignore[union-attr]
    assert records.ask([early])[early][Group()].value == 10.0


def test_labels_beyond_the_largest_fold_at_every_instant() -> None:
    deals = [deal(number, account=f"account {number:03}") for number in range(MAX_VALUES + 20)]
    deals += [deal(number, account="account 119") for number in range(5)]
    metric = {**WON, "by": ["account"]}
    records = RecordReplay(store_of(deals=deals), config(metric))
    question = Question("won", until(500), by=True)
    result = records.ask([question])[question]
    assert len(result) == MAX_VALUES + 1
    assert result[Group(labels=("account 119",))] == MeasuredValue(60.0, 6)
    assert result[Group(labels=(OTHER,))] == MeasuredValue(200.0, 20)


def test_history_and_sql_agree_on_a_long_sequence() -> None:
    kinds = ({"mean": "amount"}, {"min": "amount"}, {"max": "amount"}, {"distinct": "account"}, {"count": "rows"})
    metrics = [{**rule, **kind, "name": f"m{n}{m}", "entity": "deals"} for n, kind in enumerate(kinds)
               for m, rule in enumerate(({"at": "closed_at"}, {"during": LEVEL}))]  # fmt: skip
    metrics.append({"name": "p", "entity": "deals", "during": LEVEL, "percentile": {"of": "amount", "at": 0.9}})
    rows = [
        deal(hour * 1.7 % 60, created_at=MONDAY + (hour % 40) * HOUR, amount=hour * 7 % 50, account=f"{hour % 4}")
        for hour in range(80)
    ]
    store, config_with_metrics = store_of(deals=rows), config(*metrics)
    records = RecordReplay(store, config_with_metrics)
    for hour in range(0, 62, 6):
        questions = [Question(metric["name"], until(hour), scope) for metric in metrics for scope in Scope]
        result, expected = records.ask(questions), answer_questions(store, config_with_metrics, questions).answers
        assert all(same_values(result[question], expected[question]) for question in questions)


def test_a_metric_that_cannot_be_read_fails_alone() -> None:
    odd = {**WON, "name": "odd", "sum": "name"}
    huge = {**WON, "name": "huge", "where": {"currency": "USD"}}
    number = {"name": "number", "entity": "deals", "at": "closed_at", "count": "rows"}
    config_with_metrics = config(number, odd, huge, company={"rates": {"USD": 1e9}})
    records = RecordReplay(store_of(deals=[deal(1), deal(1, amount=10**15, currency="USD")]), config_with_metrics)
    questions = [Question(name, until(2), scope) for name in ("number", "odd", "huge") for scope in Scope]
    result = records.ask(questions)
    assert records.failed.keys() == {"odd", "huge"}
    assert result.keys() == set(questions[:3])
    assert result[questions[0]] == {Group(): MeasuredValue(2.0, 2)}


def test_a_scope_that_no_kpi_has_is_rejected() -> None:
    records = RecordReplay(store_of(deals=[]), config_of(WON))
    with pytest.raises(EvaluationError, match="no KPI has the scope team"):
        records.ask([Question("won", until(1), Scope.TEAM)])
    with pytest.raises(EvaluationError, match="no such metric"):
        records.ask([Question("lost", until(1))])


def test_entities_without_owners_have_no_teams_and_no_persons() -> None:
    billed = {"name": "billed", "entity": "invoices", "at": "issued_at", "sum": "amount"}
    records = RecordReplay(store_of(invoices=[{"issued_at": MONDAY, "amount": 5}]), config(billed))
    questions = [Question("billed", until(1), scope) for scope in Scope]
    for _ in range(100):
        assert list(records.ask(questions).values()) == [{Group(): MeasuredValue(5.0, 1)}, {}, {}]


def test_history_begins_with_the_first_record_that_a_metric_counts() -> None:
    deals = [deal(5), deal(3), deal(1, deleted=True), deal(0, closed_at=None)]
    assert RecordReplay(store_of(deals=deals), config(WON)).begins == MONDAY + 3 * HOUR
    assert RecordReplay(store_of(deals=[]), config(WON)).begins is None
