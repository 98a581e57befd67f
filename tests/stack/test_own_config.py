"""The stack with a custom config and secrets: from the first start to an alert, a reload and removal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import small_company
from tests.stack.project import Begin, Project, brought_down, services
from tests.waiting import until

pytestmark = pytest.mark.stack

TOKEN, ROOM = "t0ken-of-the-crm", "/room/s3cret"
PEOPLE = """\
  - name: hr
    provider: rest
    base_url: http://127.0.0.1:8099
    allow_insecure: true
    allow_private: true
    auth: {bearer: {file: ../secrets/sources/crm_token}}
    entities: [{entity: people, path: /people, records: items, columns: {id: id, name: name, team: team}}]
"""
CONTACTS = """\
contacts:
  - {name: boss, slack: {webhook: {file: ../secrets/contacts/room}}}
"""
LISTENER = Path(__file__).with_name("listener.py").read_text()
REVENUE = "kpi_value{kpi='yearly_revenue'}"


def config() -> str:
    """The small company: its people behind an API with a token, its owner in a room whose address is a secret."""
    text = small_company.CONFIG.replace(
        "target: 1000\n", "target: 900000\n    pace: none\n    alerts: {for: 0s, notify: [boss], on: [off_track]}\n"
    )
    before, _, rest = text.partition("  - name: hr\n")
    return before + PEOPLE + rest[rest.index("metrics:") :] + CONTACTS


def write(folder: Path) -> None:
    """Config, records of forty days and secrets, in the place of the project's own."""
    for path in (folder / "config").iterdir():
        if path.is_file():
            path.unlink()
    small_company.write(folder / "config", config())
    now = datetime.now(UTC)
    rows = [f"{n},ada,won,10,{(now - timedelta(days=n, minutes=2)).isoformat()},2020-01-01" for n in range(40)]
    (folder / "config/deals.csv").write_text("\n".join(["id,owner,status,amount,closed,created", *rows]) + "\n")
    for name, secret in (("sources/crm_token", TOKEN), ("contacts/room", f"http://room:8099{ROOM}")):
        (folder / "secrets" / name).write_text(f"{secret}\n")


@pytest.fixture
def project(begin: Begin) -> Iterator[Project]:
    """Theirs, not yet up."""
    with brought_down(begin()) as started:
        write(started.folder)
        started.engine.run("make", "secrets", cwd=started.folder)
        try:
            yield started
        finally:
            started.engine.run("docker", "rm", "--force", room(started), check=False)


def room(project: Project) -> str:
    """The name of the container that receives what Alertmanager sends."""
    return f"{project.name}-room"


def listen(project: Project) -> None:
    """Starts the API in the exporter's network."""
    project.engine.docker("exec", "--detach", project.container("pod")["Id"], "python3", "-c", LISTENER, TOKEN)


def open_room(project: Project) -> None:
    """Starts the room where only Alertmanager reaches it; until then Alertmanager tries again."""
    where = (f"--network={project.name}_notifications", "--network-alias=room", f"--name={room(project)}")
    image = project.container("pod")["Image"]
    project.engine.docker("run", "--detach", *where, "--entrypoint=python3", image, "-c", LISTENER, TOKEN)


def alerts(project: Project) -> list[dict[str, Any]]:
    """What was said in the room."""
    lines = project.engine.docker("exec", room(project), "sh", "-c", "touch /tmp/told; cat /tmp/told").splitlines()
    return [json.loads(line) for line in lines]


def alert_queries(project: Project) -> set[str]:
    """What the alert rules ask."""
    groups = json.loads(project.get("http://prometheus:9090/api/v1/rules?type=alert"))["data"]["groups"]
    return {rule["query"] for group in groups for rule in group["rules"]}


def running(project: Project, service: str) -> bool:
    """Whether a service runs: it may not even have a container."""
    return bool(
        project.containers("ps", f"--filter=label=com.docker.compose.service={service}", "--filter=status=running")
    )


def change(project: Project) -> None:
    """Another target and a second KPI, which what runs loads by itself."""
    changed = config().replace("target: 900000", "target: 500")
    at = changed.index("contacts:")
    (project.folder / "config/kpis.yaml").write_text(changed[:at] + small_company.SECOND_KPI + changed[at:])
    project.up()
    assert project.container("provision")["State"]["ExitCode"] == 0


def test_a_custom_config_starts_alerts_reloads_and_stops(project: Project) -> None:
    project.up("pod")
    listen(project)
    project.up()
    open_room(project)
    project.settled()
    assert "demo" not in project.services
    for service in project.services:
        assert project.container(service)["Config"]["Image"] == services()[service]["image"]
    assert project.container("provision")["State"]["ExitCode"] == 0, project.log("provision")

    until(lambda: project.ask(REVENUE))
    team = "team_kpi_value{kpi='yearly_revenue',team='North'}"
    until(lambda: project.ask(team))
    ten_days_ago = int((datetime.now(UTC) - timedelta(days=10)).timestamp()) // 3600 * 3600
    assert project.ask(f"business_deals_won{{period='day'}} @ {ten_days_ago}") != []

    until(lambda: alerts(project))
    (message, *_) = alerts(project)
    assert message["path"] == ROOM
    assert "Revenue this year" in json.dumps(message["body"])
    assert "boss@example.com" in json.dumps(message["body"])

    before = project.ask("kpi_target{kpi='yearly_revenue'}")
    assert [series["value"][1] for series in before] == ["900000"]
    started = project.container("prometheus")["State"]["StartedAt"]
    change(project)
    until(lambda: project.ask("kpi_value{kpi='yearly_deals'}"))
    until(lambda: [series["value"][1] for series in project.ask("kpi_target{kpi='yearly_revenue'}")] == ["500"])
    until(lambda: any("yearly_deals" in query for query in alert_queries(project)))
    assert project.container("prometheus")["State"]["StartedAt"] == started, "nothing was interrupted"
    assert project.ask(f"business_deals_won{{period='day'}} @ {ten_days_ago}") != []

    logs = "".join(project.log(name) for name in project.services) + project.get("http://exporter:9940/metrics")
    assert TOKEN not in logs
    assert ROOM not in logs


def test_an_invalid_config_prevents_the_start_with_an_explanation(project: Project) -> None:
    path = project.folder / "config/kpis.yaml"
    path.write_text(path.read_text().replace("period: year", "period: fortnight"))
    with pytest.raises(AssertionError):
        project.up()
    assert project.container("provision")["State"]["ExitCode"] == 2
    assert "kpis[0].period: expected one of day, week, month" in project.log("provision")
    assert not any(running(project, name) for name in ("prometheus", "alertmanager", "exporter"))
