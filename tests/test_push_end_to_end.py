"""Posts to the installed program: they change KPIs, and acknowledged records survive any kill."""

from __future__ import annotations

import json
import os
import random
import re
import resource
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exporter.passes import Page
from exporter.store.store import Store
from tests.exporter_process import COMMAND, Exporter, exporting
from tests.processes import completed
from tests.programs import program
from tests.senders import sending
from tests.shop import CONFIG, REVENUE, TOKEN, kept_in, send, send_bytes, today, won
from tests.waiting import LIMIT, until
from tests.web.live_server import get

OTHER = "canary-token-of-the-desk-4711"
DESK = "  - {name: desk, provider: push, token: {file: desk_token}, entities: [tickets]}\n"
CALLS = "  - {name: log, provider: csv, path: calls.csv, entity: calls, columns: {id: id}, sync_every: 1s}\n"
LAST_PASS = 'kpi_exporter_source_last_success_timestamp_seconds{entity="calls",source="log"}'


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    path = tmp_path / "kpis.yaml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def shop(config: Path, tmp_path: Path) -> Iterator[Exporter]:
    with exporting(config, tmp_path / "data") as exporter:
        until(lambda: send(exporter, [])[0] == 200)
        yield exporter


def test_posts_change_the_kpi(shop: Exporter) -> None:
    until(lambda: shop.value(REVENUE) == 0)
    assert send(shop, [won(1, 100.5, closed_at=today(), owner="p1"), won(2, 50, closed_at=today())])[1]["new"] == 2
    until(lambda: shop.value(REVENUE) == 150.5)
    assert send(shop, "id,name,team\np1,Ada,North\n", "/push/shop/people")[1]["new"] == 1
    until(lambda: shop.value('team_kpi_value{kpi="yearly_revenue",team="North"}') == 100.5)
    rows = [won(1, 1, closed_at=today()), {"id": 2, "deleted": True}, won(3, "12,5")]
    status, answer = send(shop, rows)
    assert (status, [record["result"] for record in answer["records"]]) == (200, ["updated", "deleted", "rejected"])
    until(lambda: shop.value(REVENUE) == 1)
    send(shop, f"id,status,amount,closed_at\n7,won,300,{today()}\n", "/push/shop/deals?complete=true")
    until(lambda: shop.value(REVENUE) == 300)
    metrics = shop.metrics()
    assert 'kpi_exporter_records_total{entity="deals",result="new",source="shop"} 3.0' in metrics
    assert 'kpi_exporter_records_rejected_total{entity="deals",reason="not_a_number",source="shop"} 1.0' in metrics
    assert 'kpi_exporter_push_posts_total{result="accepted",source="shop"}' in metrics
    assert shop.value('kpi_exporter_source_up{source="shop"}') == 1
    assert send(shop, won(8, "much"))[0] == 400
    assert shop.value('kpi_exporter_source_up{source="shop"}') == 0
    assert shop.value('kpi_exporter_source_state{source="shop",state="schema_error"}') == 1


def test_attacks_change_nothing_and_leak_no_secret(shop: Exporter, tmp_path: Path) -> None:
    send(shop, [won(1, 70, closed_at=today())])
    until(lambda: shop.value(REVENUE) == 70)
    asof = shop.value('kpi_asof_timestamp_seconds{kpi="yearly_revenue"}')
    answers = [send(shop, [won(1, 9, closed_at=today())], token=token) for token in ("", "x" * 9000, TOKEN[:-1], "é")]
    assert {status for status, _ in answers} == {401}
    bodies = [b"", b"{", b"[" * 100_000, b'{"id": "\xff"}', b"nope"]
    for body in bodies:
        assert send_bytes(shop, body)[0] == 400
    chance, whole = random.Random(3), json.dumps([won(number, owner="ümläut") for number in range(3)])
    for _ in range(60):
        broken = bytearray(whole.encode())
        for _ in range(chance.randint(1, 4)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        assert send_bytes(shop, bytes(broken[: chance.randint(1, len(broken))]))[0] == 400
    for table in (b"\xff,\xff\n1,2\n", b"id,\xff\n1\n", b"id,a\n\xff,1\n", b'id\n"', b"", b"\xef\xbb\xbf"):
        assert send_bytes(shop, table, kind="text/csv")[0] == 400
    bad = [won(1, float("nan")), won(2, 10**399), won("\ud800"), won(3, True), {"id": 4, "a": {"b": 1}}, 5]
    status, answer = send(shop, bad)
    assert (status, answer["rejected"]) == (400, 6)
    assert shop.value(REVENUE) == 70
    assert shop.value('kpi_asof_timestamp_seconds{kpi="yearly_revenue"}') == asof
    assert TOKEN not in shop.metrics()
    code, logged = shop.end()
    assert code == 0
    assert b"canary" not in logged
    assert b"Traceback" not in logged
    assert not [path for path in (tmp_path / "data").iterdir() if TOKEN.encode() in path.read_bytes()]


def test_kills_right_after_acknowledgements_lose_no_record(config: Path, tmp_path: Path) -> None:
    rng = random.Random(5)
    data, sent, acknowledged = tmp_path / "data", set[str](), set[str]()
    for number in range(8):
        with exporting(config, data) as exporter, sending(exporter, number * 10_000, 4) as senders:
            for _ in range(rng.randint(1, 8)):
                assert senders.acknowledgement.wait(LIMIT)
                senders.acknowledgement.clear()
            assert exporter.end(signal.SIGKILL)[0] == -signal.SIGKILL
        sent |= senders.sent
        acknowledged |= senders.acknowledged
    stored = kept_in(data)
    assert len(acknowledged) > 20
    assert acknowledged - set(stored) == set()
    assert set(stored) - sent == set()
    assert len(stored) == len(set(stored))


def test_many_posts_delay_neither_scrapes_nor_other_sources(config: Path, tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text("id\n")
    config.write_text(CONFIG.replace("metrics:", f"{CALLS}metrics:"))
    passes, statuses = set[float | None](), set[int]()
    with exporting(config, tmp_path / "data") as exporter:
        with sending(exporter, 0, 40) as senders:

            def others_continue() -> bool:
                passes.add(exporter.value(LAST_PASS))
                statuses.add(get(exporter.port, "/metrics")[0])
                return len(passes) > 3 and len(senders.acknowledged) > 20

            until(others_continue)
        exporter.end(signal.SIGKILL)
    assert statuses == {200}
    assert senders.statuses <= {200, 429, 503}
    assert senders.acknowledged <= set(kept_in(tmp_path / "data"))


def test_a_source_over_its_rate_is_told_to_wait(config: Path, tmp_path: Path) -> None:
    config.write_text(CONFIG.replace("max_per_second: 1000", "max_per_second: 0.05"))
    with exporting(config, tmp_path / "data") as exporter:
        until(lambda: exporter.value('kpi_exporter_source_state{source="shop",state="starting"}') == 1)
        until(lambda: send(exporter, [], token="none")[0] == 401)
        answers = [send(exporter, won(number)) for number in range(12)]
        limited = [answer for status, answer in answers if status == 429]
        assert len(limited) > 3
        assert all(1 <= int(answer["retry_after"]) <= 20 for answer in limited)


def test_nothing_is_acknowledged_while_the_disk_is_full(shop: Exporter, tmp_path: Path) -> None:
    assert send(shop, won(1, 70, closed_at=today()))[0] == 200
    until(lambda: shop.value(REVENUE) == 70)
    pid = shop.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
    status, answer = send(shop, won(2, 5, closed_at=today()))
    assert (status, answer["retry_after"]) == (503, "5")
    assert send(shop, won(3, 5, closed_at=today()))[0] == 503
    until(lambda: shop.value("kpi_exporter_store_up") == 0)
    assert shop.value(REVENUE) == 70
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    until(lambda: send(shop, won(4, 5, closed_at=today()))[0] == 200)
    until(lambda: shop.value(REVENUE) == 75)
    assert shop.value("kpi_exporter_store_up") == 1
    shop.end(signal.SIGKILL)
    assert set(kept_in(tmp_path / "data")) == {"1", "4"}


def test_a_reload_adds_and_removes_sources_and_a_changed_token_file_is_read(shop: Exporter, config: Path) -> None:
    ticket, desk, token = [{"id": 1, "status": "open"}], "/push/desk", config.parent / "desk_token"
    assert send(shop, won(1, 70, closed_at=today()))[0] == 200
    assert send(shop, ticket, desk, OTHER)[0] == 404
    token.write_text(f"{OTHER}\n")
    config.write_text(CONFIG.replace("metrics:", f"{DESK}metrics:"))
    shop.process.send_signal(signal.SIGHUP)
    until(lambda: send(shop, ticket, desk, OTHER)[0] == 200)
    assert send(shop, ticket, desk)[0] == 401
    token.write_text("another-token-of-the-desk\n")
    until(lambda: send(shop, ticket, desk, OTHER)[0] == 401)
    assert send(shop, ticket, desk, "another-token-of-the-desk")[1]["unchanged"] == 1
    config.write_text(CONFIG)
    shop.process.send_signal(signal.SIGHUP)
    until(lambda: send(shop, ticket, desk, "another-token-of-the-desk")[0] == 404)
    until(lambda: not re.search(r'[{,]source="desk"', shop.metrics()))
    assert shop.value('kpi_exporter_removed_source_records{entity="tickets",removed_source="desk"}') == 1
    until(lambda: send(shop, won(1, 70, closed_at=today()))[1].get("rejected") == 0)
    until(lambda: shop.value(REVENUE) == 70)


def test_commands_say_that_push_sources_are_not_read(config: Path, tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, "COLUMNS": "120"}
        return completed([COMMAND, *words, "--config", config], text=True, env=environ)

    data = ("--data-dir", str(tmp_path / "data"))
    for words in (("sync", "--once"), ("values",)):
        done = run(*words, *data)
        assert done.returncode == 0, done.stderr
        assert "shop has never received a post of deals, people; only serve accepts posts" in done.stderr
    with closing(Store.open(tmp_path / "data")) as store:
        assert store.outcomes() == ()
        store.deliver("shop", {"people": Page(())}, datetime.now(UTC))
    checked = run("check", "--sources", *data)
    assert checked.returncode == 0
    assert checked.stdout.count("yes") == 2
    assert "/push/shop/deals" in checked.stdout
    assert "/push/shop/people" not in checked.stdout
    assert "nothing was" not in run("check", "--sources").stdout
    assert run("check", "--sources", "--data-dir", str(tmp_path / "none")).stdout.count("nothing was ever") == 2


def test_the_examples_of_the_readme_work(shop: Exporter, tmp_path: Path) -> None:
    curl = program("curl")
    text = (Path(__file__).parents[1] / "docs/reference/providers/push.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    (tmp_path / "people.csv").write_text("id,name,email,team\np1,Ada,ada@example.com,North\n")
    commands = block.replace("127.0.0.1:9940", f"127.0.0.1:{shop.port}").replace("curl ", f"{curl} -sS ").split("\n\n")
    environ = {**os.environ, "SHOP_TOKEN": TOKEN}
    answers = [json.loads(completed(["sh", "-c", command], cwd=tmp_path, env=environ).stdout) for command in commands]
    assert [(answer["new"], answer["records"][0]["id"]) for answer in answers] == [(1, "4711"), (1, "p1")]
    assert answers[1]["vanished"] == 0
