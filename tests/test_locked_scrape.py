"""A real Prometheus scrapes an exporter with TLS and passwords, by the config that is generated for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from dashboards.encoding import yaml_text
from dashboards.provisioning import people_prometheus_config, prometheus_config
from dashboards.site import Deployment
from exporter.config.loader import load
from tests import small_company
from tests.exporter_process import exporting, free_port
from tests.fakes.certificates import Authority
from tests.processes import started
from tests.programs import program
from tests.prometheus_server import ask
from tests.waiting import LIMIT, until
from tests.web.live_server import basic, get
from tests.web.web_configs import PASSWORD, hashed, tls_section


def answer(port: int, query: str) -> list[str]:
    try:
        return sorted(series["metric"].get("job", "") + " " + series["value"][1] for series in ask(port, query))
    except OSError:
        return []


def write_config(tmp_path: Path, authority: Authority) -> Path:
    return small_company.write(
        tmp_path / "company",
        small_company.CONFIG
        + f"""
privacy: {{people: separate}}
dashboards:
  scrape:
    tls: {{ca_file: {authority.ca_file}}}
    basic_auth: {{username: prometheus, password_file: {tmp_path / "password"}}}
  people:
    prometheus_url: http://127.0.0.1:9090
    basic_auth: {{username: hr, password_file: {tmp_path / "people-password"}}}
""",
    )


def test_prometheus_scrapes_over_tls_with_a_password_and_people_with_their_own(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    (tmp_path / "web.yml").write_text(
        tls_section(authority.chain("127.0.0.1")) + f"basic_auth_users: {{prometheus: {hashed()}}}\n"
    )
    (tmp_path / "people.yml").write_text(f"basic_auth_users: {{hr: {hashed('for people')}}}\n")
    (tmp_path / "password").write_text(PASSWORD)
    (tmp_path / "people-password").write_text("for people")
    config = write_config(tmp_path, authority)
    trust, right = authority.trusting(), basic("prometheus", PASSWORD)
    options = ["--web.config.file", tmp_path / "web.yml", "--web.people.config.file", tmp_path / "people.yml"]
    with exporting(config, tmp_path / "data", *map(str, options), tls=trust, headers=(right,)) as exporter:
        assert get(exporter.port, "/metrics", tls=trust)[0] == 401
        until(lambda: exporter.value('kpi_value{kpi="yearly_revenue"}'))
        deployment = Deployment(exporter=f"127.0.0.1:{exporter.port}", prometheus=f"127.0.0.1:{free_port()}")
        loaded = load(config, {}).config
        contents = {
            "shared": prometheus_config(loaded, deployment),
            "people": people_prometheus_config(loaded, deployment),
        }
        seen = {}
        for name, content in contents.items():
            content |= {"alerting": {}, "rule_files": []}
            path = tmp_path / f"{name}.prometheus.yml"
            path.write_text(yaml_text(content))
            checked = subprocess.run([program("promtool"), "check", "config", path], capture_output=True, text=True)
            assert checked.returncode == 0, checked.stdout + checked.stderr
            port = free_port()
            command = [
                program("prometheus"), f"--config.file={path}", f"--storage.tsdb.path={tmp_path / name}",
                f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
            ]  # fmt: skip
            with started(command, stderr=subprocess.PIPE) as process:
                until(lambda: answer(port, 'up{job="kpi"} == 1'))  # noqa: B023  # used within this turn
                if name == "people":
                    until(lambda: answer(port, "person_kpi_value"))  # noqa: B023
                seen[name] = answer(port, "count(person_kpi_value)")
                process.terminate()
                process.communicate(timeout=LIMIT)
    assert seen == {"shared": [], "people": [" 1"]}
