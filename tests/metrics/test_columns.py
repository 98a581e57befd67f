"""Which rows a metric's filters keep, and that names and values from outside remain data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pytest

from exporter.metrics.evaluate import MetricResults, answer_questions
from exporter.metrics.values import Group, MeasuredValue, Question
from tests.metrics.queries import MARCH, ask, metric
from tests.metrics.stores import at, config_of, store_of


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ({"status": "won"}, "ab"),
        ({"status": ["won", "lost"]}, "abc"),
        ({"stage": {"not": "new"}}, "bcd"),
        ({"stage": {"not": ["new", "late"]}}, "bd"),
        ({"stage": {"present": True}}, "ac"),
        ({"stage": {"present": False}}, "bd"),
        ({"amount": {"gt": 10}}, "b"),
        ({"amount": {"gte": 10}}, "ab"),
        ({"amount": {"lt": 10}}, "c"),
        ({"amount": {"lte": 10, "gt": -5}}, "a"),
        ({"amount": 10}, "a"),
        ({"amount": "10"}, "a"),
        ({"attributes.size": 2.5}, ""),
        ({"attributes.hot": False}, ""),
        ({"amount": {"not": 10}}, "bcd"),
        ({"name": {"matches": "^[ab]$"}}, "ab"),
        ({"name": {"matches": "(?i)A|D"}}, "ad"),
        ({"attributes.size": {"gte": 2}}, "b"),
        ({"attributes.size": "10"}, "b"),
        ({"attributes.size": 10}, "b"),
        ({"attributes.size": {"present": True}}, "ab"),
        ({"attributes.hot": True}, "c"),
        ({"created_at": "2024-03-01T01:00:00+01:00"}, "a"),
        ({"created_at": {"gte": 1709251201}}, "b"),
        ({"status": "won", "amount": {"gt": 10}}, "b"),
        ({}, "abcd"),
    ],
)
def test_a_filter_keeps_the_matching_rows(where: dict[str, Any], kept: str) -> None:
    rows: Sequence[dict[str, Any]] = (
        {"status": "won", "stage": "new", "amount": 10, "created_at": at("2024-03-01"), "attributes": {"size": "x"}},
        {"status": "won", "stage": "", "amount": 20, "created_at": at("2024-03-02"), "attributes": {"size": "10"}},
        {"status": "lost", "stage": "late", "amount": -5, "attributes": {"hot": "true", "size": ""}},
        {},
    )
    full = [{"name": name, "closed_at": at("2024-03-05"), **row} for name, row in zip("abcd", rows, strict=True)]
    store = store_of(deals=full)
    config = config_of(metric(entity="deals", at="closed_at", count="rows", where=where, by=["name"]))
    result = ask(store, config, by=True)
    assert "".join(sorted(group.labels[0] for group, measured in result.items() if measured.value)) == kept


ODD = (
    "Deal Type",
    "a.b",
    'say "hi"',
    "o'brien",
    "x'; DROP TABLE deals; --",
    "größe",
    "$",
    "[0]",
    "{{ x }}",
    "%(a)s",
    "?",
)


@pytest.mark.parametrize("name", ODD)
def test_attributes_of_any_name_are_columns_and_any_value_is_a_value(name: str) -> None:
    deals = [{"closed_at": at("2024-03-05"), "attributes": {name: value, "other": name}} for value in ODD]
    store = store_of(deals=[*deals, {"closed_at": at("2024-03-05"), "attributes": {"other": name}}])
    result = _by_attribute(store, name, value=name)
    assert result.answers[Question("m", MARCH, by=True)] == {
        Group(labels=(value,)): MeasuredValue(float(value == name), int(value == name)) for value in (*ODD, "")
    }
    assert store.execute("SELECT count(*) FROM deals").fetchall() == [(len(ODD) + 1,)]


def _by_attribute(store: duckdb.DuckDBPyConnection, name: str, value: str) -> MetricResults:
    """Asks for a metric that the config would not let through: the store is safe all the same."""
    config = config_of(metric(entity="deals", at="closed_at", count="rows"))
    column = f"attributes.{name}"
    hostile = config.metrics[0].model_copy(update={"where": {column: value}, "by": (column,)})
    return answer_questions(store, config.model_copy(update={"metrics": (hostile,)}), [Question("m", MARCH, by=True)])


@pytest.mark.parametrize("name", ["", "*", "end\\"])
def test_an_invalid_attribute_name_fails_its_metric_only(name: str) -> None:
    config = config_of(metric(entity="deals", at="closed_at", count="rows"))
    odd = config.metrics[0].model_copy(update={"name": "odd", "where": {f"attributes.{name}": "x"}})
    with_odd = config.model_copy(update={"metrics": (config.metrics[0], odd)})
    result = answer_questions(store_of(deals=[]), with_odd, [Question("m", MARCH), Question("odd", MARCH)])
    assert list(result.failed) == ["odd"]
    assert list(result.answers) == [Question("m", MARCH)]


BAD: Sequence[dict[str, Any]] = (
    {"sum": "name"},
    {"mean": "created_at"},
    {"sum": "nowhere"},
    {"count": "rows", "where": {"amount": "much"}},
    {"count": "rows", "where": {"amount": True}},
    {"count": "rows", "where": {"created_at": "soon"}},
    {"count": "rows", "where": {"created_at": True}},
    {"count": "rows", "where": {"amount": "1e16"}},
    {"count": "rows", "where": {"amount": "nan"}},
    {"count": "rows", "entity": "calls", "at": "started_at", "where": {"resolved": "maybe"}},
    {"count": "rows", "where": {"name": {"gt": 3}}},
    {"count": "rows", "at": "name"},
    {"count": "rows", "by": ["nowhere"]},
)


@pytest.mark.parametrize("keys", BAD)
def test_an_invalid_condition_fails_its_metric_with_a_message(keys: dict[str, Any]) -> None:
    good = {"name": "good", "entity": "deals", "at": "closed_at", "count": "rows"}
    bad = {"name": "bad", "entity": "deals", "at": "closed_at", **keys}
    config = config_of(good, bad)
    questions = [Question(name, MARCH, by=True) for name in ("bad", "good")]
    result = answer_questions(store_of(deals=[], calls=[]), config, questions)
    assert list(result.answers) == [questions[1]]
    assert result.failed.keys() == {"bad"}
    assert result.failed["bad"].name == "bad"
    assert str(result.failed["bad"]).startswith("bad: ")


@pytest.mark.parametrize(
    ("flag", "count"), [(True, 2.0), (False, 1.0), ("true", 2.0), ("false", 1.0), ({"not": True}, 2.0)]
)
def test_an_unknown_flag_is_neither_true_nor_false(flag: Any, count: float) -> None:
    calls = [{"started_at": at("2024-03-05"), "resolved": resolved} for resolved in (True, True, False, None)]
    result = ask(store_of(calls=calls), config_of(metric(count="rows", where={"resolved": flag})))
    assert result[Group()].value == count


def test_numbers_and_flags_match_their_text() -> None:
    rows = [{"closed_at": at("2024-03-05"), "stage": stage} for stage in ("3", "3.5", "true", "other")]
    config = config_of(metric(entity="deals", at="closed_at", count="rows", where={"stage": [3.0, 3.5, True]}))
    assert ask(store_of(deals=rows), config)[Group()].value == 3.0
