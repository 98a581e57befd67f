"""Writes the history of every series to one OpenMetrics file for `promtool tsdb create-blocks-from openmetrics`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from exporter.backfill.history_tables import HistoryTables
from exporter.backfill.series_recorder import RecordedSeries, SeriesRecorder
from exporter.backfill.spool import Spool
from exporter.config.root import Config
from exporter.errors import StartError
from exporter.exposition.text_format import END
from exporter.kpi.history import EvaluationHistory, histories_of
from exporter.kpi.sealed_periods import NOTHING_SEALED, SealedPeriods
from exporter.kpi.values import Freshness
from exporter.metrics.instants import HistoryQueries

StepProgress = Callable[[int, int], None]
"""Progress callback (done, total), in steps."""


def write_history(  # noqa: PLR0913, PLR0917 - what to evaluate, and where to write it
    config: Config,
    records: HistoryQueries,
    freshness: Mapping[str, Freshness],
    steps: Sequence[datetime],
    out: Path,
    on_progress: StepProgress,
    sealed: SealedPeriods = NOTHING_SEALED,
) -> None:
    """Writes every family as of each step, series by series, and `# EOF`; `out` is complete or unchanged.

    Steps ascend. Values are compared with `sealed` periods as they were sealed. A temporary file beside `out` holds
    what changed, so that memory does not grow with the history. Raises QueryError, and StartError if the file cannot
    be written.
    """
    try:
        with _work_folder(out) as folder:
            histories = histories_of(config, records.columns, freshness, steps, records.roster_at, sealed)
            series = _recorded(config, _counted(histories, len(steps), on_progress), steps, folder / "runs")
            text = folder / "text"
            with text.open("wb") as file:
                _write(series, file)
                file.flush()
                os.fsync(file.fileno())
            text.replace(out)
    except OSError as error:
        raise StartError(f"cannot write {out}: {error.strerror or error}") from None


@contextmanager
def _work_folder(out: Path) -> Iterator[Path]:
    """A folder beside the file, deleted on exit; leftovers of a killed run are deleted first."""
    folder = out.with_name(f".{out.name}.parts")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _counted(
    histories: Iterable[EvaluationHistory], total: int, on_progress: StepProgress
) -> Iterator[EvaluationHistory]:
    done = 0
    for history in histories:
        yield history
        done += len(history.instants)
        on_progress(done, total)


def _recorded(
    config: Config, histories: Iterable[EvaluationHistory], steps: Sequence[datetime], path: Path
) -> RecordedSeries:
    """The runs of all series, in a file at `path`."""
    tables = HistoryTables(config)
    with closing(Spool(path)) as spool:
        recorder = SeriesRecorder(spool, steps)
        for history in histories:
            for table, key, rows in tables.rows(history):
                recorder.take(table, key, rows)
            recorder.end_part(len(history.instants))
        return recorder.end()


def _write(series: RecordedSeries, file: BinaryIO) -> None:
    """Writes family by family, series by series."""
    with series.runs.path.open("rb") as runs:
        for number, (header, heads) in enumerate(series.families.values()):
            file.write(b"\n" * bool(number) + header)
            for head in sorted(heads):
                file.writelines(series.lines(runs, head))
    file.write(b"\n" * bool(series.families) + END)
