"""Asks about one metric of a small company in March 2024."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

from exporter.config.fields import Scope
from exporter.config.root import Config
from exporter.metrics.evaluate import answer_questions
from exporter.metrics.values import Group, MeasuredValue, Question, Window
from tests.metrics.stores import at

MARCH = Window(at("2024-03-01"), at("2024-04-01"))
LEVEL = {"from": "created_at", "until": "closed_at"}


def ask(
    store: duckdb.DuckDBPyConnection,
    config: Config,
    metric: str = "m",
    scope: Scope = Scope.COMPANY,
    window: Window = MARCH,
    by: bool = False,
) -> Mapping[Group, MeasuredValue]:
    question = Question(metric, window, scope, by)
    result = answer_questions(store, config, [question])
    assert not result.failed
    return result.answers[question]


def company(store: duckdb.DuckDBPyConnection, config: Config, **overrides: Any) -> MeasuredValue:
    result = ask(store, config, **overrides)
    assert list(result) == [Group()]
    return result[Group()]


def metric(**keys: Any) -> dict[str, Any]:
    return {"name": "m", "entity": "calls", **({} if "during" in keys else {"at": "started_at"}), **keys}
