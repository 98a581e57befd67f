"""Many windows in one query: the same answers as one window at a time."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.config.fields import Scope
from exporter.metrics.evaluate import answer_questions
from exporter.metrics.instants import HistoryQueries
from exporter.metrics.label_folding import MAX_VALUES
from exporter.metrics.values import ColumnQuestion, Group, MeasuredValue, Question, StepWindows, Window
from exporter.naming import OTHER
from tests.metrics.generated_deals import CONFIG, PEOPLE, config_with_kpis, questions, same_values, windows
from tests.metrics.generated_deals import deal as any_deal
from tests.metrics.queries import LEVEL
from tests.metrics.stores import at, config_of, store_of

MONDAY = at("2024-03-04")
HOUR = timedelta(hours=1)
TEAMS = [{"name": "North", "members": [{"person": "Bob", "since": "2024-03-05"}]}]


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
    records = HistoryQueries(store, config_with_kpis(WON, OPEN))
    asked = [[Question(name, Window(MONDAY, now)) for name in names] for now in instants]
    answers = records.ask(chain.from_iterable(asked))
    values = [[answers[question][Group()].value for question in questions] for questions in asked]
    assert values == [[0.0, 0.0], [10.0, 0.0], [20.0, 0.0], [30.0, 0.0]]


def test_a_person_who_changes_team_keeps_the_label_but_not_the_records() -> None:
    """The 5th begins at 23:00 UTC of the 4th in Zurich."""
    store = store_of(deals=[deal(22), deal(23)], people=[{"id": "1", "name": "Bob", "team": "South"}])
    records = HistoryQueries(store, config_with_kpis(WON, teams=TEAMS))
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
    records = HistoryQueries(store, config_with_kpis(OPEN, teams=TEAMS))
    for hour, expected in ((0, ["South"]), (22.9, ["South"]), (23, ["North"]), (47.9, ["North"]), (48, [])):
        question = Question("open", until(hour), Scope.TEAM)
        assert [group.team for group in records.ask([question])[question]] == expected


def test_steps_with_the_same_answer_are_one_run() -> None:
    """The person appears with the first deal, one hour into the week, and is gone when the next week begins."""
    records = HistoryQueries(store_of(deals=[deal(1), deal(5)]), config_with_kpis(WON))
    windows = [until(hour) for hour in (1, 2, 3, 3, 6)] + [Window(MONDAY + 168 * HOUR, MONDAY + 169 * HOUR)]
    question = ColumnQuestion("won", StepWindows(windows), Scope.PERSON)
    assert records.columns([question])[question] == {
        Group(person="Bob"): [(1, 4, MeasuredValue(10.0, 1)), (4, 5, MeasuredValue(20.0, 2))]
    }


def test_windows_can_be_asked_about_in_any_order() -> None:
    """A whole period beside the part of it that is aligned with a later one, and now and then a step back."""
    store = store_of(deals=[deal(hour / 2) for hour in range(40)])
    records = HistoryQueries(store, config_with_kpis(WON))
    for hour in (3, 4, 2, 9, 9, 1, 19):
        questions = [Question("won", until(end)) for end in (20, hour, 0)] + [
            Question("won", Window(MONDAY + HOUR, MONDAY))
        ]
        expected = answer_questions(store, config_with_kpis(WON), questions).answers
        assert records.ask(questions) == expected


def test_labels_beyond_the_largest_fold_at_every_instant() -> None:
    deals = [deal(number, account=f"account {number:03}") for number in range(MAX_VALUES + 20)]
    deals += [deal(number, account="account 119") for number in range(5)]
    metric = {**WON, "by": ["account"]}
    records = HistoryQueries(store_of(deals=deals), config_with_kpis(metric))
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
    store, config_with_metrics = store_of(deals=rows), config_with_kpis(*metrics)
    records = HistoryQueries(store, config_with_metrics)
    for hour in range(0, 62, 6):
        questions = [Question(metric["name"], until(hour), scope) for metric in metrics for scope in Scope]
        result, expected = records.ask(questions), answer_questions(store, config_with_metrics, questions).answers
        assert all(same_values(result[question], expected[question]) for question in questions)


def test_a_metric_that_cannot_be_read_fails_alone() -> None:
    odd = {**WON, "name": "odd", "sum": "name"}
    huge = {**WON, "name": "huge", "where": {"currency": "USD"}}
    number = {"name": "number", "entity": "deals", "at": "closed_at", "count": "rows"}
    config_with_metrics = config_with_kpis(number, odd, huge, company={"rates": {"USD": 1e9}})
    records = HistoryQueries(store_of(deals=[deal(1), deal(1, amount=10**15, currency="USD")]), config_with_metrics)
    questions = [Question(name, until(2), scope) for name in ("number", "odd", "huge") for scope in Scope]
    result = records.ask(questions)
    assert records.failed.keys() == {"odd", "huge"}
    assert result.keys() == set(questions[:3])
    assert result[questions[0]] == {Group(): MeasuredValue(2.0, 2)}


def test_a_metric_that_the_config_does_not_have_fails() -> None:
    records = HistoryQueries(store_of(deals=[]), config_of(WON))
    assert not records.ask([Question("lost", until(1))])
    assert records.failed.keys() == {"lost"}


def test_entities_without_owners_have_no_teams_and_no_persons() -> None:
    billed = {"name": "billed", "entity": "invoices", "at": "issued_at", "sum": "amount"}
    records = HistoryQueries(store_of(invoices=[{"issued_at": MONDAY, "amount": 5}]), config_with_kpis(billed))
    questions = [Question("billed", until(1), scope) for scope in Scope]
    answers = records.ask(questions)
    assert [answers[question] for question in questions] == [{Group(): MeasuredValue(5.0, 1)}, {}, {}]


def test_history_begins_with_the_first_record_that_a_metric_counts() -> None:
    deals = [deal(5), deal(3), deal(1, deleted=True), deal(0, closed_at=None)]
    assert HistoryQueries(store_of(deals=deals), config_with_kpis(WON)).begins() == MONDAY + 3 * HOUR
    assert HistoryQueries(store_of(deals=[]), config_with_kpis(WON)).begins() is None


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(any_deal, max_size=25), st.lists(windows, min_size=1, max_size=6))
def test_many_windows_give_the_answers_of_single_windows(deals: list[dict[str, Any]], asked: list[Window]) -> None:
    store = store_of(deals=deals, people=PEOPLE)
    everything = [question for window in asked for question in questions(window)]
    expected = answer_questions(store, CONFIG, everything).answers
    records = HistoryQueries(store, CONFIG)
    for number in (len(everything) // 2, len(everything)):
        answers = {**records.ask(everything[:number]), **records.ask(everything[number:])}
        assert answers.keys() == expected.keys()
        for question in everything:
            assert same_values(answers[question], expected[question]), question
    assert not records.failed


def test_a_deal_that_was_closed_before_it_was_created_is_never_open() -> None:
    start = at("2024-03-20")
    created, closed = start + timedelta(hours=2), start + timedelta(hours=1)
    deals = [{"owner": "1", "status": "won", "created_at": created, "closed_at": closed}]
    asked = [question for end in (start, closed, created) for question in questions(Window(start, end))]
    answers = HistoryQueries(store_of(deals=deals, people=PEOPLE), CONFIG).ask(asked)
    totals = [question for question in asked if question.metric == "lost" and question.scope is Scope.COMPANY]
    assert len(totals) >= 3
    assert {value for question in totals for value in answers[question].values()} == {MeasuredValue(0.0)}
