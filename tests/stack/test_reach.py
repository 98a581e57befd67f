"""Who reaches whom in the stack, and which service sees which secret."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.stack.project import Begin, Project, brought_down
from tests.stack.test_own_config import listen, write
from tests.waiting import until

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def company(begin: Begin) -> Iterator[Project]:
    """A small company with secrets, up and healthy."""
    with brought_down(begin()) as project:
        write(project.folder)
        project.engine.run("make", "secrets", cwd=project.folder)
        project.up("pod")
        listen(project)
        project.up()
        project.settled()
        yield project


def dialled(company: Project, network: str, host: str, port: int) -> str:
    """What a container of its own in a network meets when it connects: `open`, or the error."""
    code = (
        "import socket, sys\n"
        "try: socket.create_connection((sys.argv[1], int(sys.argv[2])), 3); print('open')\n"
        "except OSError as error: print(type(error).__name__)"
    )
    image = company.container("exporter")["Image"]
    run = ("run", "--rm", f"--network={company.name}_{network}", "--entrypoint=python3", image, "-c", code)
    return company.engine.docker(*run, host, port)


def test_the_outbound_network_cannot_reach_the_exporter(company: Project) -> None:
    addresses = company.container("pod")["NetworkSettings"]["Networks"]
    outbound, metrics = (addresses[f"{company.name}_{name}"]["IPAddress"] for name in ("outbound", "metrics"))
    assert dialled(company, "metrics", metrics, 9940) == "open"
    assert dialled(company, "outbound", outbound, 9940) == "ConnectionRefusedError"
    assert dialled(company, "outbound", metrics, 9940) != "open"
    assert dialled(company, "outbound", "exporter", 9940) == "gaierror", "not even its name is known there"


def test_neighbours_can_neither_reload_nor_stop_prometheus_and_do_not_reach_alertmanager(company: Project) -> None:
    ask = (
        "import sys, urllib.error, urllib.request as r\n"
        "try: print(r.urlopen(r.Request(sys.argv[1], method='POST'), timeout=5).status)\n"
        "except urllib.error.HTTPError as error: print(error.code)\n"
        "except OSError: print('unreachable')"
    )
    answers = [
        company.inside("exporter", "python3", "-c", ask, address)
        for address in (
            "http://prometheus:9090/-/reload",
            "http://prometheus:9090/-/quit",
            "http://alertmanager:9093/-/reload",
        )
    ]
    assert answers == ["403", "403", "unreachable"]


def test_each_container_sees_only_the_secrets_that_it_needs(company: Project) -> None:
    seen = {
        name: company.inside(name, "sh", "-c", "ls /app/secrets /run/secrets 2>/dev/null; true").split()
        for name in ("exporter", "alertmanager", "prometheus", "pod")
    }
    assert [words for words in seen["exporter"] if not words.endswith(":")] == ["sources"]
    assert [words for words in seen["alertmanager"] if not words.endswith(":")] == ["contacts"]
    assert seen["prometheus"] == seen["pod"] == []


def test_the_front_passes_connections_on_to_grafana(company: Project) -> None:
    image, name = company.container("exporter")["Image"], f"{company.name}-stand-in"
    serve = ("--entrypoint=python3", image, "-m", "http.server", "--directory=/usr/share", "3000")
    company.engine.docker(
        "run", "--detach", f"--name={name}", f"--network={company.name}_queries", "--network-alias=grafana", *serve
    )
    try:
        company.compose("up", "-d", "--no-deps", "front")
        until(front_answers)
    finally:
        company.engine.docker("rm", "--force", name)
        company.compose("rm", "--stop", "--force", "front")


def front_answers() -> bool:
    """Whether Grafana's published port is served."""
    try:
        return httpx.get("http://127.0.0.1:3000/", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
