"""How far a first load is, for eyes and for logs."""

from __future__ import annotations

import io
import logging

import pytest
from rich.console import Console

from exporter.commands.lines import Lines
from exporter.commands.progress import Bars, log_stream, shown
from exporter.errors import Reason
from exporter.sync.observer import PassReport, Progress


def done(records: int, seconds: float, total: int | None = 1000) -> Progress:
    return Progress("crm", "deals", True, records // 100, records, seconds, total)


def test_without_a_terminal_a_line_a_minute_tells_of_a_long_pass(caplog: pytest.LogCaptureFixture) -> None:
    console = Console(file=io.StringIO())
    with caplog.at_level(logging.WARNING, "exporter"), shown(console) as observer:
        assert isinstance(observer, Lines)
        for seconds in (5, 59, 61, 100, 122):
            observer.progressed(done(int(seconds) * 2, seconds))
        observer.finished(PassReport("crm", "deals", True, success=True))
        observer.progressed(done(10, 5, None))
        observer.progressed(done(200, 65, None))
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [
        "reading deals of crm: 122 records in 1 pages, 2 a second, about 439 s left",
        "reading deals of crm: 244 records in 2 pages, 2 a second, about 378 s left",
        "reading deals of crm: 200 records in 2 pages, 3 a second",
    ]


def test_on_a_terminal_every_entity_has_a_bar() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with shown(console) as observer:
        assert isinstance(observer, Bars)
        observer.progressed(done(300, 2))
        observer.progressed(done(600, 4))
        observer.finished(PassReport("crm", "deals", True, success=True, records=1000, seconds=6.5))
        observer.finished(PassReport("crm", "leads", True, reason=Reason.TIMEOUT, message="no answer"))
        observer.finished(PassReport("hr", "people", False, success=True))
        told = [(task.description, task.fields["said"], task.total) for task in observer._progress.tasks]
    assert told == [
        ("crm deals", "1,000 records in 6.5 s", 1000),
        ("crm leads", "failed: no answer", None),
    ]


def test_beside_a_server_bars_tell_of_full_passes_only_and_go_when_they_are_done() -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=120)
    with shown(console, fleeting=True) as observer:
        assert isinstance(observer, Bars)
        observer.progressed(Progress("crm", "deals", False, 1, 10, 0.1))
        observer.finished(PassReport("crm", "deals", False, success=True, records=10))
        assert observer._progress.tasks == []
        observer.progressed(done(300, 2))
        observer.finished(PassReport("crm", "deals", True, success=True, records=1000, seconds=6.5))
        assert observer._progress.tasks == []
    assert "crm deals: 1,000 records in 6.5 s" in written.getvalue()


def test_log_lines_stand_above_the_bars_of_a_terminal() -> None:
    written = io.StringIO()
    stream = log_stream(Console(file=written, force_terminal=True))
    assert stream is not None
    stream.write("a [bold] line\n")
    stream.flush()
    assert written.getvalue() == "a [bold] line\n"
    assert log_stream(Console(file=io.StringIO())) is None
