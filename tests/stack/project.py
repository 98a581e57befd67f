"""A copy of the project, started as users start it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.stack.engine import Engine
from tests.waiting import until

ROOT = Path(__file__).parents[2]
PARTS = (
    "docker-compose.yml",
    "Makefile",
    ".dockerignore",
    "pyproject.toml",
    "requirements.lock",
    "requirements-build.lock",
    "README.md",
    "LICENSE",
)
FOLDERS = ("exporter", "dashboards", "config")
UP_WITHIN = 1200.0

FETCH = (
    "import sys, urllib.request as r; "
    "sys.stdout.buffer.write(r.urlopen(r.Request(sys.argv[1], method=sys.argv[2]), timeout=20).read())"
)


@dataclass
class Project:
    """A folder with the compose file in it, and the name under which the engine keeps what belongs to it."""

    engine: Engine
    folder: Path
    name: str
    compose_command: tuple[str, ...]
    profiles: tuple[str, ...] = ()
    unavailable: frozenset[str] = field(default_factory=frozenset)

    def compose(self, *arguments: object, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Runs `docker compose` in the folder."""
        profiles = [argument for profile in self.profiles for argument in ("--profile", profile)]
        command = (*self.compose_command, "--project-name", self.name, *profiles)
        return self.engine.run(*command, *arguments, cwd=self.folder, timeout=timeout)

    @property
    def services(self) -> list[str]:
        """The services of the chosen profiles, but for those whose images are not to be had."""
        # `config --services` of the first generation of compose names those of every profile
        names = (name for name, service in services().items() if {*service.get("profiles", ())} <= {*self.profiles})
        return [name for name in names if name not in self.unavailable]

    def up(self, *services: str) -> None:
        """`docker compose up -d`."""
        self.compose("up", "-d", *(services or self.services), timeout=UP_WITHIN)

    def container(self, service: str) -> dict[str, Any]:
        """What the engine knows of a service's container."""
        (result,) = self.engine.inspect(*self.containers("ps", f"--filter=label=com.docker.compose.service={service}"))
        return result

    def containers(self, *options: str) -> list[str]:
        """What the engine holds of this project: containers (`ps`), `volume ls`, `network ls`."""
        every = ("--all",) if options[0] == "ps" else ()
        mine = f"--filter=label=com.docker.compose.project={self.name}"
        return self.engine.docker(*options, *every, "--quiet", mine).split()

    def log(self, service: str) -> str:
        """All that a service said."""
        process = self.engine.run("docker", "logs", self.container(service)["Id"])
        return process.stdout + process.stderr

    def inside(self, service: str, *arguments: object, **how: Any) -> str:
        """What a program says inside a service's container."""
        listening = ("--interactive",) if "stdin" in how else ()
        return self.engine.docker("exec", *listening, self.container(service)["Id"], *arguments, **how)

    def get(self, url: str, method: str = "GET") -> str:
        """What an address inside the stack answers to whoever shares the exporter's network."""
        return self.inside("exporter", "python3", "-c", FETCH, url, method)

    def ask(self, query: str) -> list[dict[str, Any]]:
        """An instant query of the stack's Prometheus."""
        output = self.inside(
            "prometheus", "promtool", "query", "--format=json", "instant", "http://127.0.0.1:9090", query
        )
        result: list[dict[str, Any]] = json.loads(output)
        return result

    def settled(self) -> None:
        """Waits until every service is healthy, or has done its work."""
        for service in self.services:
            if "Health" in self.container(service)["State"]:
                until(lambda service=service: self.container(service)["State"]["Health"]["Status"] == "healthy")  # type: ignore[misc]


def copied(folder: Path) -> Path:
    """What a user gets: the project's own files, and secrets made with `make secrets`."""
    folder.mkdir(parents=True)
    for name in PARTS:
        shutil.copy(ROOT / name, folder / name)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "generated"))
    subprocess.run(["make", "secrets"], cwd=folder, check=True, capture_output=True)
    return folder


Begin = Callable[..., Project]
"""Makes a copy of the project, to be brought up with the profiles that are named."""


def services() -> dict[str, dict[str, Any]]:
    """The services of the compose file."""
    result: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return result


def python_image_name() -> str:
    """The base image that the Dockerfile pins."""
    lines = (ROOT / "exporter/Dockerfile").read_text().splitlines()
    (name,) = (line.partition("=")[2] for line in lines if line.startswith("ARG PYTHON_IMAGE="))
    return name


@contextmanager
def brought_down(project: Project) -> Iterator[Project]:
    """The project, and at the end nothing of it."""
    try:
        yield project
    finally:
        project.compose("down", "--volumes", "--timeout", "5", timeout=300)
        assert [
            *project.containers("ps"),
            *project.containers("volume", "ls"),
            *project.containers("network", "ls"),
        ] == []
