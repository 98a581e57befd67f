"""Prometheus, Alertmanager and Grafana beside the demo, as far as they are installed: provisioned as the stack is."""

from __future__ import annotations

import logging
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread

from dashboards.deployment import Places
from dashboards.local.command_lines import (
    alertmanager_command,
    grafana_command,
    grafana_environment,
    prometheus_command,
)
from dashboards.stack import write_stack
from exporter.config.root import Config
from exporter.errors import ExporterError

PROGRAMS: Mapping[str, tuple[tuple[str, ...], int]] = {
    "Prometheus": (("prometheus",), 9090),
    "Alertmanager": (("alertmanager", "prometheus-alertmanager"), 9093),
    "Grafana": (("grafana", "grafana-server"), 3000),
}
"""Under which names each may be on PATH, and its usual port."""

GRACE = 10.0
"""Seconds a program has to end by itself."""

History = Callable[[Path, Event], bool]
"""Writes the past to a file, after the first load; False where the event ended the wait."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Children:
    """Programs that were started here, ended by their process ids and nothing else."""

    folder: Path
    ended: Event = field(default_factory=Event)
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def start(self, name: str, command: list[str], environment: Mapping[str, str] | None = None) -> None:
        """Runs a program with its output in a log file; not any more once they were told to end."""
        with self._lock, (self.folder / f"{name}.log").open("ab") as log:
            if not self.ended.is_set():
                self._running.append(
                    subprocess.Popen(  # noqa: S603 - our own arguments
                        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=self.folder
                    )
                )

    def finish(self, name: str, command: list[str]) -> bool:
        """Runs a program to its end; False where it failed or was told to end."""
        self.start(name, command)
        with self._lock:
            if self.ended.is_set():
                return False
            process = self._running[-1]
        return process.wait() == 0

    def end(self) -> None:
        """Ends all of them, by force where asking does not help."""
        with self._lock:
            self.ended.set()
        for process in self._running:
            process.terminate()
        for process in self._running:
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def begin(config: Config, exporter_url: str, directory: Path, history: History) -> Iterator[dict[str, str]]:
    """Starts what is installed, in the background, and gives what it is to its address; ends it at the end.

    Prometheus comes last: it opens its database once the past is in it.
    """
    found = {name: where for name, (names, _) in PROGRAMS.items() if (where := _on_path(names))}
    ports = {name: _free_port(port) for name, (_, port) in PROGRAMS.items()}
    folder = directory / "stack"
    folder.mkdir(parents=True, exist_ok=True)
    children = Children(folder)
    stack = _Stack(config, exporter_url, folder, found, ports, children, history)
    thread = Thread(target=stack.start, name="stack", daemon=True)
    thread.start()
    notes = {"Prometheus": " once the first load is done"}
    places = {name: f"http://127.0.0.1:{ports[name]}{notes.get(name, '')}" for name in found}
    missing = {name: f"not installed ({PROGRAMS[name][0][0]} is not on PATH)" for name in PROGRAMS if name not in found}
    try:
        yield places | missing
    finally:
        children.end()
        thread.join(GRACE)


@dataclass(frozen=True, slots=True)
class _Stack:
    config: Config
    exporter_url: str
    folder: Path
    programs: Mapping[str, str]
    ports: Mapping[str, int]
    children: Children
    history: History

    def start(self) -> None:
        """Everything in turn; what fails costs only itself and is logged."""
        try:
            write_stack(self._config_here(), self.folder / "generated", self._places())
            self._start_alertmanager()
            self._start_grafana()
            self._start_prometheus()
        except (ExporterError, OSError) as error:
            if not self.children.ended.is_set():
                _log.error("programs beside the exporter: %s", error)

    def _config_here(self) -> Config:
        """The config with the addresses that hold on this machine."""
        addresses = {
            "url": f"http://127.0.0.1:{self.ports['Grafana']}",
            "prometheus_url": f"http://127.0.0.1:{self.ports['Prometheus']}",
        }
        return self.config.model_copy(update={"dashboards": self.config.dashboards.model_copy(update=addresses)})

    def _places(self) -> Places:
        return Places(
            exporter=self.exporter_url.removeprefix("http://"),
            alertmanager=f"127.0.0.1:{self.ports['Alertmanager']}",
            prometheus=f"127.0.0.1:{self.ports['Prometheus']}",
            config_dir=str(self.config.base.resolve()),
            dashboards_dir=str((self.folder / "generated/grafana/dashboards").resolve()),
        )

    def _start_alertmanager(self) -> None:
        if program := self.programs.get("Alertmanager"):
            command = alertmanager_command(program, self.folder, self.ports["Alertmanager"])
            self.children.start("alertmanager", command)

    def _start_grafana(self) -> None:
        if program := self.programs.get("Grafana"):
            environment = grafana_environment(self.folder, self.ports["Grafana"])
            self.children.start("grafana", grafana_command(program), environment)

    def _start_prometheus(self) -> None:
        if program := self.programs.get("Prometheus"):
            self._load_history()
            self.children.start("prometheus", prometheus_command(program, self.folder, self.ports["Prometheus"]))

    def _load_history(self) -> None:
        """The past as blocks, once: later they would overlap with what Prometheus recorded itself."""
        database, file, loaded = (self.folder / name for name in ("prometheus", "history.om", "history-loaded"))
        promtool = shutil.which("promtool")
        if promtool is None or loaded.exists() or not self.history(file, self.children.ended):
            return
        blocks = [promtool, "tsdb", "create-blocks-from", "--max-block-duration=4374h", "openmetrics"]
        if self.children.finish("promtool", [*blocks, str(file), str(database)]):
            loaded.touch()
        with suppress(FileNotFoundError):
            file.unlink()


def _on_path(names: tuple[str, ...]) -> str | None:
    return next((found for name in names if (found := shutil.which(name))), None)


def _free_port(wished: int) -> int:
    """The usual port, or any free one where that is taken."""
    for port in (wished, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                free: int = probe.getsockname()[1]
                return free
    raise OSError("no port is free")
