"""Notifications as people receive them: rendered and sent by a real Alertmanager to servers on loopback."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml

from dashboards.generate import compose_files
from dashboards.local.stack import alertmanager_command
from dashboards.output import Manifest
from dashboards.rules.notification_templates import TEAMS_TEXT, TEAMS_TITLE
from dashboards.site import Deployment, Site
from exporter.config.fields import Status
from exporter.config.root import Config
from exporter.statuses import STATUSES
from tests.dashboards.samples import small
from tests.exporter_process import free_port
from tests.programs import program
from tests.smtp_sink import Mailbox, mail_server
from tests.test_alert_journey import running
from tests.waiting import LIMIT, until

Json = dict[str, Any]

BOARD = "https://grafana.example.com/d/kpi-detail?var-kpi=revenue_won"
RUNBOOK = "https://grafana.example.com/d/kpi-runbook?viewPanel=1"
REVENUE = "Revenue won this month is off track: CHF 1.28M of 1.60M, 84 % of plan, 2 workdays left"
HOSTILE = "Calls: <b>made</b> & [x](http://evil) is off track: 2,150 of 3,000"


@dataclass(frozen=True)
class Received:
    """What arrived at each of the servers."""

    mailbox: Mailbox
    posts: dict[str, list[Json]]


def alert(kpi: str, summary: str, **labels: str) -> Json:
    """As Prometheus sends it."""
    common = {
        "alertname": "KpiOffTrack", "severity": "critical", "department": "Sales", "owner": "sales@example.com",
        "contacts": ",mail,slack,teams,",
    }  # fmt: skip
    annotations = {
        "headline": summary.partition(" off track")[0] + " off track", "summary": summary, "status": "▼ off track", "resolved": "Revenue won this month is no longer off track",
        "description": "Expected by now: CHF 1.52M. Why it matters: It pays the salaries.",
        "dashboard_url": BOARD, "runbook_url": RUNBOOK,
    }  # fmt: skip
    return {"labels": {**common, "kpi": kpi, **labels}, "annotations": annotations, "startsAt": "2026-11-02T14:05:00Z"}


@contextmanager
def webhooks() -> Iterator[tuple[int, dict[str, list[Json]]]]:
    """Accepts JSON on loopback, by path."""
    posts: dict[str, list[Json]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            posts.setdefault(self.path, []).append(body)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port, posts
        finally:
            server.shutdown()
            thread.join()


def knows_teams(alertmanager: Path) -> bool:
    """Teams by workflow webhooks came with Alertmanager 0.28."""
    output = subprocess.run([alertmanager, "--version"], capture_output=True, text=True, check=True)
    version = re.search(r"version (\d+)\.(\d+)", output.stdout + output.stderr)
    return version is not None and (int(version[1]), int(version[2])) >= (0, 28)


def contacts(folder: Path, webhook_port: int, *, teams: bool) -> list[Json]:
    """Mail, Slack and, if `teams`, Teams; their addresses are in files."""
    (folder / "slack").write_text(f"http://127.0.0.1:{webhook_port}/slack")
    (folder / "teams").write_text(f"http://127.0.0.1:{webhook_port}/teams")
    return [
        {"name": "mail", "email": "lead@example.com"},
        {"name": "slack", "slack": {"webhook": {"file": str(folder / "slack")}, "channel": "#kpi"}},
        *([{"name": "teams", "teams": {"webhook": {"file": str(folder / "teams")}}}] if teams else []),
    ]


def write(config: Config, folder: Path) -> None:
    """The generated files of Alertmanager, which only waits for a second instead of half a minute."""
    files = compose_files(Site(config), Deployment(own_templates=str(folder / "own")), Manifest())
    for path, text in files.items():
        if path.startswith("alertmanager/"):
            target = folder / "generated" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
    path = folder / "generated/alertmanager/alertmanager.yml"
    content = yaml.safe_load(path.read_text())
    content["route"] |= {"group_wait": "1s", "group_interval": "2s"}
    path.write_text(yaml.safe_dump(content))


def post(port: int, alerts: list[Json], *, ended: bool = False) -> None:
    ends = {"endsAt": (datetime.now(UTC) - timedelta(seconds=1)).isoformat()} if ended else {}
    body = json.dumps([{**each, **ends} for each in alerts]).encode()
    request = Request(f"http://127.0.0.1:{port}/api/v2/alerts", body, {"Content-Type": "application/json"})
    with urlopen(request, timeout=LIMIT) as response:
        assert response.status == 200


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Received]:
    """Two alerts of one department, one with a hostile title in another, and in the end the first ones resolved."""
    folder = tmp_path_factory.mktemp("notifications")
    binary = program("prometheus-alertmanager", "/usr/bin/alertmanager")
    with ExitStack() as stack:
        mailbox = stack.enter_context(mail_server())
        webhook_port, posts = stack.enter_context(webhooks())
        with_teams = knows_teams(binary)
        config = small(
            contacts=contacts(folder, webhook_port, teams=with_teams),
            alerting={"smtp": {"host": "127.0.0.1", "port": mailbox.port, "sender": "kpi@example.com"}},
        )
        write(config, folder)
        port = free_port()
        stack.enter_context(running(alertmanager_command(str(binary), folder, port), port, folder / "am.log"))
        pair = [alert("revenue_won", REVENUE), alert("win_rate", "Win rate is off track: 24.1 %, target 30 %")]
        post(port, [*pair, alert("calls", HOSTILE, department="Service")])
        channels = ["/slack", "/teams"] if with_teams else ["/slack"]
        until(lambda: len(mailbox.mails) == 2 and all(len(posts.get(name, ())) == 2 for name in channels))
        post(port, pair, ended=True)
        until(lambda: len(mailbox.mails) == 3 and all(len(posts[name]) == 3 for name in channels))
        yield Received(mailbox, posts)


def mail(received: Received, part: str) -> EmailMessage:
    """The mail whose subject contains this."""
    (match,) = [mail for _, mail in received.mailbox.mails if part in mail["Subject"]]
    return match


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    content: str = part.get_content()
    return content.replace("\r\n", "\n")


def test_the_subject_names_the_first_kpi_and_how_many_more_there_are(received: Received) -> None:
    assert mail(received, "Revenue won this month is off")["Subject"] == f"▼ {REVENUE} (and 1 more)"


def test_the_text_of_a_mail_has_each_sentence_its_reasons_and_links(received: Received) -> None:
    text = body(mail(received, "Revenue won this month is off"), "plain")
    assert text.startswith(
        f"▼ {REVENUE}\nExpected by now: CHF 1.52M. Why it matters: It pays the salaries.\n"
        "Since: Mon 2 Nov 2026, 14:05 UTC\nOwner: sales@example.com\n"
        f"Board: {BOARD}\nWhat to do: {RUNBOOK}\n"
    )
    assert "▼ Win rate is off track: 24.1 %, target 30 %\n" in text


class _Page(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page(received: Received, part: str) -> _Page:
    parser = _Page()
    parser.feed(body(mail(received, part), "html"))
    return parser


def test_the_mail_is_a_page_that_mail_clients_show(received: Received) -> None:
    """Tables with inline styles, no more than 600 pixels wide, without anything to load or run."""
    content = page(received, "Revenue won this month is off")
    assert {"600"} == {attrs.get("width") for tag, attrs in content.tags if tag == "table"} - {"100%"}
    assert not {"script", "style", "link", "img", "div"} & {tag for tag, _ in content.tags}
    links = [attrs["href"] for tag, attrs in content.tags if tag == "a"]
    assert links == [BOARD, RUNBOOK] * 2
    words = " ".join(content.text.split())
    assert "▼ off track since Mon 2 Nov 2026, 14:05 UTC" in words
    assert "Revenue won this month is off track CHF 1.28M of 1.60M, 84 % of plan, 2 workdays left" in words
    colour = STATUSES[Status.OFF_TRACK].colour.light
    assert any(f"border-left:6px solid {colour}" in str(attrs.get("style")) for _, attrs in content.tags)


def test_markup_in_a_title_is_text(received: Received) -> None:
    content = page(received, "Calls")
    assert "Calls: <b>made</b> & [x](http://evil) is off track" in content.text
    (slack,) = [post for post in received.posts["/slack"] if "Calls" in str(post)]
    assert slack["attachments"][0]["title"] == "▼ " + HOSTILE.replace("&", "&amp;").replace("<", "&lt;").replace(
        ">", "&gt;"
    )


def test_a_title_with_a_colon_stays_whole_in_the_headline(received: Received) -> None:
    lines = [line.strip() for line in page(received, "Calls").text.splitlines()]
    headline = lines.index("Calls: <b>made</b> & [x](http://evil) is off track")
    assert lines[headline + 1] == "2,150 of 3,000"


def test_a_message_in_slack_has_the_subject_the_colour_and_links(received: Received) -> None:
    first = next(post for post in received.posts["/slack"] if "Revenue won this month is off" in str(post))
    (attachment,) = first["attachments"]
    assert first["channel"] == "#kpi"
    assert attachment["title"] == attachment["fallback"] == f"▼ {REVENUE} (and 1 more)"
    assert attachment["title_link"] == BOARD
    assert attachment["color"] == STATUSES[Status.OFF_TRACK].colour.light
    assert attachment["text"].startswith(
        f"*▼ {REVENUE}*\n<{BOARD}|Open the board> · <{RUNBOOK}|What to do> · Owner: sales@example.com\n"
    )


def rendered(folder: Path, template: str, alerts: list[Json]) -> str:
    """A template as amtool renders it."""
    write(small(), folder)
    data = {"status": "firing", "receiver": "teams", "alerts": [{**each, "status": "firing"} for each in alerts]}
    (folder / "data.json").write_text(json.dumps(data))
    files = folder / "generated/alertmanager/templates/*.tmpl"
    command = [program("amtool"), "template", "render", f"--template.glob={files}", f"--template.text={template}"]
    command += [f"--template.data={folder / 'data.json'}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_message_in_teams_has_the_subject_and_links_and_no_other_markup(tmp_path: Path) -> None:
    """Alertmanager sends to Teams from version 0.28 on; amtool renders the templates in any version."""
    alerts = [alert("revenue_won", REVENUE), alert("calls", HOSTILE)]
    assert rendered(tmp_path, TEAMS_TITLE, alerts) == f"▼ {REVENUE} (and 1 more)"
    text = rendered(tmp_path, TEAMS_TEXT, alerts)
    links = f"[Open the board]({BOARD}) · [What to do]({RUNBOOK}) · Owner: sales@example.com"
    assert text.startswith(f"**▼ {REVENUE}**\n\n{links}\n\n")
    assert r"\[x\](http://evil)" in text


def test_a_card_in_teams_has_title_and_text(received: Received) -> None:
    for message in received.posts.get("/teams", ()):  # none from an Alertmanager before 0.28
        (card,) = (attachment["content"] for attachment in message["attachments"])
        title, text = (block["text"] for block in card["body"])
        assert title.startswith(("▼ ", "✓ "))
        assert f"[Open the board]({BOARD})" in text


def test_a_resolved_alert_says_what_has_changed(received: Received) -> None:
    message = mail(received, "no longer")
    assert message["Subject"] == "✓ Revenue won this month is no longer off track (and 1 more)"
    assert "✓ resolved since" in " ".join(page(received, "no longer").text.split())
    last = received.posts["/slack"][-1]["attachments"][0]
    assert last["title"] == "✓ Revenue won this month is no longer off track (and 1 more)"
    assert last["color"] == STATUSES[Status.ON_TRACK].colour.light


def test_no_notification_shows_the_name_of_an_alert(received: Received) -> None:
    for _, message in received.mailbox.mails:
        assert "KpiOffTrack" not in str(message["Subject"]) + body(message, "plain") + page_text(message)
    assert "KpiOffTrack" not in json.dumps(received.posts)


def page_text(message: EmailMessage) -> str:
    parser = _Page()
    parser.feed(body(message, "html"))
    return parser.text
