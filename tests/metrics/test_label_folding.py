"""At most a hundred values per label; the others are folded exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import duckdb
import pytest

from exporter.config.root import Config
from exporter.metrics.evaluate import MetricResults, answer_questions
from exporter.metrics.label_folding import MAX_VALUES, RetainedValues
from exporter.metrics.values import Group, MeasuredValue, Question, Window
from exporter.naming import OTHER
from tests.metrics.queries import LEVEL, MARCH, metric
from tests.metrics.stores import at, config_of, insert, store_of

DAY = Window(at("2024-03-05"), at("2024-03-06"))


def deals(sizes: Mapping[str, int], **overrides: Any) -> list[dict[str, Any]]:
    """So many deals of each account, of amounts 1, 2, 3 and so on."""
    row = {"closed_at": at("2024-03-05"), "status": "won", **overrides}
    return [{**row, "account": name, "amount": n + 1} for name, size in sizes.items() for n in range(size)]


def ask(
    store: duckdb.DuckDBPyConnection,
    config: Config,
    windows: Sequence[Window] = (MARCH,),
    retained: RetainedValues | None = None,
) -> MetricResults:
    result = answer_questions(store, config, [Question("m", window, by=True) for window in windows], retained=retained)
    assert not result.failed
    return result


def by_account(**keys: Any) -> Config:
    return config_of(
        metric(entity="deals", by=["account"], **({} if "during" in keys else {"at": "closed_at"}), **keys)
    )


def labels(result: MetricResults, window: Window = MARCH) -> set[str]:
    return {group.labels[0] for group in result.answers[Question("m", window, by=True)]}


MANY = {f"account {number:03}": 1 + number % 7 for number in range(MAX_VALUES + 30)}


def test_a_hundred_values_are_all_retained() -> None:
    sizes = dict(list(MANY.items())[:MAX_VALUES])
    result = ask(store_of(deals=deals(sizes)), by_account(count="rows"))
    assert result.answers[Question("m", MARCH, by=True)] == {
        Group(labels=(name,)): MeasuredValue(float(size), size) for name, size in sizes.items()
    }
    assert result.overflow == {}
    assert result.retained == {("m", "account"): tuple(sorted(sizes))}


@pytest.mark.parametrize(
    ("aggregate", "of"),
    [
        ({"count": "rows"}, len),
        ({"sum": "amount"}, sum),
        ({"mean": "amount"}, lambda values: sum(values) / len(values)),
        ({"max": "amount"}, max),
        ({"percentile": {"of": "amount", "at": 0.5}}, median),
        ({"distinct": "amount"}, lambda values: len(set(values))),
    ],
)
def test_the_others_fold_into_one_value_with_an_exact_number(aggregate: dict[str, Any], of: Any) -> None:
    result = ask(store_of(deals=deals(MANY)), by_account(**aggregate))
    answers = result.answers[Question("m", MARCH, by=True)]
    assert len(answers) == MAX_VALUES + 1
    assert result.overflow == {("m", "account"): 30}
    ranked = sorted(MANY, key=lambda name: (-MANY[name], name))
    folded = [amount + 1 for name in ranked[MAX_VALUES:] for amount in range(MANY[name])]
    assert answers[Group(labels=(OTHER,))] == MeasuredValue(pytest.approx(of(folded)), len(folded))
    assert {*labels(result)} == {*ranked[:MAX_VALUES], OTHER}
    assert result.retained[("m", "account")] == tuple(sorted(ranked[:MAX_VALUES]))


def test_values_with_the_largest_sums_are_retained() -> None:
    rich = deals({"whale": 1}, status="won")
    rich[0]["amount"] = 10**9
    result = ask(store_of(deals=deals(dict.fromkeys(MANY, 3)) + rich), by_account(sum="amount"))
    assert "whale" in labels(result)
    assert "whale" not in labels(ask(store_of(deals=deals(dict.fromkeys(MANY, 3)) + rich), by_account(count="rows")))


def test_size_counts_only_rows_that_match_the_filter() -> None:
    lost = deals({"loser": 50}, status="lost")
    config = by_account(count="rows", where={"status": "won"})
    result = ask(store_of(deals=deals(MANY) + lost), config)
    assert "loser" not in labels(result)


def test_a_value_is_retained_while_it_has_rows() -> None:
    """A newcomer with more rows than anybody waits until somebody leaves."""
    config = by_account(count="rows")
    store = store_of(deals=deals(MANY))
    first = ask(store, config)
    insert(store, "deals", deals({"newcomer": 99}))
    second = ask(store, config, retained=first.retained)
    assert labels(second) == labels(first)
    assert ask(store, config).retained != first.retained
    removed = first.retained[("m", "account")][0]
    store.execute("DELETE FROM deals WHERE account = ?", [removed])
    third = ask(store, config, retained=second.retained)
    assert labels(third) == (labels(first) - {removed}) | {"newcomer"}


def test_values_seen_before_folding_started_are_retained() -> None:
    config = by_account(count="rows")
    store = store_of(deals=deals({"small": 1}))
    first = ask(store, config)
    insert(store, "deals", deals(dict.fromkeys(MANY, 5)))
    assert "small" in labels(ask(store, config, retained=first.retained))
    assert "small" not in labels(ask(store, config))


def test_all_windows_of_a_metric_retain_the_same_values() -> None:
    later = deals(dict.fromkeys(MANY, 9), closed_at=at("2024-03-20"))
    today = deals({f"day {number}": 1 for number in range(20)})
    result = ask(store_of(deals=later + today), by_account(count="rows"), windows=(DAY, MARCH))
    assert labels(result, DAY) == {OTHER}
    assert result.answers[Question("m", DAY, by=True)] == {Group(labels=(OTHER,)): MeasuredValue(20.0, 20)}


def test_levels_fold_as_of_their_instant() -> None:
    store = store_of(deals=deals(MANY, created_at=at("2024-01-01"), closed_at=None))
    result = ask(store, by_account(during=LEVEL, count="rows"))
    assert len(labels(result)) == MAX_VALUES + 1
    assert sum(m.value or 0 for m in result.answers[Question("m", MARCH, by=True)].values()) == sum(MANY.values())


def test_each_label_folds_separately() -> None:
    config = config_of(metric(entity="deals", at="closed_at", count="rows", by=["account", "status"]))
    result = ask(store_of(deals=deals(MANY) + deals(MANY, status="lost")), config)
    pairs = {group.labels for group in result.answers[Question("m", MARCH, by=True)]}
    assert {status for _, status in pairs} == {"won", "lost"}
    assert len({account for account, _ in pairs}) == MAX_VALUES + 1
    assert result.overflow == {("m", "account"): 30}
    assert result.retained[("m", "status")] == ("lost", "won")


def test_empty_and_missing_values_are_the_same_label() -> None:
    result = ask(store_of(deals=deals({"": 1, "a": 1})), by_account(count="rows"))
    assert labels(result) == {"", "a"}
    nothing = [{"closed_at": at("2024-03-05"), "account": account} for account in (None, "")]
    result = ask(store_of(deals=nothing), by_account(count="rows"))
    assert result.answers[Question("m", MARCH, by=True)] == {Group(labels=("",)): MeasuredValue(2.0, 2)}


def test_flags_and_numbers_are_labels_too() -> None:
    calls = [{"started_at": at("2024-03-05"), "resolved": flag, "satisfaction": 4.0} for flag in (True, False, None)]
    config = config_of(metric(count="rows", by=["resolved", "satisfaction"]))
    result = answer_questions(store_of(calls=calls), config, [Question("m", MARCH, by=True)])
    pairs = {group.labels for group in result.answers[Question("m", MARCH, by=True)]}
    assert pairs == {("true", "4.0"), ("false", "4.0"), ("", "4.0")}


def test_money_beyond_the_store_fails_the_metric_that_ranks_by_it() -> None:
    odd = {"amount": 10**15, "currency": "USD"}
    rows = [{**row, **odd} for row in deals(MANY)]
    config = config_of(
        metric(entity="deals", at="closed_at", sum="amount", by=["account"]),
        {"name": "number", "entity": "deals", "at": "closed_at", "count": "rows", "by": ["account"]},
        company={"rates": {"USD": 1e9}},
    )
    questions = [Question(name, MARCH, by=True) for name in ("m", "number")]
    result = answer_questions(store_of(deals=rows), config, questions)
    assert result.failed.keys() == {"m"}
    assert len(result.answers[questions[1]]) == MAX_VALUES + 1
