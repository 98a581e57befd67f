"""A hundred metrics by 500 people and 20 teams over a million calls, beside the same queries in SQLite and PostgreSQL."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from pathlib import Path
from statistics import median

from exporter.config.fields import Scope
from exporter.config.root import Config
from exporter.evaluation.evaluator import Evaluator
from exporter.metrics.evaluate import answer_questions
from exporter.metrics.values import Question, Window
from exporter.store.store import Store
from tests.bench.aggregate_peers import GROUPS, WINDOWS, Totals, postgresql_seconds, sqlite_seconds
from tests.bench.call_metrics import NOW, completed, config, definitions, fill
from tests.bench.measure import Row, cpu_of

WORK = "100 metrics, 320,000 calls to date"


def run() -> Iterator[Row]:
    """CPU of all queries; of a longer past; and of an evaluation after which nothing has changed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        told, store = config(folder), Store.open(folder / "million")
        fill(store, 1_000_000)
        ours = _seconds(store, told)
        for peer, (theirs, totals) in (
            ("SQLite", sqlite_seconds(store, folder)),
            ("PostgreSQL", postgresql_seconds(store)),
        ):
            if totals != _totals(store, told):
                raise RuntimeError(f"{peer} counts other calls than we do")
            yield Row(f"{WORK} of 1 million", "s CPU", ours, peer, theirs, 1 / 10)
        yield from _unchanged(store, told)
        store.close()
        larger = Store.open(folder / "ten")
        fill(larger, 10_000_000)
        ten = _seconds(larger, told)
        yield Row(f"{WORK} of 10 million", "s CPU", ten, "the same of 1 million", ours, 1.3)
        larger.close()


def questions() -> dict[tuple[str, str, str], Question]:
    """By metric, grouping and window."""
    return {
        (definition.name, group, window): Question(definition.name, Window(WINDOWS[window], NOW), Scope(group))
        for definition, group, window in product(definitions(), GROUPS, WINDOWS)
    }


def _seconds(store: Store, told: Config) -> float:
    """With the people read anew each time; the queries' text is written once, at the first evaluation."""
    asked = questions().values()
    with store.reading() as reader:
        answer_questions(reader, told, asked)
        return cpu_of(lambda: answer_questions(reader, told, asked), 7)


def _totals(store: Store, told: Config) -> Totals:
    with store.reading() as reader:
        found = answer_questions(reader, told, questions().values()).answers
    return {
        key: sum(measured.value or 0.0 for measured in found[question].values())
        for key, question in questions().items()
        if key[0].endswith("_rows")
    }


def _unchanged(store: Store, told: Config) -> Iterator[Row]:
    evaluations, instants = Evaluator(told, store), (NOW + timedelta(seconds=10 * turn) for turn in range(100))
    evaluated = evaluations.evaluate(NOW, None)
    shown = len(evaluated.evaluation.metrics) + len(evaluated.evaluation.kpis)
    again = cpu_of(lambda: evaluations.evaluate(next(instants), evaluated.memory), 9)
    yield Row(f"{shown:,} values again, no pass meanwhile", "ms CPU", again * 1e3, budget=5)

    def after_a_pass() -> None:
        evaluations.evaluate(next(instants), evaluated.memory)

    spent = []
    for _ in range(5):
        completed(store, next(instants))
        spent.append(cpu_of(after_a_pass, 1))
    yield Row(f"{shown:,} values again, passes without news", "ms CPU", median(spent) * 1e3)
