"""Hand-computed answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import duckdb
import pytest

from exporter.config.fields import Scope
from exporter.metrics.connection import QueryError, consistent_read
from exporter.metrics.evaluate import answer_questions
from exporter.metrics.people import Directory
from exporter.metrics.values import Group, MeasuredValue, Question, Window
from tests.metrics.queries import LEVEL, MARCH, ask, company, metric
from tests.metrics.stores import at, config_of, insert, store_of


def waits(*seconds: float | None) -> list[dict[str, Any]]:
    return [{"started_at": at("2024-03-05T10:00"), "wait_seconds": wait, "queue": f"q{wait}"} for wait in seconds]


@pytest.mark.parametrize(
    ("aggregate", "value", "rows"),
    [
        ({"count": "rows"}, 6.0, 6),
        ({"sum": "wait_seconds"}, 100.0, 5),
        ({"mean": "wait_seconds"}, 20.0, 5),
        ({"min": "wait_seconds"}, 0.0, 5),
        ({"max": "wait_seconds"}, 60.0, 5),
        ({"distinct": "wait_seconds"}, 4.0, 5),
        ({"percentile": {"of": "wait_seconds", "at": 0.5}}, 10.0, 5),
        ({"percentile": {"of": "wait_seconds", "at": 0.875}}, 40.0, 5),
    ],
)
def test_every_aggregate_leaves_empty_columns_out(aggregate: dict[str, Any], value: float, rows: int) -> None:
    """The percentile at 0.875 of 0, 10, 10, 20, 60 lies at place 3.5 of 0 to 4: 20 + 0.5 * 40."""
    store = store_of(calls=waits(0, 10, 10, 20, 60, None))
    assert company(store, config_of(metric(**aggregate))) == MeasuredValue(value, rows)


@pytest.mark.parametrize(
    ("aggregate", "value"),
    [
        ({"count": "rows"}, 0.0),
        ({"sum": "wait_seconds"}, 0.0),
        ({"distinct": "queue"}, 0.0),
        ({"mean": "wait_seconds"}, None),
        ({"min": "wait_seconds"}, None),
        ({"max": "wait_seconds"}, None),
        ({"percentile": {"of": "wait_seconds", "at": 0.9}}, None),
    ],
)
def test_no_rows_have_a_count_and_sum_of_zero_but_no_mean(aggregate: dict[str, Any], value: float | None) -> None:
    assert company(store_of(calls=[]), config_of(metric(**aggregate))) == MeasuredValue(value, 0)


@pytest.mark.parametrize(
    ("aggregate", "value"),
    [
        ({"mean": "ended_at - started_at"}, 90.5),
        ({"max": "ended_at - started_at"}, 181.0),
        ({"sum": "started_at - ended_at"}, -181.0),
        ({"percentile": {"of": "ended_at - started_at", "at": 0.25}}, 45.25),
    ],
)
def test_the_time_between_two_instants_is_in_seconds_if_both_are_known(aggregate: dict[str, Any], value: float) -> None:
    end_times = ("2024-03-05T10:03:01", "2024-03-05T10:00", None)
    calls = [{"started_at": at("2024-03-05T10:00"), "ended_at": end and at(end)} for end in end_times]
    assert company(store_of(calls=calls), config_of(metric(**aggregate))) == MeasuredValue(value, 2)


def test_a_flag_counts_as_its_share() -> None:
    calls = [{"started_at": at("2024-03-05"), "resolved": flag} for flag in (True, False, False, True, True, None)]
    assert company(store_of(calls=calls), config_of(metric(mean="resolved"))) == MeasuredValue(0.6, 5)


def test_a_flow_includes_the_start_of_its_window_and_excludes_its_end() -> None:
    before = timedelta(microseconds=1)
    instants = (MARCH.start - before, MARCH.start, MARCH.end - before, MARCH.end, None)
    store = store_of(calls=[{"started_at": instant} for instant in instants])
    assert company(store, config_of(metric(count="rows"))).value == 2.0


def test_deleted_records_do_not_count() -> None:
    calls = waits(1, 2, 3)
    calls[0]["deleted"] = True
    assert company(store_of(calls=calls), config_of(metric(sum="wait_seconds"))) == MeasuredValue(5.0, 2)


def test_a_level_counts_what_is_open_at_the_end_of_its_window() -> None:
    end = MARCH.end
    before = timedelta(microseconds=1)
    lives = [
        (end - timedelta(days=400), None),  # still alive
        (end, None),  # begins at the very instant
        (end + before, None),  # not yet
        (end - timedelta(days=9), end),  # ends at the very instant
        (end - timedelta(days=9), end + before),
        (None, None),  # undated: alive at no instant
        (None, end + before),
    ]
    store = store_of(deals=[{"created_at": since, "closed_at": until} for since, until in lives])
    config = config_of(metric(entity="deals", during=LEVEL, count="rows"))
    assert company(store, config).value == 3.0
    assert company(store, config, window=Window(end - timedelta(days=3), end)).value == 3.0


def test_a_company_without_rows_still_has_its_value_but_teams_and_persons_have_none() -> None:
    store = store_of(calls=[])
    config = config_of(metric(count="rows"))
    assert ask(store, config, scope=Scope.TEAM) == {}
    assert ask(store, config, scope=Scope.PERSON) == {}


PEOPLE = [
    {"source": "crm", "id": "7", "name": "Ann Lee", "email": "ann@x.io", "team": "North"},
    {"source": "phones", "id": "a-1", "name": "A. Lee", "email": "ANN@X.IO"},
    {"source": "crm", "id": "8", "name": "Bob", "email": "bob@x.io", "team": "South"},
]


def test_owners_are_matched_across_sources_and_unlisted_owners_stay_separate() -> None:
    owners = [
        ("crm", "7"),
        ("phones", "a-1"),
        ("phones", "7"),
        ("crm", "ann@x.io"),
        ("crm", " ann lee "),
        ("crm", "Zed"),
    ]
    deals = [{"source": source, "owner": owner, "closed_at": at("2024-03-05")} for source, owner in owners]
    deals += [{"owner": owner, "closed_at": at("2024-03-05")} for owner in (None, "", "  ")]
    config = config_of(metric(entity="deals", at="closed_at", count="rows"))
    store = store_of(deals=deals, people=PEOPLE)
    assert ask(store, config, scope=Scope.PERSON) == {
        Group("North", "Ann Lee"): MeasuredValue(5.0, 5),
        Group(None, "Zed"): MeasuredValue(1.0, 1),
    }
    assert ask(store, config, scope=Scope.TEAM) == {Group("North"): MeasuredValue(5.0, 5)}
    assert company(store, config).value == 9.0


def test_a_group_whose_rows_all_fail_the_filter_has_a_true_zero() -> None:
    deals = [{"owner": "7", "status": "lost", "amount": 5, "closed_at": at("2024-03-05")}]
    store = store_of(deals=deals, people=PEOPLE)
    won = {"where": {"status": "won"}, "entity": "deals", "at": "closed_at"}
    ann = Group("North", "Ann Lee")
    assert ask(store, config_of(metric(count="rows", **won)), scope=Scope.PERSON) == {ann: MeasuredValue(0.0, 0)}
    assert ask(store, config_of(metric(sum="amount", **won)), scope=Scope.PERSON) == {ann: MeasuredValue(0.0, 0)}
    assert ask(store, config_of(metric(mean="amount", **won)), scope=Scope.PERSON) == {ann: MeasuredValue(None, 0)}


MOVES = [
    {"name": "North", "members": [{"person": "bob@x.io", "since": "2024-03-11", "until": "2024-03-20"}]},
    {"name": "East", "members": [{"person": "bob@x.io", "since": "2024-03-21"}, "Zed"]},
]


def test_records_count_for_the_team_the_person_was_in_then() -> None:
    """Bob: South (as the source has it) to the 10th, North from the 11th to the 20th, East from then on, in Zurich."""
    instants = ("2024-03-10T22:59:59", "2024-03-10T23:00", "2024-03-20T22:59:59", "2024-03-20T23:00", "2024-03-30")
    store = store_of(deals=[{"owner": "8", "closed_at": at(instant)} for instant in instants], people=PEOPLE)
    config = config_of(metric(entity="deals", at="closed_at", count="rows"), teams=MOVES)
    assert ask(store, config, scope=Scope.TEAM) == {
        Group("South"): MeasuredValue(1.0, 1),
        Group("North"): MeasuredValue(2.0, 2),
        Group("East"): MeasuredValue(2.0, 2),
    }
    assert ask(store, config, scope=Scope.PERSON) == {Group("East", "Bob"): MeasuredValue(5.0, 5)}
    earlier = Window(MARCH.start, at("2024-03-15"))
    assert ask(store, config, scope=Scope.PERSON, window=earlier) == {Group("North", "Bob"): MeasuredValue(2.0, 2)}


def test_a_level_counts_for_the_team_at_the_end_of_the_window() -> None:
    store = store_of(deals=[{"owner": "bob", "created_at": at("2024-01-05")}], people=PEOPLE)
    config = config_of(metric(entity="deals", during=LEVEL, count="rows"), teams=MOVES)
    for day, team in (("2024-03-10", "South"), ("2024-03-15", "North"), ("2024-03-25", "East")):
        result = ask(store, config, scope=Scope.TEAM, window=Window(MARCH.start, at(day)))
        assert result == {Group(team): MeasuredValue(1.0, 1)}


def test_entities_without_owners_have_no_teams_and_no_persons() -> None:
    store = store_of(invoices=[{"amount": 5, "issued_at": at("2024-03-05")}])
    config = config_of(metric(entity="invoices", at="issued_at", sum="amount"))
    assert ask(store, config, scope=Scope.TEAM) == ask(store, config, scope=Scope.PERSON) == {}
    assert company(store, config).value == 5.0


def test_unknown_entities_and_metrics_fail_alone() -> None:
    config = config_of(metric(count="rows"))
    odd = config.metrics[0].model_copy(update={"name": "odd", "entity": "ghosts"})
    config = config.model_copy(update={"metrics": (*config.metrics, odd)})
    result = answer_questions(store_of(calls=[]), config, [Question(name, MARCH) for name in ("m", "odd", "none")])
    assert result.failed.keys() == {"odd", "none"}
    assert result.answers.keys() == {Question("m", MARCH)}


def test_answers_come_from_one_state_of_the_store() -> None:
    store = store_of(calls=waits(1))
    reader, writer = store.cursor(), store.cursor()
    config = config_of(metric(count="rows"))
    with consistent_read(reader):
        assert company(reader, config).value == 1.0
        insert(writer, "calls", waits(1, 2))
        assert company(reader, config).value == 1.0
    assert company(reader, config).value == 3.0


def test_a_directory_can_serve_several_evaluations() -> None:
    store = store_of(deals=[{"owner": "Zed", "closed_at": at("2024-03-05")}], people=PEOPLE)
    config = config_of(metric(entity="deals", at="closed_at", count="rows"))
    directory = Directory.load(store, config)
    question = Question("m", MARCH, Scope.PERSON)
    first = answer_questions(store, config, [question], directory=directory)
    insert(store, "deals", [{"owner": "ZED", "closed_at": at("2024-03-06")}])
    second = answer_questions(store, config, [question], directory=directory)
    assert first.answers[question] == {Group(None, "Zed"): MeasuredValue(1.0, 1)}
    assert second.answers[question] == {Group(None, "Zed"): MeasuredValue(2.0, 2)}


def test_an_unreadable_store_fails_everything() -> None:
    closed = store_of(calls=[])
    closed.close()
    for store, scope in ((duckdb.connect(), Scope.PERSON), (closed, Scope.COMPANY)):
        with pytest.raises(QueryError):
            answer_questions(store, config_of(metric(count="rows")), [Question("m", MARCH, scope)])
