"""Progress as bars on a terminal, and as log lines elsewhere."""

from __future__ import annotations

import io
import logging
import sys

import pytest
from rich.console import Console

from exporter.commands.progress import ProgressBars, ProgressLogger, log_stream, sync_progress, terminal
from exporter.errors import Reason
from exporter.sync.observer import PassReport, Progress


def progress(records: int, seconds: float, total: int | None = 1000) -> Progress:
    return Progress("crm", "deals", True, records // 100, records, seconds, total)


def test_without_a_terminal_a_long_pass_is_logged_every_minute(caplog: pytest.LogCaptureFixture) -> None:
    console = Console(file=io.StringIO())
    with caplog.at_level(logging.WARNING, "exporter"), sync_progress(console) as observer:
        assert isinstance(observer, ProgressLogger)
        for seconds in (5, 59, 61, 100, 122):
            observer.progressed(progress(int(seconds) * 2, seconds))
        observer.finished(PassReport("crm", "deals", True, success=True))
        observer.progressed(progress(10, 5, None))
        observer.progressed(progress(200, 65, None))
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [
        "reading deals of crm: 122 records in 1 pages, 2 per second, about 439 s left",
        "reading deals of crm: 244 records in 2 pages, 2 per second, about 378 s left",
        "reading deals of crm: 200 records in 2 pages, 3 per second",
    ]


def test_on_a_terminal_every_entity_has_a_bar() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with sync_progress(console) as observer:
        assert isinstance(observer, ProgressBars)
        observer.progressed(progress(300, 2))
        observer.progressed(progress(600, 4))
        observer.finished(PassReport("crm", "deals", True, success=True, records=1000, seconds=6.5))
        observer.finished(PassReport("crm", "leads", True, reason=Reason.TIMEOUT, message="no answer"))
        observer.finished(PassReport("hr", "people", False, success=True))
        tasks = [(task.description, task.fields["message"], task.total) for task in observer._progress.tasks]
    assert tasks == [
        ("crm deals", "1,000 records in 6.5 s", 1000),
        ("crm leads", "failed: no answer", None),
    ]


def test_transient_bars_show_full_passes_only_and_disappear_at_their_end() -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=120)
    with sync_progress(console, transient=True) as observer:
        assert isinstance(observer, ProgressBars)
        observer.progressed(Progress("crm", "deals", False, 1, 10, 0.1))
        observer.finished(PassReport("crm", "deals", False, success=True, records=10))
        assert observer._progress.tasks == []
        observer.progressed(progress(300, 2))
        observer.finished(PassReport("crm", "deals", True, success=True, records=1000, seconds=6.5))
        assert observer._progress.tasks == []
    assert "crm deals: 1,000 records in 6.5 s" in written.getvalue()


def test_log_lines_are_printed_above_the_bars_of_a_terminal() -> None:
    written = io.StringIO()
    stream = log_stream(Console(file=written, force_terminal=True))
    assert stream is not None
    stream.write("a [bold] line\n")
    stream.flush()
    assert written.getvalue() == "a [bold] line\n"
    assert log_stream(Console(file=io.StringIO())) is None


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def test_only_a_terminal_has_a_console(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", stream)
    console = terminal()
    with sync_progress(console) as observer:
        assert isinstance(observer, ProgressBars)
        log = log_stream(console)
        assert log is not None
        log.write("a line\n")
    assert "a line" in stream.getvalue()
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert terminal() is None
    assert log_stream(None) is None
    with sync_progress() as observer:
        assert isinstance(observer, ProgressLogger)
