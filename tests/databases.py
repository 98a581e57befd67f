"""Real database servers for tests, each on a free loopback port and in its own temporary folder.

A server ends with its context.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg

from tests.programs import program
from tests.waiting import LIMIT


@contextmanager
def postgresql(chain: Path | None = None) -> Iterator[int]:
    """Runs PostgreSQL with the superuser `owner`, who needs no password on loopback; yields the port.

    `chain` is a file with a key and its certificate; the server then also accepts TLS.
    """
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    initdb = program("initdb", *(str(folder / "initdb") for folder in binaries))
    server = initdb.with_name("postgres")
    with _folder("postgres") as (folder, user):
        create = [initdb, "-D", folder / "data", "-U", "owner", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(create, check=True, capture_output=True, user=user, cwd=folder)
        port = _free_port()
        settings: dict[str, object] = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": folder,
            "fsync": "off",
        }
        if chain is not None:
            certificate = str(_readable_copy(chain, folder, user))
            settings |= {"ssl": "on", "ssl_cert_file": certificate, "ssl_key_file": certificate}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with _running([server, "-D", folder / "data", *options], port, user, folder, _accepts_clients):
            yield port


@contextmanager
def mariadb(chain: Path | None = None) -> Iterator[tuple[int, Path]]:
    """Runs MariaDB, whose user `root` connects by the socket; yields the port and the socket. `chain` as above."""
    install, server = program("mariadb-install-db"), program("mariadbd", "/usr/sbin/mariadbd")
    with _folder("mysql") as (folder, user):
        data, sock = f"--datadir={folder / 'data'}", folder / "sock"
        create = [install, "--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(create, check=True, capture_output=True, user=user, cwd=folder)
        port = _free_port()
        addresses = [f"--port={port}", f"--socket={sock}", f"--pid-file={folder / 'pid'}"]
        certificate = _readable_copy(chain, folder, user) if chain is not None else None
        encrypted = [f"--ssl-cert={certificate}", f"--ssl-key={certificate}"] if certificate is not None else []
        command = [
            server,
            "--no-defaults",
            data,
            *addresses,
            *encrypted,
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
        ]
        with _running(command, port, user, folder):
            yield port, sock


@contextmanager
def _folder(user: str) -> Iterator[tuple[Path, str | None]]:
    """A temporary folder and the user who owns it. Servers refuse to run as root, so root hands it to `user`."""
    owner = user if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="kpi-", dir="/tmp"))
    try:
        if owner is not None:
            entry = pwd.getpwnam(owner)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        yield folder, owner
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _readable_copy(chain: Path, folder: Path, user: str | None) -> Path:
    """A copy that only the server's user can read."""
    copy = folder / "chain.pem"
    shutil.copyfile(chain, copy)
    copy.chmod(0o600)
    if user is not None:
        shutil.chown(copy, user)
    return copy


def _listens(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), 1).close()


def _accepts_clients(port: int) -> None:
    """Logs in, because PostgreSQL listens before it accepts clients."""
    psycopg.connect(host="127.0.0.1", port=port, user="owner", dbname="postgres", connect_timeout=1).close()


@contextmanager
def _running(
    command: list[object], port: int, user: str | None, folder: Path, ready: Callable[[int], None] = _listens
) -> Iterator[None]:
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, user=user, cwd=folder) as process,
    ):
        try:
            _wait(partial(ready, port), process, folder / "log")
            yield
        finally:
            process.terminate()


def _wait(ready: Callable[[], None], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the database exited at once: {log.read_text(encoding='utf-8')[-500:]}")
        try:
            ready()
        except (OSError, psycopg.OperationalError):
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the database never accepted clients")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
