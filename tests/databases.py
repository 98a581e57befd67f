"""Real database servers for tests: each on a free loopback port, in a folder of its own, ended with the test run."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.programs import program

_READY = ("ready to accept connections", "ready for connections")
"""What PostgreSQL and MariaDB log once they are: they listen before."""


@contextmanager
def postgresql() -> Iterator[int]:
    """A PostgreSQL with the superuser `owner` (no password from loopback); gives its port."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    initdb = program("initdb", *(str(folder / "initdb") for folder in binaries))
    server = initdb.with_name("postgres")
    with _folder("postgres") as (folder, user):
        made = [initdb, "-D", folder / "data", "-U", "owner", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(made, check=True, capture_output=True, user=user, cwd=folder)
        port = _free_port()
        settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder, "fsync": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with _running([server, "-D", folder / "data", *options], port, user, folder):
            yield port


@contextmanager
def mariadb() -> Iterator[tuple[int, Path]]:
    """A MariaDB whose user `root` comes in by the socket; gives its port and socket."""
    install, server = program("mariadb-install-db"), program("mariadbd", "/usr/sbin/mariadbd")
    with _folder("mysql") as (folder, user):
        data, sock = f"--datadir={folder / 'data'}", folder / "sock"
        made = [install, "--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(made, check=True, capture_output=True, user=user, cwd=folder)
        port = _free_port()
        places = [f"--port={port}", f"--socket={sock}", f"--pid-file={folder / 'pid'}"]
        command = [server, "--no-defaults", data, *places, "--bind-address=127.0.0.1", "--skip-name-resolve"]
        with _running(command, port, user, folder):
            yield port, sock


@contextmanager
def _folder(user: str) -> Iterator[tuple[Path, str | None]]:
    """Servers refuse to run as root: the folder then belongs to their own user."""
    owner = user if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="kpi-", dir="/tmp"))
    try:
        if owner is not None:
            entry = pwd.getpwnam(owner)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        yield folder, owner
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(command: list[object], port: int, user: str | None, folder: Path) -> Iterator[None]:
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, user=user, cwd=folder) as process,
    ):
        try:
            _wait(port, process, folder / "log")
            yield
        finally:
            process.terminate()


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"the database ended at once: {log.read_text(encoding='utf-8')[-500:]}")
        said = log.read_text(encoding="utf-8", errors="replace")
        if any(words in said for words in _READY) and _listens(port):
            return
        time.sleep(0.1)
    raise RuntimeError(f"the database was not ready within 30 s: {said[-500:]}")


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
