"""File systems that are full, read-only or broken under the exporter, in a mount namespace of their own.

Run as a module, it mounts only within the namespace, which disappears when the process ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from tests import small_company
from tests.counted import company, of_source, value_of, vendor
from tests.exporter_process import COMMAND, Exporter, evaluations_pass, exporting
from tests.fakes.raw import served
from tests.namespaces import observed
from tests.processes import completed
from tests.shop import CONFIG, REVENUE, TOKEN, kept_in, send, today, won
from tests.single_use_tokens import Vendor
from tests.single_use_tokens import company as company_with_oauth
from tests.this_year import ZONE
from tests.waiting import until

STORE_UP = "kpi_exporter_store_up"
MEGABYTES = 16
LEDGER_ERRORS = 'kpi_exporter_store_errors_total{op="ledger",reason="failed"}'
DAYS = 40
"""Fewer than 30 workdays."""


def observations(scenario: str, folder: Path) -> dict[str, Any]:
    """The result of a scenario below. The test is skipped if nothing can be mounted."""
    secrets = {"SHOP_TOKEN": TOKEN, "CLIENT": "hush-hush", "REFRESH": "refresh-0"}
    return observed("--mount", __name__, scenario, folder, secrets)


def volume(path: Path) -> Path:
    """A small file system in memory."""
    path.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=700", "none", path)
    return path


@contextmanager
def full(path: Path) -> Iterator[None]:
    """Leaves no space on the volume until the block ends."""
    ballast = path / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    yield
    ballast.unlink()


def posts(folder: Path) -> dict[str, Any]:
    """Posts to an exporter while its store has no space, and afterwards."""
    data = volume(folder / "data")
    with exporting(_shop(folder), data) as exporter:
        acknowledged = _first_post(exporter)
        with full(data):
            answer = _refused(exporter, acknowledged)
            until(lambda: exporter.value(STORE_UP) == 0)
            during = {"retry_after": answer["retry_after"], "value": exporter.value(REVENUE)}
        return {
            "during": during,
            "after": _resumed(exporter, acknowledged),
            "lost": _lost(exporter, data, acknowledged),
        }


def polling(folder: Path) -> dict[str, Any]:
    """An exporter that reads a vendor while its store has no space, and afterwards."""
    deals, data = vendor(50), volume(folder / "data")
    paused = of_source("state", "deals", state="paused")
    with (
        served(deals.script) as server,
        exporting(company(folder / "company", {"deals": server.port}), data) as exporter,
    ):
        until(lambda: exporter.value(value_of("deals")) == deals.count)
        with full(data):
            deals.add(1000)
            until(lambda: exporter.value(paused) == 1)
            during = {"store_up": exporter.value(STORE_UP), "value": exporter.value(value_of("deals"))}
        until(lambda: exporter.value(value_of("deals")) == deals.count)
        return {"during": during, "after": _health(exporter)}


def backups(folder: Path) -> dict[str, Any]:
    """Scheduled backups to a volume without space, and afterwards."""
    target, data = volume(folder / "backups"), folder / "data"
    failure, success = (f"kpi_exporter_backup_last_{end}_timestamp_seconds" for end in ("failure", "success"))
    schedule = ("--backup-dir", str(target), "--backup-every", "1s", "--backup-keep", "2")
    with exporting(_shop(folder), data, *schedule) as exporter:
        acknowledged = _first_post(exporter)
        until(lambda: len(list(target.glob("*.backup"))) == 2)
        with full(target):
            until(lambda: (exporter.value(failure) or 0) > (exporter.value(success) or 0))
            code = completed([COMMAND, "backup", "--data-dir", data, "--out", target / "by-hand"]).returncode
            status = send(exporter, won("during"))[0]
            acknowledged.add("during")
            during = {"code": code, "post": status, "store_up": exporter.value(STORE_UP)}
        until(lambda: (exporter.value(success) or 0) > (exporter.value(failure) or 0))
        exporter.end()
    rest = sorted(path.suffix for path in target.iterdir())
    newest = max(target.glob("*.backup"))
    restored = completed([COMMAND, "restore", newest, "--data-dir", folder / "restored"]).returncode
    return {"during": during, "files": rest, "restored": restored, "lost": _missing(folder / "restored", acknowledged)}


def ledger(folder: Path) -> dict[str, Any]:
    """Periods that are due to be sealed while the store has no space, and afterwards."""
    data, text = volume(folder / "data"), small_company.CONFIG.replace("period: year", "period: day")
    config = small_company.write(folder / "company", text + "history: {settling: 30}\n")
    noon = datetime.combine(datetime.now(UTC).astimezone(ZONE).date(), time(12), ZONE)
    lines = [f"{n},ada,won,{n},{(noon - timedelta(days=n)).isoformat()},2020-01-01" for n in range(1, DAYS)]
    (config.parent / "deals.csv").write_text("\n".join(["id,owner,status,amount,closed,created", *lines]) + "\n")
    previous = 'kpi_previous_value{kpi="yearly_revenue"}'
    with exporting(config, data, "--watch-config") as exporter:
        until(lambda: exporter.value(previous) == 1)
        evaluations_pass(exporter, 2)
        with full(data):
            config.write_text(text + "history: {settling: 0}\n")
            until(lambda: exporter.value(LEDGER_ERRORS))
            during = {"value": exporter.value(previous), "store_up": exporter.value(STORE_UP)}
        evaluations_pass(exporter, 4)
        after = _health(exporter)
        exporter.end()
    seals = _seals(config, data)
    periods = [seal["period"] for seal in seals]
    values = sorted(seal["value"] for seal in seals if seal["value"])
    return {
        "during": during,
        "after": after,
        "twice": len(periods) - len(set(periods)),
        "values": values,
    }


def tokens(folder: Path) -> dict[str, Any]:
    """Single-use refresh tokens while there is no space for a successor, and afterwards."""
    crm, data = Vendor(), volume(folder / "data")
    up = of_source("up", "crm")
    with served(crm.script) as server:
        config = company_with_oauth(folder / "company", server.port)
        with exporting(config, data) as exporter:
            until(lambda: exporter.value(up) == 1)
            with full(data):
                until(lambda: exporter.value(STORE_UP) == 0)
                before = crm.uses
                check = [COMMAND, "check", "--config", config, "--sources", "--data-dir", data]
                code = completed(check).returncode
                during = {"code": code, "spent": crm.uses - before}
            until(lambda: crm.uses > before or crm.is_locked)
            until(lambda: exporter.value(STORE_UP) == 1)
            until(lambda: exporter.value(up) == 1)
            exporter.end()
    stored = f"refresh-{crm.uses}" in (data / "crm.refresh-token").read_text()
    return {"during": during, "locked": crm.is_locked, "stored": stored}


def read_only_start(folder: Path) -> dict[str, Any]:
    """A start on a data directory that is mounted read-only, and once it can be written again."""
    data, config = volume(folder / "data"), _shop(folder)
    with exporting(config, data) as exporter:
        acknowledged = _first_post(exporter)
        exporter.end()
    _run("mount", "-o", "remount,ro", data)
    done = completed([COMMAND, "serve", "--config", config, "--data-dir", data, "--listen", "127.0.0.1:0"], text=True)
    _run("mount", "-o", "remount,rw", data)
    with exporting(config, data) as exporter:
        after = _resumed(exporter, acknowledged)
        return {
            "code": done.returncode,
            "message": done.stderr,
            "after": after,
            "lost": _lost(exporter, data, acknowledged),
        }


def read_only(folder: Path) -> dict[str, Any]:
    """A disk that the kernel makes read-only after an error, as ext4 does; then a restart on the mended disk."""
    image, data, config = folder / "disk", folder / "data", _shop(folder)
    image.touch()
    image.open("r+b").truncate(64 * 1024**2)
    _run("mkfs.ext4", "-q", "-F", image)
    data.mkdir()
    _run("mount", "-o", "loop", image, data)
    with exporting(config, data) as exporter:
        acknowledged = _first_post(exporter)
        _run("mount", "-o", "remount,abort", data)
        answer = _refused(exporter, acknowledged)
        until(lambda: exporter.value(STORE_UP) == 0)
        during = {"retry_after": answer["retry_after"], "value": exporter.value(REVENUE)}
        code = exporter.end()[0]
    _run("umount", data)
    _run("mount", "-o", "loop", image, data)
    with exporting(config, data) as exporter:
        after = _resumed(exporter, acknowledged)
        lost = _lost(exporter, data, acknowledged)
    _run("umount", data)
    return {"during": during, "code": code, "after": after, "lost": lost}


def _run(*command: object) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _shop(folder: Path) -> Path:
    path = folder / "kpis.yaml"
    path.write_text(CONFIG)
    return path


def _first_post(exporter: Exporter) -> set[str]:
    until(lambda: send(exporter, won("first", 70, closed_at=today()))[0] == 200)
    until(lambda: exporter.value(REVENUE) == 70)
    return {"first"}


def _refused(exporter: Exporter, acknowledged: set[str]) -> dict[str, Any]:
    """Posts until one is refused, and adds the acknowledged ones; the answer to the refused one."""
    while True:
        key = f"n{len(acknowledged)}"
        status, answer = send(exporter, won(key, name="x" * 900))
        if status != 200:
            assert status == 503, answer
            return answer
        acknowledged.add(key)


def _resumed(exporter: Exporter, acknowledged: set[str]) -> dict[str, Any]:
    until(lambda: send(exporter, won("last", 5, closed_at=today()))[0] == 200)
    acknowledged.add("last")
    until(lambda: exporter.value(REVENUE) == 75)
    return _health(exporter)


def _health(exporter: Exporter) -> dict[str, Any]:
    until(lambda: exporter.value(STORE_UP) == 1)
    return {"rebuilds": exporter.value("kpi_exporter_store_rebuilds_total")}


def _lost(exporter: Exporter, data: Path, acknowledged: set[str]) -> list[str]:
    exporter.end()
    return _missing(data, acknowledged)


def _missing(data: Path, acknowledged: set[str]) -> list[str]:
    return sorted(acknowledged - set(kept_in(data)))


def _seals(config: Path, data: Path) -> list[dict[str, Any]]:
    """The company's seals."""
    done = completed([COMMAND, "ledger", "-c", config, "-d", data, "--all", "--json"])
    seals: list[dict[str, Any]] = json.loads(done.stdout)["seals"]
    return seals


SCENARIOS: dict[str, Callable[[Path], dict[str, Any]]] = {
    scenario.__name__: scenario for scenario in (posts, polling, backups, ledger, tokens, read_only_start, read_only)
}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(SCENARIOS[sys.argv[1]](Path(sys.argv[2]))))
