"""Generated companies: the history holds at each step what a single evaluation of that instant exposes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given

from exporter.commands import backfill
from exporter.evaluation.first_records import first_records, with_first_records
from exporter.evaluation.freshness import freshness
from exporter.evaluation.record_counts import RecordCounter, with_counts
from exporter.exposition.families import business_samples, kpi_samples
from exporter.exposition.render import Renderer
from exporter.kpi import history
from exporter.kpi.evaluate import KpiEvaluator
from exporter.kpi.status import StatusMemory
from exporter.kpi.values import Evaluation
from exporter.metrics.connection import consistent_read
from exporter.metrics.evaluate import answer_questions
from exporter.metrics.people import Directory
from tests.oracle.comparing import differences
from tests.oracle.life import Company, World, companies, world_of
from tests.oracle.test_against_oracle import search

Sample = tuple[str, int]
"""A series and the Unix time of a step."""


@search(2)
@given(companies())
def test_every_family_at_every_step_is_that_of_a_single_evaluation(company: Company) -> None:
    with world_of(company) as world, TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "MAX_INSTANTS", 5)
        world.run()
        steps, end, out = steps_of(company), company.syncs[-1].ended_at, Path(folder) / "history.om"
        backfill.write(world.config, world.store, lambda _: steps, out, clock=lambda: end, on_progress=lambda *_: None)
        written = {(series, int(at)): value for series, value, at in _samples(out.read_text(), 3)}
        differences(written, dict(exposed(world, steps, end)))


def steps_of(company: Company) -> list[datetime]:
    """Instants of the company, and some between them so that statuses and running windows have a past."""
    instants = sorted({*company.instants, *(sync.ended_at for sync in company.syncs)})
    between = [first + (last - first) / 3 for first, last in pairwise(instants)]
    soon = [instant + timedelta(hours=hours) for instant in instants for hours in (1,)]
    return sorted({instant.replace(microsecond=0) for instant in (*instants, *between, *soon)})


def exposed(world: World, steps: Sequence[datetime], end: datetime) -> Iterator[tuple[Sample, float]]:
    """What single evaluations expose, each with the statuses of the step before and nothing else."""
    memory: StatusMemory | None = None
    with world.store.reading() as reader, consistent_read(reader):
        fresh = freshness(world.config, world.store.outcomes(), end)
        fresh = with_first_records(fresh, first_records(reader, world.config))
        fresh = with_counts(fresh, RecordCounter(world.config).count(reader, {}))
        roster_at = Directory.load(reader, world.config).roster
        for step in steps:
            evaluation, memory = KpiEvaluator(world.config).evaluate(
                lambda asked: answer_questions(reader, world.config, asked).answers, fresh, step, memory, roster_at
            )
            for series, value in _samples(_text(world, evaluation), 2):
                yield (series, int(step.timestamp())), value


def _text(world: World, evaluation: Evaluation) -> str:
    rows = chain(business_samples(world.config, evaluation.metrics), kpi_samples(world.config, evaluation))
    rendering = Renderer().render(rows)
    formats = [family.formats for family in (*rendering.shared, *rendering.people)]
    return b"".join(piece for each in formats for piece in each.openmetrics.plain).decode()


def _samples(text: str, fields: int) -> Iterator[tuple[Any, ...]]:
    for line in text.splitlines():
        if not line.startswith("#") and line:
            series, *numbers = line.rsplit(" ", fields - 1)
            yield series, float(numbers[0]), *numbers[1:]
