"""A damaged store, observed from outside: it is never a small number, whatever was damaged and whoever looks."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from exporter.errors import ExitCode
from exporter.store.schema import SCHEMA_VERSION
from tests.exporter_process import COMMAND, Exporter, exporting
from tests.processes import completed
from tests.shop import CONFIG, REVENUE, TOKEN, send, today, won
from tests.store.earlier_shapes import build
from tests.this_year import recent
from tests.waiting import until
from tests.web.live_server import get

PAYMENTS = 400
UP = 'kpi_exporter_kpi_up{kpi="yearly_revenue"}'
UNACCEPTED = "kpi_exporter_store_rebuilds_unaccepted"
UPGRADED = f"""{CONFIG.partition("sources:")[0]}\
sources:
  - {{name: shop, provider: push, token: {{env: SHOP_TOKEN}}, entities: [payments]}}
metrics:
  - {{name: paid, title: Payments, entity: payments, where: {{status: succeeded}}, at: paid_at, count: rows}}
objectives:
  - {{name: grow, title: Grow, owner: boss@example.com}}
kpis:
  - name: paid
    title: Payments this year
    objective: grow
    department: Sales
    owner: boss@example.com
    why: It pays for everything.
    value: paid
    period: year
    better: higher
    target: 1000
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    monkeypatch.delenv("KPI_EXPORTER_ON_CORRUPT", raising=False)
    path = tmp_path / "kpis.yaml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def receive(config: Path, data: Path, *, kill: bool = False) -> None:
    """Leaves a store with acknowledged posts, of one each, in a file of many blocks or, after a kill, in its log."""
    with exporting(config, data) as exporter:
        note = "x" * 400
        until(
            lambda: (
                send(exporter, [won(key, note=f"{key}{note}", closed_at=today()) for key in range(PAYMENTS)])[0] == 200
            )
        )
        until(lambda: exporter.value(REVENUE) == PAYMENTS)
        exporter.end(signal.SIGKILL if kill else signal.SIGTERM)


def run(*words: object) -> tuple[int, str, str]:
    """Exit code and output of a command."""
    ended = completed([COMMAND, *map(str, words)], text=True, env={**os.environ, "COLUMNS": "200"})
    return ended.returncode, ended.stdout, ended.stderr


def overwrite(path: Path, offset: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(os.urandom(length))


def notes(path: Path) -> list[int]:
    """Offsets of the first note in each of the file's blocks; which of them are in use, only DuckDB knows."""
    content, block = path.read_bytes(), 262_144
    offsets = (content.find(b"x" * 400, start, start + block) for start in range(3 * 4096, len(content), block))
    return [offset for offset in offsets if offset >= 0]


def flip_bits(path: Path) -> None:
    """One in each block that has notes, as a disk does: the file's times do not change."""
    status = path.stat()
    offsets = notes(path)
    assert offsets
    with path.open("r+b") as file:
        for offset in offsets:
            file.seek(offset)
            file.write(b"y")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def garbage(path: Path) -> None:
    for offset in notes(path):
        overwrite(path, offset, 200)


def foreign(path: Path) -> None:
    path.unlink()
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE deals AS SELECT 'x' AS id, 'won' AS status")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "header overwritten": lambda path: overwrite(path, 0, 64),
    "truncated to a third": lambda path: os.truncate(path, path.stat().st_size // 3),
    "zero length": lambda path: os.truncate(path, 0),
    "garbage in a middle page": garbage,
    "log deleted": lambda path: path.with_name("kpi.duckdb.wal").unlink(),
    "foreign database": foreign,
    "deleted": lambda path: path.unlink(),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_store_of_pushed_records_ends_every_command_and_stays_as_it_is(
    config: Path, data: Path, kind: str
) -> None:
    receive(config, data, kill=kind == "log deleted")
    DAMAGE[kind](data / "kpi.duckdb")
    before = {path.name: path.read_bytes() for path in data.iterdir() if path.is_file()}
    options = ("--config", config, "--data-dir", data)
    for words in (
        ("serve", "--listen", "127.0.0.1:0"),
        ("values", "--no-sync"),
        ("sync", "--once"),
        ("backfill", "--out", config.with_name("history.om")),
        ("accept-loss",),
    ):
        command = (*words, *options) if words[0] != "accept-loss" else (*words, "--data-dir", data)
        code, out, err = run(*command)
        assert (code, out) == (ExitCode.STORE, ""), (words, err)
        assert "kpi.duckdb" in err or "there is no store in" in err
        assert "Traceback" not in err
    assert {path.name: path.read_bytes() for path in data.iterdir() if path.is_file()} == before


@pytest.mark.parametrize("kind", DAMAGE)
def test_after_a_rebuild_pushed_kpis_are_withheld_until_the_loss_is_accepted(
    config: Path, data: Path, kind: str
) -> None:
    receive(config, data, kill=kind == "log deleted")
    DAMAGE[kind](data / "kpi.duckdb")
    with exporting(config, data, "--on-corrupt", "rebuild") as exporter:
        until(lambda: send(exporter, won("new", closed_at=today()))[0] == 200)
        until(
            lambda: exporter.value('kpi_exporter_source_last_success_timestamp_seconds{entity="deals",source="shop"}')
        )
        until(lambda: exporter.value(UNACCEPTED) == 1)
        assert (exporter.value(REVENUE), exporter.value(UP)) == (None, 0)
        assert exporter.value("kpi_exporter_store_rebuilds_total") == 1
        told = page(exporter)
        assert "a new store replaced a damaged one" in told
        assert "deals that shop pushed before" in told
        assert ("damaged-1" in told) == (kind != "deleted")
        logged = exporter.end()[1].decode()
    errors = [json.loads(line) for line in logged.splitlines() if '"error"' in line.lower()]
    assert any("accept-loss" in str(line) and "kpi.duckdb" in str(line) for line in errors), logged
    with exporting(config, data) as exporter:
        until(lambda: exporter.value(UNACCEPTED) == 1)
        assert (exporter.value(REVENUE), exporter.value(UP)) == (None, 0)
        code, out, _ = run("accept-loss", "--data-dir", data)
        assert (code, out.count("accepted: On 20")) == (0, 1)
        until(lambda: exporter.value(REVENUE) == 1)
        assert (exporter.value(UNACCEPTED), exporter.value(UP)) == (0, 1)
        until(lambda: "damaged" not in page(exporter))


def page(exporter: Exporter) -> str:
    return get(exporter.port, "/")[2].decode()


def test_values_say_why_a_kpi_is_withheld_after_a_rebuild(config: Path, data: Path) -> None:
    receive(config, data)
    flip_bits(data / "kpi.duckdb")
    options = ("--config", config, "--data-dir", data, "--no-sync")
    code, _, _ = run("values", *options)
    assert code == ExitCode.STORE
    code, out, err = run("values", *options, "--on-corrupt", "rebuild")
    assert code == 0
    assert "damaged-1" in err
    assert "not known yet" in out or "lost with a damaged store" in out
    with exporting(config, data) as exporter:
        until(lambda: send(exporter, won("new", closed_at=today()))[0] == 200)
    code, out, err = run("values", *options, "--format", "json")
    kpis = {kpi["kpi"]: kpi for kpi in json.loads(out)["kpis"]}
    assert kpis["yearly_revenue"]["value"] is None
    assert "accept-loss" in kpis["yearly_revenue"]["reason"]
    assert "accept the loss with kpi-exporter accept-loss" in err
    assert run("accept-loss", "--data-dir", data)[0] == 0
    assert run("accept-loss", "--data-dir", data)[1] == "there is no loss to accept\n"
    code, out, _ = run("values", *options, "--format", "json")
    kpis = {kpi["kpi"]: kpi for kpi in json.loads(out)["kpis"]}
    assert kpis["yearly_revenue"]["value"] == 1


def test_the_policy_of_the_environment_holds_for_every_command(
    config: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(config, data)
    os.truncate(data / "kpi.duckdb", 0)
    monkeypatch.setenv("KPI_EXPORTER_ON_CORRUPT", "rebuild")
    assert run("values", "--no-sync", "--config", config, "--data-dir", data)[0] == 0
    assert (data / "kpi.duckdb.damaged-1").exists()
    os.truncate(data / "kpi.duckdb", 0)
    monkeypatch.setenv("KPI_EXPORTER_ON_CORRUPT", "fail")
    assert run("values", "--no-sync", "--config", config, "--data-dir", data)[0] == ExitCode.STORE
    assert not (data / "kpi.duckdb.damaged-2").exists()


def test_a_loss_of_a_directory_without_a_store_cannot_be_accepted(tmp_path: Path) -> None:
    code, _, err = run("accept-loss", "--data-dir", tmp_path)
    assert code == ExitCode.STORE
    assert f"there is no store in {tmp_path}" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("policy", ["fail", "rebuild"])
def test_a_bit_that_flips_while_the_exporter_runs_is_never_a_small_number(
    config: Path, data: Path, policy: str
) -> None:
    receive(config, data)
    with exporting(config, data, "--on-corrupt", policy) as exporter:
        assert exporter.value(REVENUE) in (None, PAYMENTS)
        seen = set[float | None]()
        flip_bits(data / "kpi.duckdb")
        statuses = set[int]()

        def withheld() -> bool:
            statuses.add(send(exporter, won("new", closed_at=today(), owner="somebody"))[0])
            seen.add(exporter.value(REVENUE))
            return exporter.value(UP) == 0 and exporter.value(REVENUE) is None

        until(withheld)
        if policy == "fail":
            until(lambda: exporter.value("kpi_exporter_store_up") == 0)
            assert "The store is damaged" in page(exporter)
        else:
            until(lambda: exporter.value(UNACCEPTED) == 1)
            assert "a new store replaced a damaged one" in page(exporter)
            until(lambda: send(exporter, won("new", closed_at=today()))[0] == 200)
            until(lambda: exporter.value("kpi_exporter_store_up") == 1)
        assert exporter.value(REVENUE) is None
        assert seen <= {None, PAYMENTS, PAYMENTS + 1}
        logged = exporter.end()[1].decode()
    assert "kpi.duckdb" in logged
    assert "checksum" in logged


@pytest.mark.parametrize("policy", ["fail", "rebuild"])
def test_a_store_deleted_while_the_exporter_runs_is_never_a_small_number(config: Path, data: Path, policy: str) -> None:
    with exporting(config, data, "--on-corrupt", policy) as exporter:
        until(lambda: send(exporter, [won(key, closed_at=today()) for key in range(PAYMENTS)])[0] == 200)
        until(lambda: exporter.value(REVENUE) == PAYMENTS)
        (data / "kpi.duckdb").unlink()
        assert send(exporter, won("lost", closed_at=today()))[0] == 503
        until(lambda: exporter.value(UP) == 0 and exporter.value(REVENUE) is None)
        if policy == "rebuild":
            until(lambda: send(exporter, won("new", closed_at=today()))[0] == 200)
            until(lambda: exporter.value(UNACCEPTED) == 1)
            assert exporter.value(REVENUE) is None
        else:
            assert exporter.value("kpi_exporter_store_up") == 0
            assert not (data / "kpi.duckdb").exists()


@pytest.mark.parametrize("number", range(1, SCHEMA_VERSION))
def test_acknowledged_payments_survive_an_upgrade_from_every_earlier_version(
    config: Path, data: Path, number: int
) -> None:
    path = build(data, number)
    with duckdb.connect(str(path)) as connection:
        connection.execute("DELETE FROM payments")
        connection.execute(
            "INSERT INTO payments (source, id, deleted, status, amount, currency, paid_at, attributes)"
            " SELECT 'shop', r::VARCHAR, FALSE, 'succeeded', 1, 'EUR', ?::TIMESTAMP, '{}' FROM range(?) t(r)",
            [today().rstrip("Z"), PAYMENTS],
        )
        connection.execute("UPDATE outcomes SET watermark = ?::TIMESTAMP", [now()])
        connection.execute("UPDATE outcomes SET last_success = watermark")
    config.write_text(UPGRADED)
    options = ("--config", config, "--data-dir", data)
    code, out, _ = run("values", "--no-sync", "--format", "json", *options)
    assert (code, paid(out)) == (0, PAYMENTS)
    assert (data / f"kpi.duckdb.before-{SCHEMA_VERSION}").exists()
    with exporting(config, data) as exporter:
        payment = {"id": "one more", "status": "succeeded", "amount": 1, "currency": "EUR", "paid_at": today()}
        until(lambda: send(exporter, payment, "/push/shop/payments")[0] == 200)
        until(lambda: exporter.value('kpi_value{kpi="paid"}') == PAYMENTS + 1)
        assert exporter.value("kpi_exporter_store_rebuilds_total") == 0


def now() -> str:
    """In UTC, as the store has it."""
    return f"{recent(timedelta(0)):%Y-%m-%dT%H:%M:%S}"


def paid(document: str) -> float | None:
    (kpi,) = [kpi for kpi in json.loads(document)["kpis"] if kpi["kpi"] == "paid"]
    value: float | None = kpi["value"]
    return value


def test_a_newer_store_and_an_unknown_one_are_refused_and_stay_as_they_are(config: Path, data: Path) -> None:
    receive(config, data)
    path = data / "kpi.duckdb"
    for change, told in (
        ("schema_version = 9999", f"version 9999.*up to {SCHEMA_VERSION}"),
        ("shape = 'x'", "does not know"),
    ):
        with duckdb.connect(str(path)) as connection:
            connection.execute(f"UPDATE store_meta SET {change}")
        before = path.read_bytes()
        for policy in ("rebuild", "fail"):
            code, _, err = run("values", "--no-sync", "--config", config, "--data-dir", data, "--on-corrupt", policy)
            assert code == ExitCode.STORE
            assert re.search(told, err), err
        assert path.read_bytes() == before
        with duckdb.connect(str(path)) as connection:
            connection.execute("UPDATE store_meta SET schema_version = ?", [SCHEMA_VERSION])
