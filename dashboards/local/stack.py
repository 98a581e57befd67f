"""Starts and stops Prometheus, Alertmanager and Grafana beside the demo, as far as they are installed."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread

from dashboards.generate import write_stack
from dashboards.site import Deployment
from exporter.config.root import Config
from exporter.errors import ExporterError

PROGRAMS: Mapping[str, tuple[tuple[str, ...], int]] = {
    "Prometheus": (("prometheus",), 9090),
    "Alertmanager": (("alertmanager", "prometheus-alertmanager"), 9093),
    "Grafana": (("grafana", "grafana-server"), 3000),
}
"""The names that each program may have on PATH, and its default port."""

GRACE_SECONDS = 10.0
"""How long a program may take to terminate."""

HistoryCallback = Callable[[Path, Event], bool]
"""Writes the KPI history to a file once the first load is complete; False if the event ended the wait."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Children:
    """Programs started here. They are stopped by their process ids."""

    folder: Path
    stopped: Event = field(default_factory=Event)
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def start(self, name: str, command: list[str], environment: Mapping[str, str] | None = None) -> None:
        """Starts a program that logs to a file; does nothing after `stop`."""
        with self._lock, (self.folder / f"{name}.log").open("ab") as log:
            if not self.stopped.is_set():
                self._processes.append(
                    subprocess.Popen(  # noqa: S603 - our own arguments
                        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=self.folder
                    )
                )

    def run(self, name: str, command: list[str]) -> bool:
        """Runs a program until it exits; False if it failed or was stopped."""
        self.start(name, command)
        with self._lock:
            if self.stopped.is_set():
                return False
            process = self._processes[-1]
        return process.wait() == 0

    def stop(self) -> None:
        """Terminates all programs, and kills those that do not exit in time."""
        with self._lock:
            self.stopped.set()
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def begin(config: Config, exporter_url: str, directory: Path, history: HistoryCallback) -> Iterator[dict[str, str]]:
    """Starts the installed programs in the background, yields each program's address, and stops them on exit.

    Instead of an address, a program that is not installed has a message. Prometheus starts last, because its database
    has to contain the history before it opens it.
    """
    paths = {name: filter(None, map(shutil.which, names)) for name, (names, _) in PROGRAMS.items()}
    installed = {name: path for name, candidates in paths.items() if (path := next(candidates, None))}
    ports = {name: _free_port(port) for name, (_, port) in PROGRAMS.items()}
    folder = directory / "stack"
    folder.mkdir(parents=True, exist_ok=True)
    children = Children(folder)
    stack = _Stack(config, exporter_url, folder, installed, ports, children, history)
    thread = Thread(target=stack.start, name="stack", daemon=True)
    thread.start()
    notes = {"Prometheus": " once the first load is done"}
    addresses = {name: f"http://127.0.0.1:{ports[name]}{notes.get(name, '')}" for name in installed}
    missing = {
        name: f"not installed ({names[0]} is not on PATH)"
        for name, (names, _) in PROGRAMS.items()
        if name not in installed
    }
    try:
        yield addresses | missing
    finally:
        children.stop()
        thread.join(GRACE_SECONDS)


@dataclass(frozen=True, slots=True)
class _Stack:
    config: Config
    exporter_url: str
    folder: Path
    programs: Mapping[str, str]
    ports: Mapping[str, int]
    children: Children
    history: HistoryCallback

    def start(self) -> None:
        """Generates the files and starts the programs. Logs errors, which the exporter survives."""
        try:
            self._generate()
            if program := self.programs.get("Alertmanager"):
                command = alertmanager_command(program, self.folder, self.ports["Alertmanager"])
                self.children.start("alertmanager", command)
            if program := self.programs.get("Grafana"):
                # Grafana makes its own folder, but logs an error if there is none for plugins.
                (grafana_data(self.folder) / "plugins").mkdir(parents=True, exist_ok=True)
                environment = grafana_environment(self.folder, self.ports["Grafana"])
                self.children.start("grafana", grafana_command(program), environment)
            if program := self.programs.get("Prometheus"):
                self._load_history()
                command = prometheus_command(program, self.folder, self.ports["Prometheus"])
                self.children.start("prometheus", command)
        except (ExporterError, OSError) as error:
            if not self.children.stopped.is_set():
                _log.error("cannot run the programs beside the exporter: %s", error)

    def _generate(self) -> None:
        """Generates files with the addresses on this machine."""
        addresses = {
            "url": f"http://127.0.0.1:{self.ports['Grafana']}",
            "prometheus_url": f"http://127.0.0.1:{self.ports['Prometheus']}",
        }
        config = self.config.model_copy(update={"dashboards": self.config.dashboards.model_copy(update=addresses)})
        deployment = Deployment(
            exporter=self.exporter_url.removeprefix("http://"),
            alertmanager=f"127.0.0.1:{self.ports['Alertmanager']}",
            prometheus=f"127.0.0.1:{self.ports['Prometheus']}",
            config_dir=str(self.config.base.resolve()),
            dashboards_dir=str((self.folder / "generated/grafana/dashboards").resolve()),
        )
        write_stack(config, self.folder / "generated", deployment)

    def _load_history(self) -> None:
        """Creates blocks from the history, once: later they would overlap with what Prometheus recorded itself."""
        database, file, loaded = (self.folder / name for name in ("prometheus", "history.om", "history-loaded"))
        promtool = shutil.which("promtool")
        if promtool is None or loaded.exists() or not self.history(file, self.children.stopped):
            return
        command = [promtool, "tsdb", "create-blocks-from", "--max-block-duration=4374h", "openmetrics"]
        if self.children.run("promtool", [*command, str(file), str(database)]):
            loaded.touch()
        with suppress(FileNotFoundError):
            file.unlink()


def _free_port(preferred: int) -> int:
    """The preferred port, or any free port if it is in use."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                free: int = probe.getsockname()[1]
                return free
    raise OSError("no port is free")


def prometheus_command(program: str, folder: Path, port: int) -> list[str]:
    """Prometheus with the generated config, and its database in the folder."""
    generated = folder / "generated/prometheus"
    return [
        program,
        f"--config.file={generated / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
        *(generated / "flags").read_text().split(),
    ]


def alertmanager_command(program: str, folder: Path, port: int) -> list[str]:
    """Alertmanager without a cluster."""
    return [
        program,
        f"--config.file={folder / 'generated/alertmanager/alertmanager.yml'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]


def grafana_command(program: str) -> list[str]:
    """Grafana with the home path of its installation."""
    candidates = (Path(program).resolve().parent.parent, Path("/usr/share/grafana"))
    home = next((path for path in candidates if (path / "conf/defaults.ini").is_file()), None)
    server = [program, "server"] if Path(program).name == "grafana" else [program]
    return [*server, *(["--homepath", str(home)] if home else [])]


def grafana_data(folder: Path) -> Path:
    """Grafana's own folder."""
    return folder / "grafana"


def grafana_environment(folder: Path, port: int) -> dict[str, str]:
    """Anonymous viewers on this machine; a random administrator's password that is not shown.

    Grafana contacts no other host: it fetches no plugins, pictures or news, and looks for no updates.
    """
    data, generated = grafana_data(folder).resolve(), (folder / "generated/grafana").resolve()
    return {
        **os.environ,
        "GF_PATHS_DATA": str(data),
        "GF_PATHS_LOGS": str(data / "log"),
        "GF_PATHS_PLUGINS": str(data / "plugins"),
        "GF_PATHS_PROVISIONING": str(generated / "provisioning"),
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(generated / "dashboards/kpi/overview.json"),
        "GF_SERVER_HTTP_ADDR": "127.0.0.1",
        "GF_SERVER_HTTP_PORT": str(port),
        "GF_SECURITY_ADMIN_PASSWORD": secrets.token_urlsafe(24),
        "GF_AUTH_ANONYMOUS_ENABLED": "true",
        "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
        "GF_NEWS_NEWS_FEED_ENABLED": "false",
        "GF_PLUGINS_PLUGIN_ADMIN_ENABLED": "false",
        "GF_PLUGINS_PREINSTALL_DISABLED": "true",
        "GF_SECURITY_DISABLE_GRAVATAR": "true",
        "GF_SNAPSHOTS_EXTERNAL_ENABLED": "false",
    }
