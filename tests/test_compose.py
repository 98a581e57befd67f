"""The compose file from an attacker's view: the privileges of each service and what is reachable."""

from __future__ import annotations

import copy
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.grafana_model import PLUGIN_VERSION
from tests.processes import started
from tests.waiting import until

ROOT = Path(__file__).parents[1]
ONE_SHOTS = {"provision", "history"}
NETWORKS = {
    "pod": {"metrics", "outbound"},
    "prometheus": {"metrics", "alerts", "queries"},
    "alertmanager": {"alerts", "notifications"},
    "grafana": {"alerts", "queries"},
    "front": {"queries", "published"},
}
"""Two services share a network only if one of them calls the other."""
INTERNAL = ("metrics", "alerts", "queries")
SECRETS = {
    "exporter": {"./secrets/sources"},
    "provision": {"./secrets/sources", "./secrets/contacts"},
    "alertmanager": {"./secrets/contacts"},
    "grafana": {"grafana_admin_password"},
}
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|CREDENTIAL|API_?KEY")

Json = dict[str, Any]


def compose() -> Json:
    """The compose file, its anchors resolved."""
    document: Json = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return document


def faults(document: Json) -> list[str]:
    """What makes the stack less safe than it should be, as service and key."""
    problems = [f"{name}: {key}" for name, service in document["services"].items() for key in _faults(name, service)]
    return [*problems, *(f"{name}: internal" for name in INTERNAL if not document["networks"][name].get("internal"))]


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
        if name != "front" or not port.startswith("127.0.0.1:"):
            yield "ports"
    if set(service.get("networks", ())) - NETWORKS.get(name, set()):
        yield "networks"
    if service.get("network_mode", "none") not in {"none", "service:pod"}:
        yield "network_mode"
    if any("lifecycle" in argument or "reload" in argument for argument in service.get("command", ())):
        yield "command"
    if secrets_of(service) - SECRETS.get(name, set()):
        yield "secrets"


def secrets_of(service: Json) -> set[str]:
    """The secrets that a service can read: folders, and single ones."""
    mounted = {volume.split(":")[0] for volume in service.get("volumes", ()) if volume.startswith("./secrets")}
    return mounted | set(service.get("secrets", ()))


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
    "front: ports": set_("front", "ports", ["3000:3000"]),
    "grafana: ports": set_("grafana", "ports", ["127.0.0.1:3000:3000"]),
    "grafana: networks": set_("grafana", "networks", ["queries", "published"]),
    "prometheus: networks": set_("prometheus", "networks", ["metrics", "outbound"]),
    "alertmanager: networks": set_("alertmanager", "networks", ["alerts", "outbound"]),
    "prometheus: command": set_("prometheus", "command", ["prometheus", "--web.enable-lifecycle"]),
    "exporter: secrets": set_("exporter", "volumes", ["./secrets:/app/secrets:ro"]),
    "alertmanager: secrets": set_("alertmanager", "volumes", ["./secrets/sources:/app/secrets/sources:ro"]),
    "front: secrets": set_("front", "secrets", ["grafana_admin_password"]),
    "exporter: network_mode": set_("exporter", "network_mode", "host"),
    "prometheus: image": set_("prometheus", "image", "prom/prometheus:latest"),
    "grafana: GF_SECURITY_ADMIN_PASSWORD": set_("grafana", "environment", {"GF_SECURITY_ADMIN_PASSWORD": "admin"}),
    "alertmanager: ./config:/x": set_("alertmanager", "volumes", ["./config:/x"]),
    "alertmanager: mem_limit": lambda document: document["services"]["alertmanager"].pop("mem_limit"),
    "exporter: pids_limit": lambda document: document["services"]["exporter"].pop("pids_limit"),
    "exporter: healthcheck": set_("exporter", "healthcheck", {"disable": True}),
    "demo: logging": set_("demo", "logging", {"driver": "json-file"}),
    "demo: privileged": set_("demo", "privileged", True),
    "demo: restart": set_("demo", "restart", "no"),
    "queries: internal": lambda document: document["networks"].update({"queries": {}}),
    "metrics: internal": lambda document: document["networks"].update({"metrics": {}}),
}


@pytest.mark.parametrize("fault", BREACHES)
def test_every_violation_is_found(fault: str) -> None:
    document = copy.deepcopy(compose())
    BREACHES[fault](document)
    assert faults(document) == [fault]


def test_grafana_calls_nobody_and_its_cookies_are_secure_behind_tls() -> None:
    environment = compose()["services"]["grafana"]["environment"]
    calls = [key for key in environment if re.search("EXTERNAL|ANALYTICS|NEWS|PLUGIN_ADMIN|PUBLIC", key)]
    assert {environment[key] for key in calls} == {"false"}
    assert len(calls) == 7
    assert environment["GF_SECURITY_DISABLE_GRAVATAR"] == environment["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
    assert environment["GF_SECURITY_COOKIE_SECURE"] == "${GRAFANA_COOKIE_SECURE:-false}"
    readme = (ROOT / "dashboards/README.md").read_text(encoding="utf-8")
    assert "`GRAFANA_URL=https://kpi.example.com/` and `GRAFANA_COOKIE_SECURE=true`" in readme


def reloading(folder: Path, program: str) -> list[str]:
    """The command by which a service loads changed files, with this shell program in its place."""
    (prometheus, alertmanager) = (compose()["services"][name]["entrypoint"] for name in ("prometheus", "alertmanager"))
    assert prometheus == alertmanager
    script = prometheus[2].replace("$$", "$").replace("sleep 5", "sleep 0.1").replace("kill -HUP 1", "kill -HUP $$")
    return [*prometheus[:2], script, prometheus[3], "/bin/sh", "-c", program]


def test_a_changed_file_is_loaded_by_a_signal(tmp_path: Path) -> None:
    rules, changed, log = tmp_path / "rules.yml", tmp_path / "changed.yml", tmp_path / "log"
    rules.write_text("one")
    changed.write_text("another")
    program = f"trap 'echo reloaded >> {log}' HUP; echo ready >> {log}; while :; do sleep 0.1; done"
    with started(reloading(tmp_path, program), env={"PATH": os.defpath, "FILES": str(rules)}) as process:
        until(lambda: log.exists() and log.read_text() == "ready\n")
        changed.replace(rules)  # at once: an empty file in between would be one change more
        until(lambda: log.read_text() == "ready\nreloaded\n")
        assert process.poll() is None


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
    token = folder / "sources/crm_token"
    token.write_text("theirs")
    token.chmod(0o644)
    make_secrets(project)
    assert password.read_text() == first, "the password stays"
    assert [path.stat().st_mode & 0o777 for path in (folder, token.parent, password, token)] == [
        0o750,
        0o750,
        0o640,
        0o640,
    ]
    gid = folder.stat().st_gid
    assert gid != 0
    assert {path.stat().st_gid for path in folder.rglob("*")} == {gid}
    assert (project / ".env").read_text() == f"GRAFANA_PORT=3001\nSECRETS_GID={gid}\n"
    password.unlink()
    make_secrets(project)
    assert password.read_text() != first


def test_the_stack_runs_the_grafana_that_panels_are_written_for() -> None:
    image = compose()["services"]["grafana"]["image"]
    assert image.split("@")[0] == f"grafana/grafana:{PLUGIN_VERSION}"
