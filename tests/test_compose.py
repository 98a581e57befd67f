"""The compose file from an attacker's view: the privileges of each service and what is reachable."""

from __future__ import annotations

import copy
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
ONE_SHOTS = {"provision", "history"}
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|CREDENTIAL|API_?KEY")

Json = dict[str, Any]


def compose() -> Json:
    """The compose file, its anchors resolved."""
    document: Json = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return document


def faults(document: Json) -> list[str]:
    """What makes the stack less safe than it should be, as service and key."""
    problems = [f"{name}: {key}" for name, service in document["services"].items() for key in _faults(name, service)]
    return [*problems, *([] if document["networks"]["metrics"].get("internal") else ["metrics: internal"])]


def _faults(name: str, service: Json) -> Iterator[str]:
    yield from _powers(service)
    yield from _bounds(name, service)
    yield from _reach(name, service)
    if not re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?", service["image"]):
        yield "image"
    for key, value in service.get("environment", {}).items():
        if SECRET.search(key) and not (key.endswith("__FILE") and value.startswith("/run/secrets/")):
            yield key


def _powers(service: Json) -> Iterator[str]:
    required = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}
    yield from (key for key, value in required.items() if service.get(key) != value)
    forbidden = ("privileged", "cap_add", "devices", "pid", "ipc", "userns_mode", "env_file")
    yield from (key for key in forbidden if key in service)
    if not re.fullmatch(r"[1-9]\d*:[1-9]\d*", service.get("user", "")):
        yield "user"
    for volume in service.get("volumes", ()):
        if volume.startswith((".", "/")) and (not volume.endswith(":ro") or "docker.sock" in volume):
            yield volume


def _bounds(name: str, service: Json) -> Iterator[str]:
    yield from (key for key in ("mem_limit", "pids_limit") if key not in service)
    if not all("size=" in mounted for mounted in service.get("tmpfs", [""])):
        yield "tmpfs"
    if not {"max-size", "max-file"} <= set(service.get("logging", {}).get("options", ())):
        yield "logging"
    if service.get("restart") != ("no" if name in ONE_SHOTS else "unless-stopped"):
        yield "restart"
    if name not in ONE_SHOTS and not service.get("healthcheck", {}).get("test"):
        yield "healthcheck"


def _reach(name: str, service: Json) -> Iterator[str]:
    for port in service.get("ports", ()):
        if name != "grafana" or not port.startswith("127.0.0.1:"):
            yield "ports"
    if "published" in service.get("networks", ()) and name != "grafana":
        yield "networks"
    if "outbound" in service.get("networks", ()) and name not in {"pod", "alertmanager"}:
        yield "networks"
    if service.get("network_mode", "none") not in {"none", "service:pod"}:
        yield "network_mode"


def test_every_service_has_only_the_privileges_it_needs() -> None:
    assert faults(compose()) == []


def test_grafana_requires_a_password() -> None:
    environment = compose()["services"]["grafana"]["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ENABLED"] == environment["GF_USERS_ALLOW_SIGN_UP"] == "false"
    assert environment["GF_SECURITY_ALLOW_EMBEDDING"] == "false"
    assert compose()["secrets"] == {"grafana_admin_password": {"file": "./secrets/grafana_admin_password"}}


def set_(service: str, key: str, value: object) -> Callable[[Json], None]:
    """Gives a service's key another value."""

    def change(document: Json) -> None:
        document["services"][service][key] = value

    return change


BREACHES: dict[str, Callable[[Json], object]] = {
    "pod: user": set_("pod", "user", "0:0"),
    "demo: read_only": set_("demo", "read_only", False),
    "provision: cap_drop": set_("provision", "cap_drop", ["NET_RAW"]),
    "history: security_opt": set_("history", "security_opt", []),
    "exporter: ports": set_("exporter", "ports", ["127.0.0.1:9940:9940"]),
    "grafana: ports": set_("grafana", "ports", ["3000:3000"]),
    "prometheus: networks": set_("prometheus", "networks", ["metrics", "outbound"]),
    "exporter: network_mode": set_("exporter", "network_mode", "host"),
    "prometheus: image": set_("prometheus", "image", "prom/prometheus:latest"),
    "grafana: GF_SECURITY_ADMIN_PASSWORD": set_("grafana", "environment", {"GF_SECURITY_ADMIN_PASSWORD": "admin"}),
    "alertmanager: ./secrets:/x": set_("alertmanager", "volumes", ["./secrets:/x"]),
    "alertmanager: mem_limit": lambda document: document["services"]["alertmanager"].pop("mem_limit"),
    "exporter: pids_limit": lambda document: document["services"]["exporter"].pop("pids_limit"),
    "exporter: healthcheck": set_("exporter", "healthcheck", {"disable": True}),
    "demo: logging": set_("demo", "logging", {"driver": "json-file"}),
    "demo: privileged": set_("demo", "privileged", True),
    "demo: restart": set_("demo", "restart", "no"),
    "metrics: internal": lambda document: document["networks"].update({"metrics": {}}),
}


@pytest.mark.parametrize("fault", BREACHES)
def test_every_violation_is_found(fault: str) -> None:
    document = copy.deepcopy(compose())
    BREACHES[fault](document)
    assert faults(document) == [fault]


def test_the_prometheus_that_makes_blocks_is_the_one_that_reads_them() -> None:
    services = compose()["services"]
    assert services["history"]["image"] == services["prometheus"]["image"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    return tmp_path


def make_secrets(project: Path) -> None:
    subprocess.run(["make", "secrets"], cwd=project, check=True, capture_output=True)


def test_each_stack_has_a_password_of_its_own_that_only_its_group_can_read(project: Path, tmp_path: Path) -> None:
    (project / ".env").write_text("GRAFANA_PORT=3001\nSECRETS_GID=1\n")
    make_secrets(project)
    folder, password = project / "secrets", project / "secrets/grafana_admin_password"
    first = password.read_text()
    assert len(first) >= 24
    (folder / "crm_token").write_text("theirs")
    (folder / "crm_token").chmod(0o644)
    make_secrets(project)
    assert password.read_text() == first, "the password stays"
    assert [path.stat().st_mode & 0o777 for path in (folder, password, folder / "crm_token")] == [0o750, 0o640, 0o640]
    gid = folder.stat().st_gid
    assert gid != 0
    assert {path.stat().st_gid for path in folder.iterdir()} == {gid}
    assert (project / ".env").read_text() == f"GRAFANA_PORT=3001\nSECRETS_GID={gid}\n"
    password.unlink()
    make_secrets(project)
    assert password.read_text() != first
