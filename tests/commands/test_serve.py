"""What `serve` shows of its first load, with and without somebody watching."""

from __future__ import annotations

import io
import logging
import sys
from contextlib import ExitStack

import pytest

from exporter.commands.lines import Lines
from exporter.commands.progress import Bars
from exporter.commands.serve import _watched

pytestmark = pytest.mark.usefixtures("logging_as_before")


class Terminal(io.StringIO):
    """Somebody is watching."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_bars_with_the_log_above_them(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with ExitStack() as stack:
        logs, observer = _watched(stack, "text", "info")
        assert isinstance(observer, Bars)
        logging.getLogger("exporter.x").info("a line")
        logs.outlet.close()
    assert "a line" in terminal.getvalue()


def test_anything_else_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with ExitStack() as stack:
        logs, observer = _watched(stack, "json", "info")
        assert isinstance(observer, Lines)
        logs.outlet.close()
