"""`serve`: its log and progress on a terminal and elsewhere, its address, and its end."""

from __future__ import annotations

import json
import os
from pathlib import Path
from threading import Thread

import pytest

from exporter.web.server import bind
from tests.command_line import RunCli
from tests.waiting import LIMIT

pytestmark = pytest.mark.usefixtures("logging_as_before")


def test_a_port_in_use_gives_exit_code_1(run_cli: RunCli, company: Path, data: Path) -> None:
    with bind("127.0.0.1", 0) as taken:
        words = ["serve", "-c", company, "-d", data, "--listen", f"127.0.0.1:{taken.getsockname()[1]}"]
        plain, structured = run_cli(*words), run_cli(*words, "--log-format", "json")
    assert plain.code == structured.code == 1
    assert plain.err.startswith("error: cannot listen")
    (line,) = structured.err.splitlines()
    assert json.loads(line)["level"] == "critical"
    assert "cannot listen" in json.loads(line)["message"]


@pytest.mark.parametrize("address", ["0.0.0.0:0", ":9940", "example.com:80"])
def test_an_address_that_others_can_reach_needs_an_option(run_cli: RunCli, company: Path, address: str) -> None:
    done = run_cli("serve", "-c", company, "--listen", address)
    assert done.code == 2
    assert "--web-insecure" in done.err


def test_an_invalid_address_is_rejected(run_cli: RunCli, company: Path) -> None:
    done = run_cli("serve", "-c", company, "--listen", "9940")
    assert done.code == 2
    assert "HOST:PORT" in " ".join(done.err.split())


def test_serve_runs_until_it_is_interrupted(run_cli: RunCli, company: Path, data: Path) -> None:
    import signal
    import time
    from urllib.request import urlopen

    with bind("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    seen: list[bytes] = []

    def act() -> None:
        deadline = time.monotonic() + LIMIT
        while not seen and time.monotonic() < deadline:
            try:
                with urlopen(f"http://127.0.0.1:{port}/-/healthy", timeout=LIMIT) as answer:
                    seen.append(answer.read())
            except OSError:
                time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    Thread(target=act).start()
    done = run_cli("serve", "-c", company, "-d", data, "--listen", f"127.0.0.1:{port}", "--watch-config")
    assert (done.code, seen) == (0, [b"healthy\n"])
    assert f"serving http://127.0.0.1:{port}/metrics" in done.err
