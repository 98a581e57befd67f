"""Mails of a real Alertmanager about forty persons, and how many of them there are."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
import yaml

from dashboards.local.stack import alertmanager_command
from dashboards.rules.alertmanager import TEMPLATES
from tests.dashboards.samples import files_of
from tests.exporter_process import free_port
from tests.programs import program
from tests.rules.digest_samples import digests
from tests.smtp_sink import Mailbox, mail_server
from tests.test_alert_journey import running
from tests.waiting import LIMIT, until

PEOPLE = 40
LEAD = "north@example.com"
ALWAYS = [{"times": [{"start_time": "00:00", "end_time": "24:00"}]}]
NEVER = [{"years": ["1999"]}]

Alert = dict[str, dict[str, str]]


def alert(person: int, kpi: str, name: str = "KpiOffTrack") -> Alert:
    """As Prometheus sends it."""
    labels = {
        "alertname": name, "kpi": kpi, "department": f"Department of {kpi}", "owner": f"{kpi}@example.com", "team": "North", "person": f"Person {person}", "severity": "critical",
        "email": f"person.{person}@example.com", "digest": ",person,lead,",
    }  # fmt: skip
    label = {"KpiOffTrack": "off track", "KpiAtRisk": "at risk"}[name]
    headline = f"{kpi} of Person {person} is {label}"
    status = {"off track": "▼", "at risk": "◆"}[label] + f" {label}"
    return {"labels": labels, "annotations": {"headline": headline, "summary": f"{headline}: 42", "status": status}}


@contextmanager
def alertmanager(folder: Path, mailbox: Mailbox, hour: object) -> Iterator[int]:
    """Runs with the generated config, which only waits for seconds instead of minutes and hours."""
    smtp = {"host": "127.0.0.1", "port": mailbox.port, "sender": "kpi@example.com"}
    files = files_of(digests(alerting={"smtp": smtp}))
    content = yaml.safe_load(files["alertmanager/alertmanager.yml"])
    for route in content["route"]["routes"]:
        if "digest" in route["matchers"][0]:
            assert (route["group_wait"], route["group_interval"]) == ("5m", "1h")
            route |= {"group_wait": "2s", "group_interval": "8s", "mute_time_intervals": []}
    next(each for each in content["time_intervals"] if each["name"] == "digest-hour")["time_intervals"] = hour
    path = folder / "generated/alertmanager/alertmanager.yml"
    templates = path.parent / TEMPLATES
    templates.parent.mkdir(parents=True)
    templates.write_text(files[f"alertmanager/{TEMPLATES}"])
    path.write_text(yaml.safe_dump(content))
    port = free_port()
    binary = str(program("prometheus-alertmanager", "/usr/bin/alertmanager"))
    with running(alertmanager_command(binary, folder, port), port, folder / "alertmanager.log"):
        yield port


def post(port: int, alerts: list[Alert], ended: bool = False) -> None:
    now = datetime.now(UTC)
    ends = {"endsAt": (now - timedelta(seconds=1)).isoformat()} if ended else {}
    body = json.dumps([{**each, **ends} for each in alerts]).encode()
    request = Request(f"http://127.0.0.1:{port}/api/v2/alerts", body, {"Content-Type": "application/json"})
    with urlopen(request, timeout=LIMIT) as response:
        assert response.status == 200


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


def test_forty_persons_make_one_mail_to_their_lead_and_one_to_each_of_them(tmp_path: Path, mailbox: Mailbox) -> None:
    alerts = [alert(person, "deals", "KpiAtRisk") for person in range(PEOPLE)]
    alerts += [alert(person, "win_rate") for person in range(PEOPLE)]
    with alertmanager(tmp_path, mailbox, ALWAYS) as port:
        post(port, alerts)
        until(lambda: len(mailbox.mails) >= PEOPLE + 1)
        assert len(mailbox.mails) == PEOPLE + 1
        (to_lead,) = mailbox.to(LEAD)
        assert to_lead["To"] == LEAD
        text = to_lead.get_body(("plain",))
        assert text is not None
        for person in range(PEOPLE):
            assert f"deals of Person {person} is at risk" in text.get_content()
        assert to_lead["Subject"] == "▼ 40 off track, 40 at risk: win_rate of Person 0 is off track, and 79 more"
        page = to_lead.get_body(("html",))
        assert page is not None
        assert page.get_content().count("42") == 2 * PEOPLE
        first, second = (page.get_content().index(f"{label}</strong>") for label in ("off track", "at risk"))
        assert first < page.get_content().index("win_rate of Person 0 is off track") < second
        (to_seven,) = mailbox.to("person.7@example.com")
        own = to_seven.get_body(("plain",))
        assert own is not None
        assert own.get_content().count("of Person 7 ") == 2
        assert "Person 8" not in own.get_content()
        assert not mailbox.to("owner@example.com")
        # what begins and ends after the mail of an interval waits for the next look
        post(port, [alert(1, "win_rate"), alert(41, "win_rate")], ended=False)
        post(port, [alert(0, "deals", "KpiAtRisk"), alert(0, "win_rate")], ended=True)
        time.sleep(3)  # longer than group_wait, shorter than group_interval
        assert len(mailbox.to(LEAD)) == 1
        until(lambda: len(mailbox.to(LEAD)) == 2)
        time.sleep(9)  # one more look, at which nothing is new
        assert len(mailbox.to(LEAD)) == 2
        assert len(mailbox.to("person.7@example.com")) == 1
        assert len(mailbox.to("person.0@example.com")) == 1  # no mail says that it is over
        assert len(mailbox.to("person.41@example.com")) == 1


def test_nothing_is_sent_outside_the_hour_of_the_day(tmp_path: Path, mailbox: Mailbox) -> None:
    with alertmanager(tmp_path, mailbox, NEVER) as port:
        post(port, [alert(person, "deals") for person in range(PEOPLE)])
        time.sleep(12)  # two looks
        assert not mailbox.mails
