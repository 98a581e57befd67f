"""Label values are the same in Python and in SQL, and texts that share one add up, whatever is measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from exporter.config.fields import Scope
from exporter.config.root import Config
from exporter.metrics.instants import HistoryQueries
from exporter.metrics.label_values import MAX_LABEL_LENGTH, label_value, label_value_tree
from exporter.metrics.rows import to_sql
from exporter.metrics.values import Group, MeasuredValue, Question
from tests.metrics.queries import LEVEL, MARCH, ask, metric
from tests.metrics.stores import at, config_of, store_of


@pytest.mark.parametrize(
    ("given_value", "text"),
    [
        ("Ada", "Ada"),
        ("Björn Ståhl", "Björn Ståhl"),
        ("line\nfeed\rtab\tnul\0", "line\ufffdfeed\ufffdtab\ufffdnul\ufffd"),
        ("\x7f\x85", "\ufffd\ufffd"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("\u200fright to left", "\u200fright to left"),
        (None, ""),
        (7, "7"),
    ],
)
def test_a_label_value_is_text_that_every_consumer_accepts(given_value: object, text: str) -> None:
    assert label_value(given_value) == text


def test_long_values_with_the_same_beginning_stay_different() -> None:
    first, second = label_value("x" * 5000 + "1"), label_value("x" * 5000 + "2")
    assert len(first) == len(second) == MAX_LABEL_LENGTH
    assert first != second
    assert first.startswith("x" * 100)


@given(st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None)))
def test_any_text_becomes_one_line_of_valid_utf8(text: str) -> None:
    value = label_value(text)
    assert len(value) <= MAX_LABEL_LENGTH
    value.encode("utf-8")
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in value)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
LONG = st.tuples(TEXTS, st.integers(100, 140)).map(lambda pair: (pair[0] * 140)[: pair[1]])


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@settings(deadline=None)
@given(
    text=TEXTS
    | LONG
    | st.sampled_from(["a\tb", "\x7f\x85", "\u200fright", "é" * 128, "é" * 129, "\n" * 200, "😀" * 129])
)
def test_sql_gives_the_same_label_value(database: duckdb.DuckDBPyConnection, text: str) -> None:
    query = f"SELECT {to_sql(label_value_tree(exp.column('t')))} FROM (SELECT $text AS t)"
    assert database.execute(query, {"text": text}).fetchall() == [(label_value(text),)]


TWINS = ("Lab\x01el", "Lab\x02el", "Lab\ufffdel")
"""Three texts with the same label value."""

AMOUNTS = {TWINS[0]: [1, 2, 30], TWINS[1]: [4, 50], TWINS[2]: [4], "Other": [7]}
"""By hand: 6 amounts 1, 2, 4, 4, 30 and 50 of the twins; their sum is 91, their median 4, five of them are distinct."""


def deals(column: str, sizes: Mapping[str, list[int]] = AMOUNTS, **overrides: Any) -> list[dict[str, Any]]:
    row = {"closed_at": at("2024-03-05"), "created_at": at("2024-02-05"), "status": "won", **overrides}
    return [{**row, column: text, "amount": amount} for text, amounts in sizes.items() for amount in amounts]


def over_time(store: duckdb.DuckDBPyConnection, config: Config, scope: Scope, by: bool) -> Any:
    """The same question as a backfill asks it."""
    question = Question("m", MARCH, scope, by)
    return HistoryQueries(store, config).ask([question])[question]


AGGREGATES: list[tuple[dict[str, Any], float, int]] = [
    ({"count": "rows"}, 6, 6),
    ({"sum": "amount"}, 91, 6),
    ({"mean": "amount"}, 91 / 6, 6),
    ({"percentile": {"of": "amount", "at": 0.5}}, 4, 6),
    ({"distinct": "amount"}, 5, 6),
    ({"min": "amount"}, 1, 6),
    ({"max": "amount"}, 50, 6),
]


@pytest.mark.parametrize(("aggregate", "value", "rows"), AGGREGATES)
@pytest.mark.parametrize("column", ["account", "stage", "owner", "attributes.product"])
def test_values_of_a_label_that_become_equal_are_one_group(
    aggregate: dict[str, Any], value: float, rows: int, column: str
) -> None:
    assert median([1, 2, 4, 4, 30, 50]) == 4
    config = config_of(metric(entity="deals", at="closed_at", by=[column], **aggregate))
    if column.startswith("attributes."):
        stored = [{**row, "attributes": {"product": row["name"]}} for row in deals("name")]
    else:
        stored = deals(column)
    store = store_of(deals=stored)
    answer = ask(store, config, by=True)
    assert set(answer) == {Group(labels=("Lab\ufffdel",)), Group(labels=("Other",))}
    assert answer[Group(labels=("Lab\ufffdel",))] == MeasuredValue(pytest.approx(value), rows)
    assert over_time(store, config, Scope.COMPANY, by=True) == answer


@pytest.mark.parametrize(("aggregate", "value", "rows"), AGGREGATES)
@pytest.mark.parametrize("rule", [{"at": "closed_at"}, {"during": {**LEVEL, "until": "closed_at"}}])
@pytest.mark.parametrize("listed", [True, False])
def test_persons_whose_names_become_equal_are_one_series(
    aggregate: dict[str, Any], value: float, rows: int, rule: dict[str, Any], listed: bool
) -> None:
    """Listed under three ids without an email, or owners whom nobody lists."""
    config = config_of(metric(entity="deals", **rule, **aggregate))
    closed = at("2024-03-05") if "at" in rule else None
    if listed:
        owners = {"u1": AMOUNTS[TWINS[0]], "u2": AMOUNTS[TWINS[1]], "u3": AMOUNTS[TWINS[2]], "u4": AMOUNTS["Other"]}
        names = zip(owners, AMOUNTS, strict=True)
        people = [{"id": owner, "name": name, "active": True} for owner, name in names]
        store = store_of(deals=deals("owner", owners, closed_at=closed), people=people)
    else:
        store = store_of(deals=deals("owner", closed_at=closed))
    answer = ask(store, config, scope=Scope.PERSON)
    assert set(answer) == {Group(None, "Lab\ufffdel"), Group(None, "Other")}
    assert answer[Group(None, "Lab\ufffdel")] == MeasuredValue(pytest.approx(value), rows)
    assert over_time(store, config, Scope.PERSON, by=False) == answer


@pytest.mark.parametrize(("aggregate", "value", "rows"), AGGREGATES)
def test_teams_whose_names_become_equal_are_one_series(aggregate: dict[str, Any], value: float, rows: int) -> None:
    owners = {"u1": AMOUNTS[TWINS[0]], "u2": AMOUNTS[TWINS[1]], "u3": AMOUNTS[TWINS[2]], "u4": AMOUNTS["Other"]}
    people = [
        {"id": owner, "name": owner, "active": True, "team": team} for owner, team in zip(owners, AMOUNTS, strict=True)
    ]
    store = store_of(deals=deals("owner", owners), people=people)
    config = config_of(metric(entity="deals", at="closed_at", **aggregate))
    answer = ask(store, config, scope=Scope.TEAM)
    assert set(answer) == {Group("Lab\ufffdel"), Group("Other")}
    assert answer[Group("Lab\ufffdel")] == MeasuredValue(pytest.approx(value), rows)
    assert over_time(store, config, Scope.TEAM, by=False) == answer
    persons = ask(store, config, scope=Scope.PERSON)
    assert {group.team for group in persons} == {"Lab\ufffdel", "Other"}


def test_a_long_name_and_a_short_one_that_equals_its_label_are_one_group() -> None:
    long = "x" * 200
    config = config_of(metric(entity="deals", at="closed_at", by=["account"], sum="amount"))
    answer = ask(store_of(deals=deals("account", {long: [1], label_value(long): [2]})), config, by=True)
    assert answer == {Group(labels=(label_value(long),)): MeasuredValue(3.0, 2)}


def test_a_person_is_found_by_the_name_as_it_is_stored() -> None:
    people = [{"id": "u1", "name": "An\x01n", "email": "ann@example.org", "active": True}]
    store = store_of(
        deals=deals("owner", {"An\x01n": [1], "ANN@example.org": [2], "u1": [4], "An\x02n": [8]}), people=people
    )
    config = config_of(metric(entity="deals", at="closed_at", sum="amount"))
    assert ask(store, config, scope=Scope.PERSON) == {Group(None, "An\ufffdn"): MeasuredValue(15.0, 4)}
