"""Evaluates shares of a history: a single one in this process, several each in a process of its own."""

from __future__ import annotations

import gc
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from exporter.backfill.series_recorder import RecordedSeries, SeriesRecorder
from exporter.backfill.spool import Spool
from exporter.backfill.steps import StepShare
from exporter.config.root import Config
from exporter.errors import EvaluationError, ExporterError
from exporter.exposition.families import MetricFamilies, kpi_samples
from exporter.kpi.history import replay
from exporter.kpi.values import Freshness
from exporter.metrics.history import RecordReplay

PROGRESS_EVERY = 25
"""Steps between two reports of progress."""


@dataclass(frozen=True, slots=True)
class ShareTask:
    """A share to evaluate, and the file for the runs of its series."""

    config: Config
    records: RecordReplay
    freshness: Mapping[str, Freshness]
    share: StepShare
    path: Path


def evaluate_share(task: ShareTask, on_progress: Callable[[int], None]) -> RecordedSeries:
    """Evaluates a share; `on_progress` receives numbers of completed steps. Raises EvaluationError, OSError."""
    spool = Spool(task.path)
    try:
        return _record(task, spool, on_progress)
    finally:
        spool.discard()


def _record(task: ShareTask, spool: Spool, on_progress: Callable[[int], None]) -> RecordedSeries:
    config, warm_up, completed = task.config, task.share.warm_up, 0
    recorder = SeriesRecorder(spool, task.share.own)
    families = MetricFamilies(config)
    evaluations = replay(config, task.records.ask, task.freshness, task.share.steps, roster_at=task.records.roster_at)
    for number, (evaluation, _) in enumerate(evaluations):
        if number >= warm_up:
            rows = chain(families.samples(evaluation.metric_runs), kpi_samples(config, evaluation))
            recorder.record(number - warm_up, rows)
        completed += 1
        if completed == PROGRESS_EVERY:
            on_progress(completed)
            completed = 0
    on_progress(completed)
    return recorder.end()


def evaluate_shares(tasks: Sequence[ShareTask], on_progress: Callable[[int], None]) -> list[RecordedSeries]:
    """Evaluates all shares and returns them in order. Several are evaluated in parallel processes.

    Raises EvaluationError, also if a process ends before its share is complete.
    """
    if len(tasks) == 1:
        return [evaluate_share(tasks[0], on_progress)]
    with _processes(tasks) as receivers:
        shares: dict[int, RecordedSeries] = {}
        while len(shares) < len(tasks):
            for receiver in wait([r for number, r in receivers.items() if number not in shares]):
                number = next(n for n, candidate in receivers.items() if candidate is receiver)
                message = _received(receiver)
                if isinstance(message, int):
                    on_progress(message)
                else:
                    shares[number] = message
    return [shares[number] for number in range(len(tasks))]


def _received(receiver: object) -> int | RecordedSeries:
    if not isinstance(receiver, Connection):
        raise AssertionError("wait returns only connections")
    try:
        message: int | str | RecordedSeries = receiver.recv()
    except EOFError:
        raise EvaluationError(
            "history", "a process ended before its work was complete, perhaps out of memory"
        ) from None
    if isinstance(message, str):
        raise EvaluationError("history", message)
    return message


@contextmanager
def _processes(tasks: Sequence[ShareTask]) -> Iterator[dict[int, Connection]]:
    # spawn, because this process has threads, which do not survive a fork
    context = multiprocessing.get_context("spawn")
    running: list[BaseProcess] = []
    receivers: dict[int, Connection] = {}
    try:
        for number, task in enumerate(tasks):
            receivers[number], sender = context.Pipe(duplex=False)
            worker = context.Process(target=_work, args=(task, sender), daemon=True)
            running.append(worker)
            worker.start()
            sender.close()
        yield receivers
    finally:
        for process in running:
            process.kill()
            process.join()
        for receiver in receivers.values():
            receiver.close()


def _work(task: ShareTask, sender: Connection) -> None:
    for name in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # the whole process group may receive them; the parent ends this one
        signal.signal(name, signal.SIG_IGN)
    gc.freeze()  # the records are many objects, all of which live until the end
    try:
        sender.send(evaluate_share(task, sender.send))
    except (ExporterError, OSError) as error:
        sender.send(str(error))
    finally:
        gc.unfreeze()  # extension modules report frozen objects on exit
