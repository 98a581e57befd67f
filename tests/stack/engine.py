"""A Docker engine for the tests: the running one, or a temporary one that leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
OWN_NEEDS = ("dockerd", "iptables-save", "iptables-restore", "ip")
DRIVERS = ("overlay2", "vfs")
STARTS_WITHIN = 60.0
ENDS_WITHIN = 60.0


class NoEngineError(Exception):
    """Why there is no Docker engine to be had."""


@dataclass(frozen=True)
class Engine:
    """A Docker engine, by its address; `own` where it is the tests' alone."""

    host: str | None = None
    temporary: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def run(
        self,
        *arguments: object,
        cwd: Path | None = None,
        timeout: float = 120,
        check: bool = True,
        stdin: IO[bytes] | int | None = subprocess.DEVNULL,
    ) -> subprocess.CompletedProcess[str]:
        """Runs a program against this engine; where it fails, all it said is in the failure."""
        command = [str(argument) for argument in arguments]
        environment = {**self.environment, **({"DOCKER_HOST": self.host} if self.host else {})}
        process = subprocess.run(
            command, cwd=cwd, timeout=timeout, env=environment, stdin=stdin, capture_output=True, text=True
        )
        assert not check or process.returncode == 0, (
            f"{' '.join(command)}\n{process.stdout[-3000:]}\n{process.stderr[-3000:]}"
        )
        return process

    def docker(self, *arguments: object, **how: Any) -> str:
        """What `docker` says."""
        return self.run("docker", *arguments, **how).stdout.strip()

    def inspect(self, *names: str) -> list[dict[str, Any]]:
        """What the engine knows of containers, images or volumes."""
        result: list[dict[str, Any]] = json.loads(self.docker("inspect", *names))
        return result

    def answers(self) -> bool:
        """Whether it is there."""
        return self.run("docker", "info", check=False, timeout=30).returncode == 0

    def has(self, image: str) -> bool:
        """Whether the image is here or can be had."""
        here = self.run("docker", "image", "inspect", image, check=False).returncode == 0
        return here or self.run("docker", "pull", "--quiet", image, check=False, timeout=600).returncode == 0


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """The engine that runs here; else one in the folder, ended by its process id. Raises NoEngineError."""
    if shutil.which("docker") is None:
        raise NoEngineError("docker is not on PATH")
    if (result := Engine()).answers():
        yield result
        return
    if os.geteuid() != 0 or not all(map(shutil.which, OWN_NEEDS)):
        raise NoEngineError(f"none answers, and one of our own needs root, {', '.join(OWN_NEEDS)}")
    reasons = []
    for driver in DRIVERS:
        try:
            with _network_as_before(), _daemon(folder / driver, driver) as temporary:
                yield temporary
                return
        except NoEngineError as error:
            reasons.append(f"{driver}: {error}")
    raise NoEngineError("; ".join(reasons))


@contextmanager
def _daemon(folder: Path, driver: str) -> Iterator[Engine]:
    folder.mkdir(parents=True)
    temporary = Engine(f"unix://{folder / 'socket'}", temporary=True)
    directories = (f"--data-root={folder / 'data'}", f"--exec-root={folder / 'exec'}", f"--pidfile={folder / 'pid'}")
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                "dockerd",
                f"--storage-driver={driver}",
                *directories,
                f"--host={temporary.host}",
                f"--group={os.getegid()}",
            ],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
        )
    try:
        until = time.monotonic() + STARTS_WITHIN
        while not temporary.answers():
            if process.poll() is not None or time.monotonic() > until:
                raise NoEngineError(log.read_text(errors="replace").strip().rpartition("\n")[2])
            time.sleep(0.5)
        yield temporary
    finally:
        process.terminate()
        try:
            process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder)


@contextmanager
def _network_as_before() -> Iterator[None]:
    """An engine leaves its bridge, its packet filter's chains and forwarding behind: puts back what was before."""
    saved, forwards = subprocess.run(["iptables-save"], capture_output=True, check=True).stdout, FORWARDING.read_text()
    bridge = Path("/sys/class/net/docker0")
    had_bridge = bridge.exists()
    try:
        yield
    finally:
        subprocess.run(["iptables-restore"], input=EMPTY + saved, check=True)
        FORWARDING.write_text(forwards)
        if bridge.exists() and not had_bridge:
            subprocess.run(["ip", "link", "delete", "docker0"], check=True)


EMPTY = b"".join(
    b"*%s\n%s\nCOMMIT\n" % (table, b"\n".join(b":%s ACCEPT [0:0]" % chain for chain in chains))
    for table, chains in (
        (b"filter", (b"INPUT", b"FORWARD", b"OUTPUT")),
        (b"nat", (b"PREROUTING", b"INPUT", b"OUTPUT", b"POSTROUTING")),
    )
)
"""The packet filter of a machine that never had a rule: of a table without rules `iptables-save` says nothing."""
