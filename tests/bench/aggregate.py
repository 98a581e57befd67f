"""A hundred metrics by 500 people and 20 teams over a million calls, next to the same queries in SQLite and PostgreSQL."""

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
from tests.bench.call_metrics import NOW, completed_passes, definitions, fill, load_config
from tests.bench.measure import Row, cpu_of

WORK = "100 metrics, 320,000 calls to date"


def run() -> Iterator[Row]:
    """CPU of all queries, of the same queries over a longer history, and of an evaluation without changes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config, store = load_config(folder), Store.open(folder / "million")
        fill(store, 1_000_000)
        seconds = _seconds(store, config)
        for peer, (peer_seconds, totals) in (
            ("SQLite", sqlite_seconds(store, folder)),
            ("PostgreSQL", postgresql_seconds(store)),
        ):
            if totals != _totals(store, config):
                raise RuntimeError(f"{peer} counts other calls than the exporter does")
            yield Row(f"{WORK} of 1 million", "s CPU", seconds, peer, peer_seconds, 1 / 10)
        yield from _unchanged(store, config)
        store.close()
        larger = Store.open(folder / "ten")
        fill(larger, 10_000_000)
        ten = _seconds(larger, config)
        yield Row(f"{WORK} of 10 million", "s CPU", ten, "the same of 1 million", seconds, 1.3)
        larger.close()


def questions() -> dict[tuple[str, str, str], Question]:
    """The questions by metric, grouping and window."""
    return {
        (definition.name, group, window): Question(definition.name, Window(WINDOWS[window], NOW), Scope(group))
        for definition, group, window in product(definitions(), GROUPS, WINDOWS)
    }


def _seconds(store: Store, config: Config) -> float:
    """CPU of the queries. The people are read each time; the SQL is compiled once, by the first evaluation."""
    requests = questions().values()
    with store.reading() as reader:
        answer_questions(reader, config, requests)
        return cpu_of(lambda: answer_questions(reader, config, requests), 7)


def _totals(store: Store, config: Config) -> Totals:
    with store.reading() as reader:
        answers = answer_questions(reader, config, questions().values()).answers
    return {
        key: sum(measured.value or 0.0 for measured in answers[question].values())
        for key, question in questions().items()
        if key[0].endswith("_rows")
    }


def _unchanged(store: Store, config: Config) -> Iterator[Row]:
    evaluator, instants = Evaluator(config, store), (NOW + timedelta(seconds=10 * index) for index in range(100))
    evaluated = evaluator.evaluate(NOW, None)
    count = len(evaluated.evaluation.metrics) + len(evaluated.evaluation.kpis)
    again = cpu_of(lambda: evaluator.evaluate(next(instants), evaluated.memory), 9)
    yield Row(f"{count:,} values again, no pass in between", "ms CPU", again * 1e3, budget=5)

    def after_a_pass() -> None:
        evaluator.evaluate(next(instants), evaluated.memory)

    spent = []
    for _ in range(5):
        completed_passes(store, next(instants))
        spent.append(cpu_of(after_a_pass, 1))
    yield Row(f"{count:,} values again, passes without changes", "ms CPU", median(spent) * 1e3)
