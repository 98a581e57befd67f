"""What `serve` shows of its first load, with and without somebody watching."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import pytest

from exporter.commands.lines import Lines
from exporter.commands.progress import Bars
from exporter.commands.serve import _watched
from exporter.web.server import bind
from tests.command_line import Typed

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


def test_a_taken_port_ends_with_1(typed: Typed, company: Path, data: Path) -> None:
    with bind("127.0.0.1", 0) as taken:
        words = ["serve", "-c", company, "-d", data, "--listen", f"127.0.0.1:{taken.getsockname()[1]}"]
        plain, structured = typed(*words), typed(*words, "--log-format", "json")
    assert plain.code == structured.code == 1
    assert plain.err.startswith("error: cannot listen")
    (line,) = structured.err.splitlines()
    assert json.loads(line)["level"] == "critical"
    assert "cannot listen" in json.loads(line)["message"]


@pytest.mark.parametrize("address", ["0.0.0.0:0", ":9940", "example.com:80"])
def test_an_address_others_can_reach_must_be_wanted(typed: Typed, company: Path, address: str) -> None:
    done = typed("serve", "-c", company, "--listen", address)
    assert done.code == 2
    assert "--web-insecure" in done.err


def test_an_address_that_is_none_is_refused(typed: Typed, company: Path) -> None:
    done = typed("serve", "-c", company, "--listen", "9940")
    assert done.code == 2
    assert "HOST:PORT" in " ".join(done.err.split())


def test_serve_serves_until_it_is_told_to_stop(typed: Typed, company: Path, data: Path) -> None:
    import signal
    import time
    from urllib.request import urlopen

    with bind("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    seen: list[bytes] = []

    def act() -> None:
        deadline = time.monotonic() + 30
        while not seen and time.monotonic() < deadline:
            try:
                with urlopen(f"http://127.0.0.1:{port}/-/healthy", timeout=5) as answer:
                    seen.append(answer.read())
            except OSError:
                time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    Thread(target=act).start()
    done = typed("serve", "-c", company, "-d", data, "--listen", f"127.0.0.1:{port}", "--watch-config")
    assert (done.code, seen) == (0, [b"healthy\n"])
    assert f"serving http://127.0.0.1:{port}/metrics" in done.err
