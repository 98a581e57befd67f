"""Writes the history of every series to one OpenMetrics file for `promtool tsdb create-blocks-from openmetrics`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from exporter.backfill.series_recorder import RecordedSeries
from exporter.backfill.steps import split_steps
from exporter.backfill.workers import ShareTask, evaluate_shares
from exporter.config.root import Config
from exporter.errors import StartError
from exporter.exposition.text_format import END
from exporter.kpi.values import Freshness
from exporter.metrics.history import RecordReplay

StepProgress = Callable[[int, int], None]
"""Progress callback (done, total), in steps."""

_MIN_STEPS_PER_PROCESS = 400
"""With fewer steps, starting another process takes longer than it saves."""

_MAX_PROCESSES = 4


def write_history(  # noqa: PLR0913 - what to evaluate, and where to write it
    config: Config,
    records: RecordReplay,
    freshness: dict[str, Freshness],
    steps: Sequence[datetime],
    out: Path,
    on_progress: StepProgress,
    *,
    processes: int | None = None,
) -> None:
    """Writes every family as of each step, series by series, and `# EOF`; `out` is complete or unchanged.

    Steps ascend. A temporary file beside `out` holds what changed, so that memory does not grow with the history.
    `processes` is their maximum number, by default one per processor and at most four. Raises EvaluationError, and
    StartError if the file cannot be written.
    """
    max_processes = min(os.cpu_count() or 1, _MAX_PROCESSES) if processes is None else processes
    share_count = max(1, min(max_processes, len(steps) // _MIN_STEPS_PER_PROCESS))
    shares = split_steps(steps, share_count, config.company.timezone)
    total, completed = sum(len(share.steps) for share in shares), 0

    def count(steps_done: int) -> None:
        nonlocal completed
        completed += steps_done
        on_progress(completed, total)

    try:
        with _work_folder(out) as folder:
            paths = (folder / f"part-{number}" for number in range(len(shares)))
            tasks = [ShareTask(config, records, freshness, *pair) for pair in zip(shares, paths, strict=True)]
            evaluated = evaluate_shares(tasks, count) if tasks else []
            merged = folder / "merged"
            with merged.open("wb") as file:
                _merge(evaluated, file)
                file.flush()
                os.fsync(file.fileno())
            merged.replace(out)
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


def _merge(shares: Sequence[RecordedSeries], file: BinaryIO) -> None:
    """Writes family by family, series by series, the shares in order of time."""
    names = dict.fromkeys(name for share in shares for name in share.families)
    files = [share.runs.path.open("rb") for share in shares]
    try:
        for number, name in enumerate(names):
            header = next(share.families[name][0] for share in shares if name in share.families)
            file.write(b"\n" * bool(number) + header)
            heads = {head for share in shares if name in share.families for head in share.families[name][1]}
            for head in sorted(heads):
                for share, runs in zip(shares, files, strict=True):
                    file.writelines(share.lines(runs, head))
    finally:
        for runs in files:
            runs.close()
    file.write(b"\n" * bool(names) + END)
