"""From the records to one file of OpenMetrics that `promtool tsdb create-blocks-from openmetrics` takes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from exporter.backfill.steps import shared_out
from exporter.backfill.workers import Part, Task, evaluate_parts
from exporter.config.root import Config
from exporter.errors import StartError
from exporter.exposition.text_format import END
from exporter.kpi.values import Freshness
from exporter.metrics.history import History

Told = Callable[[int, int], None]
"""Hears how many steps of how many are done."""

_WORTH_A_PROCESS = 400
"""Steps below which starting another process takes longer than it saves."""

_MOST_PROCESSES = 4


def write_history(  # noqa: PLR0913 - what to evaluate, and where to
    config: Config,
    records: History,
    freshness: dict[str, Freshness],
    steps: Sequence[datetime],
    out: Path,
    told: Told,
    *,
    processes: int | None = None,
) -> None:
    """Writes every family as of each step, series by series, closed with `# EOF`; whole or not at all.

    Steps rise. Pieces lie beside `out` meanwhile, as large as the file itself, so that memory does not grow with
    the history. `processes` is at most how many work at it, by default one for each processor.
    Raises EvaluationError, and StartError where nothing can be written there.
    """
    wished = min(os.cpu_count() or 1, _MOST_PROCESSES) if processes is None else processes
    shares = shared_out(steps, max(1, min(wished, len(steps) // _WORTH_A_PROCESS)), config.company.timezone)
    total, done = sum(len(share.steps) for share in shares), 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        told(done, total)

    try:
        with _workplace(out) as folder:
            tasks = [
                Task(config, records, freshness, share, folder / f"part-{number}")
                for number, share in enumerate(shares)
            ]
            parts = evaluate_parts(tasks, count) if tasks else []
            whole = folder / "whole"
            with whole.open("wb") as file:
                _merge(parts, file)
                file.flush()
                os.fsync(file.fileno())
            whole.replace(out)
    except OSError as error:
        raise StartError(f"cannot write {out}: {error.strerror or error}") from None


@contextmanager
def _workplace(out: Path) -> Iterator[Path]:
    """A folder beside the file; what a killed run left there goes."""
    folder = out.with_name(f".{out.name}.parts")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _merge(parts: Sequence[Part], file: BinaryIO) -> None:
    """Family by family, series by series, the parts in order of time."""
    names = dict.fromkeys(name for part in parts for name in part.families)
    opened = [part.lines.path.open("rb") for part in parts]
    try:
        for number, name in enumerate(names):
            described = next(part.families[name][0] for part in parts if name in part.families)
            file.write(b"\n" * bool(number) + described)
            heads = {head for part in parts if name in part.families for head in part.families[name][1]}
            for head in sorted(heads):
                for part, lines in zip(parts, opened, strict=True):
                    file.writelines(part.lines.read(lines, head))
    finally:
        for lines in opened:
            lines.close()
    file.write(b"\n" * bool(names) + END)
