"""Shares of a history, evaluated one after the other or each in a process of its own."""

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

from exporter.backfill.series_recorder import Recorded, Recorder
from exporter.backfill.spool import Spool, Spooled
from exporter.backfill.steps import Share
from exporter.config.fields import Scope
from exporter.config.root import Config
from exporter.errors import EvaluationError, ExporterError
from exporter.exposition.families import business_samples, kpi_samples
from exporter.kpi.history import history
from exporter.kpi.values import Freshness
from exporter.metrics.history import History
from exporter.naming import Family

TOLD_EVERY = 25
"""Steps between two words on progress."""


@dataclass(frozen=True, slots=True)
class Task:
    """A share to evaluate, and the file for what comes of it."""

    config: Config
    records: History
    freshness: Mapping[str, Freshness]
    share: Share
    path: Path


@dataclass(frozen=True, slots=True)
class Part:
    """What came of a share: families with their description and the heads of their series, and the lines."""

    families: Mapping[str, tuple[bytes, Sequence[bytes]]]
    lines: Spooled


def evaluate_part(task: Task, told: Callable[[int], None]) -> Part:
    """Evaluates a share; `told` hears of every few steps how many they were. Raises EvaluationError, OSError."""
    spool = Spool(task.path)
    try:
        recorded = _record(task, spool, told)
    finally:
        spool.discard()
    return Part(recorded.families, Spooled(task.path, recorded.places))


def _record(task: Task, spool: Spool, told: Callable[[int], None]) -> Recorded:
    config, settling, done = task.config, task.share.settling, 0
    recorder = Recorder(spool, task.share.own)
    described: dict[tuple[str, Scope], Family] = {}
    evaluations = history(config, task.records.ask, task.freshness, task.share.steps)
    for number, (evaluation, _) in enumerate(evaluations):
        if number >= settling:
            rows = chain(business_samples(config, evaluation.metrics, described), kpi_samples(config, evaluation))
            recorder.record(number - settling, rows)
        done += 1
        if done == TOLD_EVERY:
            told(done)
            done = 0
    told(done)
    return recorder.end()


def evaluate_parts(tasks: Sequence[Task], told: Callable[[int], None]) -> list[Part]:
    """All shares, in order: a single one here, several at the same time in processes of their own.

    Raises EvaluationError, also where a process ended before its work did.
    """
    if len(tasks) == 1:
        return [evaluate_part(tasks[0], told)]
    with _processes(tasks) as receivers:
        parts: dict[int, Part] = {}
        while len(parts) < len(tasks):
            for receiver in wait([r for number, r in receivers.items() if number not in parts]):
                number = next(n for n, known in receivers.items() if known is receiver)
                found = _received(receiver)
                if isinstance(found, int):
                    told(found)
                else:
                    parts[number] = found
    return [parts[number] for number in range(len(tasks))]


def _received(receiver: object) -> int | Part:
    if not isinstance(receiver, Connection):
        raise AssertionError("only connections are waited for")
    try:
        found: int | str | Part = receiver.recv()
    except EOFError:
        raise EvaluationError("history", "a process ended before its work did, perhaps for want of memory") from None
    if isinstance(found, str):
        raise EvaluationError("history", found)
    return found


@contextmanager
def _processes(tasks: Sequence[Task]) -> Iterator[dict[int, Connection]]:
    # nothing is inherited but what is sent: this process has threads, which do not survive a fork
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


def _work(task: Task, sender: Connection) -> None:
    for name in (signal.SIGINT, signal.SIGTERM):  # a whole group may hear them; whoever started this process ends it
        signal.signal(name, signal.SIG_IGN)
    gc.freeze()  # the records are many objects that all stay
    try:
        sender.send(evaluate_part(task, sender.send))
    except (ExporterError, OSError) as error:
        sender.send(str(error))
    finally:
        gc.unfreeze()  # extension modules complain at the end about objects that stay
