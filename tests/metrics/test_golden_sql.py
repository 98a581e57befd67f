"""The SQL of each feature against a golden file. Set UPDATE_GOLDENS=1 to rewrite the files, and read the diff."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlglot
from sqlglot import exp

from exporter.config.fields import Scope
from exporter.metrics.columns import QueryContext
from exporter.metrics.exchange_rates import ExchangeRates
from exporter.metrics.lookup_tables import write_owners, write_rates
from exporter.metrics.people import Directory
from exporter.metrics.query import query_tree
from exporter.metrics.rows import PreparedStatement, QueryShape
from exporter.metrics.values import Window
from tests.metrics.stores import config_of, store_of

GOLDEN = Path(__file__).parents[1] / "golden" / "sql"
HOME = QueryContext("EUR", converts=False, zone=ZoneInfo("Europe/Zurich"))
ABROAD = QueryContext("EUR", converts=True, zone=ZoneInfo("Europe/Zurich"))
LEVEL = {"from": "created_at", "until": "closed_at"}


def _metric(**keys: Any) -> Any:
    entity = keys.pop("entity", "deals")
    rule = {} if "during" in keys else {"at": keys.pop("at", "closed_at")}
    return config_of({"name": "m", "entity": entity, **rule, **keys}).metrics[0]


def _query(*metrics: Any, context: QueryContext = HOME, scope: Scope = Scope.COMPANY, **shape: Any) -> exp.Expr:
    by = shape.pop("by", False)
    return query_tree(QueryShape.of(metrics[0], scope, by), metrics, context)[0]


def _aggregates() -> exp.Expr:
    seconds = {"sum": "talk_seconds"}, {"mean": "talk_seconds"}, {"min": "talk_seconds"}, {"max": "talk_seconds"}
    ungrouped = {"distinct": "queue"}, {"percentile": {"of": "wait_seconds", "at": 0.9}}, {"mean": "resolved"}
    derived = ({"sum": "attributes.Cost"}, {"count": "rows"}, {"mean": "ended_at - answered_at"})
    return _query(
        *(_metric(entity="calls", at="started_at", **aggregate) for aggregate in (*seconds, *ungrouped, *derived))
    )


def _filters() -> exp.Expr:
    filters = (
        {"status": "won"},
        {"status": ["won", "lost"]},
        {"amount": {"gte": 1000, "lt": 5000.5}},
        {"amount": {"gt": 0.0000001, "lte": 1e15}},
        {"stage": {"not": "new"}},
        {"stage": {"not": ["new", "old"]}},
        {"owner": {"present": True}, "amount": {"present": False}},
        {"name": {"matches": "^A.*'s$"}},
        {"attributes.Deal Type": "New", "attributes.size": {"gt": 2}},
        {"created_at": {"gte": 1704067200}},
    )
    return _query(*(_metric(where=where, count="rows") for where in filters))


def _money(scope: Scope = Scope.COMPANY, **rule: Any) -> tuple[Any, ...]:
    kinds = {"sum": "amount"}, {"mean": "amount"}, {"percentile": {"of": "amount", "at": 0.5}}
    return tuple(_metric(where={"status": "won"}, **kind, **rule) for kind in kinds)


FEATURES: Mapping[str, Callable[[], exp.Expr]] = {
    "aggregates": _aggregates,
    "filters": _filters,
    "flag": lambda: _query(_metric(entity="calls", at="started_at", count="rows", where={"resolved": False})),
    "level": lambda: _query(_metric(during=LEVEL, count="rows")),
    "level_team_money": lambda: _query(*_money(during=LEVEL), context=ABROAD, scope=Scope.TEAM),
    "money_home": lambda: _query(*_money()),
    "money_abroad": lambda: _query(*_money(), context=ABROAD),
    "team": lambda: _query(_metric(count="rows"), scope=Scope.TEAM),
    "person": lambda: _query(_metric(count="rows"), scope=Scope.PERSON),
    "labels": lambda: _query(_metric(count="rows", by=["stage", "attributes.Deal Type"]), by=True),
    "labels_folded": lambda: query_tree(
        QueryShape("deals", "closed_at", by=("stage", "owner"), folded=(True, False)), [_metric(mean="amount")], HOME
    )[0],
}  # fmt: skip


@pytest.mark.parametrize("feature", FEATURES)
def test_the_sql_of_a_feature_is_its_golden(feature: str) -> None:
    _hold(feature, FEATURES[feature]().sql(dialect="duckdb", pretty=True, identify=True))


@pytest.mark.parametrize("feature", ["filters", "level_team_money", "labels_folded"])
def test_the_same_tree_can_be_written_for_postgres(feature: str) -> None:
    text = FEATURES[feature]().sql(dialect="postgres", pretty=True, identify=True)
    assert len(sqlglot.parse(text.replace("%(", "$").replace(")s", ""), read="postgres")) == 1
    _hold(f"{feature}.postgres", text)


@pytest.mark.parametrize("feature", FEATURES)
def test_the_store_runs_the_sql_of_a_feature(feature: str) -> None:
    store = store_of(deals=[], calls=[])
    write_owners(
        store, Directory((), config_of({"name": "m", "entity": "deals", "at": "closed_at", "count": "rows"})), ()
    )
    write_rates(store, ExchangeRates("EUR"))
    window = Window(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC))
    rows = PreparedStatement.of(FEATURES[feature]()).fetch(store, window, {"kept_0": ["a"]})
    assert len(rows) <= 1


def _hold(name: str, text: str) -> None:
    golden = GOLDEN / f"{name}.sql"
    if os.environ.get("UPDATE_GOLDENS") == "1":
        golden.write_text(text + "\n", encoding="utf-8")
    assert golden.read_text(encoding="utf-8") == text + "\n"
