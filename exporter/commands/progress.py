"""How far the first load is: a bar for each entity on a terminal, a log line a minute elsewhere."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic
from typing import TextIO, cast

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from exporter.commands.lines import LOG_EVERY, Lines
from exporter.sync.observer import NullObserver, Observer, PassReport
from exporter.sync.observer import Progress as Done

Told = Callable[[int, int], None]
"""Hears how much of how much is done."""

_log = logging.getLogger(__name__)


class Bars(NullObserver):
    """A bar for each entity that is being read. `fleeting` ones tell of full passes only and go when they are done."""

    def __init__(self, progress: Progress, *, fleeting: bool = False) -> None:
        self._progress = progress
        self._fleeting = fleeting
        self._bars: dict[tuple[str, str], TaskID] = {}
        self._lock = Lock()

    def progressed(self, progress: Done) -> None:
        """A page was read."""
        if self._fleeting and not progress.full:
            return
        said = f"{progress.records:,} records, {progress.pages:,} pages, {progress.rate:,.0f}/s"
        bar = self._bar(progress.source, progress.entity)
        self._progress.update(bar, completed=progress.records, total=progress.total, said=said)

    def finished(self, report: PassReport) -> None:
        """A pass ended."""
        known = (report.source, report.entity) in self._bars
        if not known and (self._fleeting or (report.success and not report.records)):
            return
        said = (
            f"{report.records:,} records in {report.seconds:.1f} s" if report.success else f"failed: {report.message}"
        )
        bar = self._bar(report.source, report.entity)
        if self._fleeting:
            del self._bars[report.source, report.entity]
            self._progress.remove_task(bar)
            self._progress.console.print(f"  {report.source} {report.entity}: {said}", markup=False, highlight=False)
            return
        total = report.records if report.success else None
        self._progress.update(bar, completed=report.records, total=total, said=said)
        self._progress.stop_task(bar)

    def _bar(self, source: str, entity: str) -> TaskID:
        with self._lock:
            key = source, entity
            if key not in self._bars:
                self._bars[key] = self._progress.add_task(f"{source} {entity}", total=None, said="")
            return self._bars[key]


class Above(io.TextIOBase):
    """A stream for log lines that puts them above the bars of a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, text: str) -> int:
        """Prints one or more whole lines."""
        self._console.print(text.rstrip("\n"), markup=False, highlight=False, soft_wrap=True)
        return len(text)


@contextmanager
def shown(console: Console | None = None, *, fleeting: bool = False) -> Iterator[Observer]:
    """An observer for as long as something is being read: bars where stderr is a terminal, else lines."""
    console = console or Console(file=sys.stderr)
    if not console.is_terminal:
        yield Lines()
        return
    said = TextColumn("{task.fields[said]}", markup=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), said, TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield Bars(progress, fleeting=fleeting)


def log_stream(console: Console) -> TextIO | None:
    """Where logs go while bars may be shown on this console; None for stderr itself."""
    return cast("TextIO", Above(console)) if console.is_terminal else None


@contextmanager
def counted(what: str, console: Console | None = None) -> Iterator[Told]:
    """Takes word of how far something is: a bar where stderr is a terminal, else a log line a minute."""
    console = console or Console(file=sys.stderr)
    if not console.is_terminal:
        yield _minutely(what)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)


def _minutely(what: str) -> Told:
    began = told = monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal told
        now = monotonic()
        if now - told >= LOG_EVERY:
            told = now
            left = (now - began) / max(1, done) * (total - done)
            _log.warning("%s: %d of %d, about %.0f s left", what, done, total, left)

    return tell
