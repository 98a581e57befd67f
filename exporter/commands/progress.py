"""Shows how far a long task is: bars on a terminal, otherwise a log line per minute.

rich is imported only for a terminal: it takes 0.1 s of the one second in which a server has to start.
"""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, TextIO, cast

from exporter.commands.terminal import PlainConsole
from exporter.sync.observer import Observer, PassReport, Progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

LOG_INTERVAL = 60.0
"""Seconds between two log lines about the same task."""

ProgressCallback = Callable[[int, int], None]
"""Called with (completed, total)."""

_log = logging.getLogger(__name__)


class ProgressLogger(Observer):
    """Logs a long pass once per minute."""

    def __init__(self) -> None:
        self._logged_at: dict[tuple[str, str], float] = {}

    def progressed(self, progress: Progress) -> None:
        """A page was read."""
        key = progress.source, progress.entity
        if progress.seconds - self._logged_at.get(key, 0.0) < LOG_INTERVAL:
            return
        self._logged_at[key] = progress.seconds
        remaining = "" if progress.remaining is None else f", about {progress.remaining:.0f} s left"
        _log.warning(
            "reading %s of %s: %d records in %d pages, %.0f per second%s",
            progress.entity, progress.source, progress.records, progress.pages, progress.rate, remaining,
        )  # fmt: skip

    def finished(self, report: PassReport) -> None:
        """A pass ended."""
        self._logged_at.pop((report.source, report.entity), None)


class ProgressBars(Observer):
    """A bar per entity that is being read. Transient bars show full passes only, and disappear at their end."""

    def __init__(self, progress: RichProgress, *, transient: bool = False) -> None:
        self._progress = progress
        self._transient = transient
        self._bars: dict[tuple[str, str], TaskID] = {}
        self._lock = Lock()

    def progressed(self, progress: Progress) -> None:
        """A page was read."""
        if self._transient and not progress.full:
            return
        message = f"{progress.records:,} records, {progress.pages:,} pages, {progress.rate:,.0f}/s"
        bar = self._bar(progress.source, progress.entity)
        self._progress.update(bar, completed=progress.records, total=progress.total, message=message)

    def finished(self, report: PassReport) -> None:
        """A pass ended."""
        has_bar = (report.source, report.entity) in self._bars
        if not has_bar and (self._transient or (report.success and not report.records)):
            return
        message = f"failed: {report.message}"
        if report.success:
            message = f"{report.records:,} records in {report.seconds:.1f} s"
        bar = self._bar(report.source, report.entity)
        if self._transient:
            del self._bars[report.source, report.entity]
            self._progress.remove_task(bar)
            line = f"  {report.source} {report.entity}: {message}"
            self._progress.console.print(line, markup=False, highlight=False)
            return
        total = report.records if report.success else None
        self._progress.update(bar, completed=report.records, total=total, message=message)
        self._progress.stop_task(bar)

    def _bar(self, source: str, entity: str) -> TaskID:
        with self._lock:
            key = source, entity
            if key not in self._bars:
                self._bars[key] = self._progress.add_task(f"{source} {entity}", total=None, message="")
            return self._bars[key]


class _ConsoleStream(io.TextIOBase):
    """A stream that prints log lines above the bars of a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, text: str) -> int:
        """Prints one or more whole lines."""
        self._console.print(text.rstrip("\n"), markup=False, highlight=False, soft_wrap=True)
        return len(text)


def terminal() -> Console | None:
    """The console of stderr if it is a terminal."""
    if not sys.stderr.isatty():
        return None

    return PlainConsole(file=sys.stderr)


def log_stream(console: Console | None) -> TextIO | None:
    """The stream for the log while bars may be on this console; None stands for stderr."""
    return cast("TextIO", _ConsoleStream(console)) if console is not None and console.is_terminal else None


@contextmanager
def sync_progress(console: Console | None = None, *, transient: bool = False) -> Iterator[Observer]:
    """An observer that shows the progress of passes, on stderr by default."""
    console = console or terminal()
    if console is None or not console.is_terminal:
        yield ProgressLogger()
        return
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    message = TextColumn("{task.fields[message]}", markup=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), message, TimeRemainingColumn())
    with RichProgress(*columns, console=console, transient=True) as progress:
        yield ProgressBars(progress, transient=transient)


@contextmanager
def step_progress(task: str, console: Console | None = None) -> Iterator[ProgressCallback]:
    """A callback that shows the progress of a task, on stderr by default."""
    console = console or terminal()
    if console is None or not console.is_terminal:
        yield _log_steps(task)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with RichProgress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(task, total=None)
        yield lambda completed, total: progress.update(bar, completed=completed, total=total)


def _log_steps(task: str) -> ProgressCallback:
    started_at = logged_at = monotonic()

    def log(completed: int, total: int) -> None:
        nonlocal logged_at
        now = monotonic()
        if now - logged_at >= LOG_INTERVAL:
            logged_at = now
            remaining = (now - started_at) / max(1, completed) * (total - completed)
            _log.warning("%s: %d of %d, about %.0f s left", task, completed, total, remaining)

    return log
