"""Columns that are state read as they were at the end of a window; everything else reads as it is known now."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from exporter.config.fields import Scope
from exporter.metrics import evaluate
from exporter.metrics.evaluate import answer_questions
from exporter.metrics.instants import HistoryQueries
from exporter.metrics.row_versions import newest_state, reads_state
from exporter.metrics.rows import QueryShape, has_changed_since
from exporter.metrics.values import Answers, Question, Window
from tests.metrics.stores import at, config_of, insert, store_of

CONFIG = config_of(
    {
        "name": "offers",
        "entity": "deals",
        "during": {"from": "created_at", "until": "closed_at"},
        "count": "rows",
        "where": {"stage": "offer"},
    },
    {"name": "created", "entity": "deals", "at": "created_at", "sum": "amount", "by": ["stage"]},
    {"name": "plain", "entity": "deals", "at": "created_at", "sum": "amount"},
)
START = at("2024-01-01")
CREATED = at("2024-01-02")


def moved() -> duckdb.DuckDBPyConnection:
    """A deal of Ada's at stage `offer` until 10 January, then of Bob's at `contract` until 20 January, then `won`.

    Its amount was corrected from 5 to 7 with the last change.
    """
    deal: dict[str, Any] = {"source": "crm", "id": "1", "created_at": CREATED, "amount": 5}
    store = store_of(deals=[{**deal, "amount": 7, "owner": "Bob", "stage": "won", "valid_from": at("2024-01-20")}])
    ten, twenty = at("2024-01-10"), at("2024-01-20")
    insert(store, "deals_versions", [
        {**deal, "owner": "Ada", "stage": "offer", "valid_until": ten},
        {**deal, "owner": "Bob", "stage": "contract", "valid_from": ten, "valid_until": twenty},
        {**deal, "owner": "Eve", "stage": "mistake", "valid_from": twenty, "valid_until": twenty},
    ])  # fmt: skip
    return store


def until(day: int) -> Window:
    return Window(START, at(f"2024-01-{day:02}"))


def single(store: duckdb.DuckDBPyConnection, *questions: Question) -> Answers:
    result = answer_questions(store, CONFIG, questions)
    assert not result.failed
    return result.answers


@pytest.mark.parametrize(("day", "count"), [(5, 1), (9, 1), (10, 0), (21, 0)])
def test_a_level_by_stage_counts_the_stage_of_then(day: int, count: int) -> None:
    question = Question("offers", until(day))
    ((value,),) = [list(values.values()) for values in single(moved(), question).values()]
    assert value.value == count


@pytest.mark.parametrize(("day", "stage"), [(5, "offer"), (10, "contract"), (15, "contract"), (20, "won"), (25, "won")])
def test_a_label_is_the_stage_of_then_and_an_amount_is_the_one_known_now(day: int, stage: str) -> None:
    question = Question("created", until(day), by=True)
    values = single(moved(), question)[question]
    assert {group.labels: value.value for group, value in values.items()} == {(stage,): 7}


@pytest.mark.parametrize(("day", "owner"), [(5, "Ada"), (10, "Bob"), (25, "Bob")])
def test_a_record_counts_for_its_owner_of_then(day: int, owner: str) -> None:
    question = Question("plain", until(day), Scope.PERSON)
    values = single(moved(), question)[question]
    assert {group.person: value.value for group, value in values.items()} == {owner: 7}


def test_a_deleted_record_is_deleted_at_every_instant() -> None:
    store = moved()
    store.execute("UPDATE deals SET deleted = TRUE")
    question = Question("created", until(5), by=True)
    assert single(store, question)[question] == {}


def test_many_windows_give_the_answers_of_single_windows() -> None:
    questions = [
        question
        for day in range(2, 28)
        for question in (
            Question("offers", until(day)),
            Question("created", until(day), by=True),
            Question("plain", until(day)),
            Question("plain", until(day), Scope.PERSON),
            Question("offers", until(day), Scope.PERSON),
        )
    ]
    store = moved()
    assert HistoryQueries(store, CONFIG).ask(questions) == single(store, *questions)


def test_a_metric_reads_state_if_a_column_or_its_owner_is_state() -> None:
    metrics = CONFIG.metric_by_name
    assert [reads_state(metrics[name]) for name in ("offers", "created", "plain")] == [True, True, False]
    assert reads_state(metrics["plain"], Scope.TEAM)


def test_the_newest_state_is_that_of_the_last_change() -> None:
    assert newest_state(moved(), "deals") == at("2024-01-20")
    assert newest_state(store_of(deals=[{}]), "deals") is None


@pytest.mark.parametrize(("day", "changed"), [(1, False), (2, False), (3, True), (19, True), (20, False), (21, False)])
def test_only_rows_in_the_window_that_changed_later_matter(day: int, changed: bool) -> None:
    store, shape = moved(), QueryShape.of(CONFIG.metric_by_name["created"])
    assert has_changed_since(store, shape, until(day)) is changed


@pytest.mark.parametrize("scope", list(Scope))
def test_rows_that_have_not_changed_are_read_as_they_are(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    store = moved()
    later = [
        {"source": "crm", "id": "2", "created_at": at("2024-02-02"), "amount": 3, "owner": "Ada", "stage": "offer"}
    ]
    insert(store, "deals", later)
    february = Window(at("2024-02-01"), at("2024-02-10"))
    insert(store, "deals", [{**later[0], "id": "3", "created_at": CREATED, "valid_from": at("2024-03-01")}])
    questions = [Question("created", february, scope, by=scope is Scope.COMPANY), Question("created", until(15), scope)]
    answers = single(store, *questions)
    monkeypatch.setattr(evaluate, "has_changed_since", lambda *_: True)
    assert single(store, *questions) == answers
