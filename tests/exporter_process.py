"""The installed exporter as a process of its own, seen through its web surface."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.processes import started
from tests.waiting import LIMIT, until
from tests.web.live_server import get

COMMAND = Path(sys.executable).with_name("kpi-exporter")
_EVALUATED = "kpi_exporter_evaluation_timestamp_seconds"


@dataclass
class Exporter:
    """A running exporter process."""

    process: subprocess.Popen[bytes]
    port: int
    tls: ssl.SSLContext | None = None
    headers: tuple[str, ...] = ()

    def metrics(self) -> str:
        return get(self.port, "/metrics", *self.headers, tls=self.tls)[2].decode()

    def value(self, series: str) -> float | None:
        lines = [line for line in self.metrics().splitlines() if line.startswith(f"{series} ")]
        return float(lines[0].rpartition(" ")[2]) if lines else None

    def answers(self) -> bool:
        try:
            return get(self.port, "/-/healthy", *self.headers, tls=self.tls)[0] == 200
        except OSError:
            return False

    def end(self, signal_: signal.Signals = signal.SIGTERM) -> tuple[int, bytes]:
        """Sends the signal and waits; returns the exit code and everything that was logged."""
        self.process.send_signal(signal_)
        _, log = self.process.communicate(timeout=LIMIT)
        return self.process.returncode, log


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def exporting(
    config: Path,
    data: Path,
    *options: str,
    log: int = subprocess.PIPE,
    environ: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
    headers: tuple[str, ...] = (),
) -> Iterator[Exporter]:
    """Serves the config on a free port until the block ends. The test connects with `tls` and sends `headers`."""
    port = free_port()
    command = [COMMAND, "serve", "--config", config, "--data-dir", data]
    with started(
        [*command, "--listen", f"127.0.0.1:{port}", "--log-format", "json", *options],
        stderr=log,
        env={**os.environ, **(environ or {})},
    ) as process:
        exporter = Exporter(process, port, tls, headers)
        until(lambda: exporter.answers() or process.poll() is not None)
        assert process.poll() is None, process.stderr and process.stderr.read().decode()
        yield exporter


def evaluations_pass(exporter: Exporter, count: int) -> None:
    """Waits for that many evaluations, after each of which the ledger is kept."""
    for _ in range(count):
        last = exporter.value(_EVALUATED)
        until(lambda last=last: exporter.value(_EVALUATED) != last)
