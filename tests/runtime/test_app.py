"""The process as a whole, in this process: what it shows, keeps, reloads, and how it ends."""

from __future__ import annotations

import io
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from exporter.errors import ConfigError, StartError, StoreError, StoreLockedError
from exporter.logs import Logs, Outlet, Redactor
from exporter.runtime import app as app_module
from exporter.runtime.app import App
from exporter.settings import Address, Settings
from exporter.store.store import Store
from exporter.sync.scheduler import Scheduler
from exporter.web.server import bind
from tests import small_company

PATIENCE = 30.0


@pytest.fixture(autouse=True)
def _switch_interval_as_before() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


def settings(directory: Path, **more: object) -> Settings:
    known = {"listen": Address("127.0.0.1", 0), "evaluate_every": 0.2, **more}
    return Settings(directory / "kpis.yaml", directory / "data", **known)  # type: ignore[arg-type]


def quiet() -> Outlet:
    """Logs that nobody reads."""
    return Outlet(io.StringIO())


def during(told: Settings, scenario: Callable[[str], None], outlet: Outlet | None = None) -> None:
    """Runs the app here, on the main thread, and the scenario beside it; then ends the app as an operator would."""
    failures: list[BaseException] = []

    def act(address: str) -> None:
        try:
            scenario(address)
        except BaseException as error:  # noqa: BLE001 - raised again on the main thread
            failures.append(error)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    App(told, os.environ, Logs(Redactor(), outlet or quiet())).run(
        lambda address: Thread(target=act, args=(address,)).start()
    )
    if failures:
        raise failures[0]


def read(url: str) -> str:
    """What is answered there."""
    with urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def scrape(address: str) -> dict[str, float]:
    """Every sample by its name and labels."""
    lines = [line for line in read(f"{address}/metrics").splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def until(condition: Callable[[], object]) -> None:
    """Waits until something is true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


def value_of(address: str, kpi: str = "yearly_revenue") -> float | None:
    return scrape(address).get(f'kpi_value{{kpi="{kpi}"}}')


def test_records_become_series_and_a_page(tmp_path: Path) -> None:
    small_company.write(tmp_path)

    def scenario(address: str) -> None:
        until(lambda: value_of(address) == 700)
        person = 'person_kpi_value{kpi="yearly_revenue",person="Ada Lovelace",team="North"}'
        until(lambda: scrape(address).get(person) == 700)
        found = scrape(address)
        assert found['kpi_exporter_source_up{source="crm"}'] == 1
        assert found['kpi_exporter_kpi_up{kpi="yearly_revenue"}'] == 1
        assert found["kpi_exporter_store_up"] == 1
        assert "Revenue this year" in read(f"{address}/")
        small_company.deals(tmp_path, (400, 300, 50))
        until(lambda: value_of(address) == 750)

    during(settings(tmp_path), scenario)


def test_the_next_start_shows_the_last_snapshot_though_a_source_fails(tmp_path: Path) -> None:
    small_company.write(tmp_path)
    seen: dict[str, float] = {}

    def first(address: str) -> None:
        until(lambda: value_of(address) == 700)
        seen.update(scrape(address))

    def second(address: str) -> None:
        found = scrape(address)
        assert found['kpi_value{kpi="yearly_revenue"}'] == 700
        asof = 'kpi_asof_timestamp_seconds{kpi="yearly_revenue"}'
        assert seen[asof] <= found[asof] < seen[asof] + PATIENCE
        until(lambda: scrape(address).get('kpi_exporter_source_up{source="crm"}') == 0)
        assert read(f"{address}/-/ready") == "ready\n"
        until(
            lambda: scrape(address).get('kpi_exporter_source_consecutive_failures{entity="deals",source="crm"}', 0) > 0
        )
        assert value_of(address) == 700

    during(settings(tmp_path), first)
    header, *_ = (tmp_path / "deals.csv").read_text().splitlines()
    nonsense = [f"{n},ada,won,much,yesterday,then" for n in range(50)]
    (tmp_path / "deals.csv").write_text("\n".join([header, *nonsense]))
    during(settings(tmp_path), second)


def test_sighup_takes_a_good_config_and_refuses_a_bad_one(tmp_path: Path) -> None:
    path = small_company.write(tmp_path)

    def scenario(address: str) -> None:
        until(lambda: value_of(address) == 700)
        path.write_text(small_company.CONFIG + small_company.SECOND_KPI)
        os.kill(os.getpid(), signal.SIGHUP)
        until(lambda: value_of(address, "yearly_deals") == 2)
        path.write_text(small_company.CONFIG.replace("better: higher", "better: louder"))
        os.kill(os.getpid(), signal.SIGHUP)
        until(lambda: scrape(address)["kpi_exporter_config_last_reload_successful"] == 0)
        small_company.deals(tmp_path, (400, 300, 50))
        until(lambda: value_of(address) == 750)
        assert value_of(address, "yearly_deals") == 3
        path.write_text(small_company.CONFIG)
        os.kill(os.getpid(), signal.SIGHUP)
        until(lambda: value_of(address, "yearly_deals") is None)
        found = scrape(address)
        assert not any("yearly_deals" in name for name in found)
        assert found["kpi_exporter_config_last_reload_successful"] == 1
        assert value_of(address) == 750

    during(settings(tmp_path), scenario)


def test_a_source_that_the_config_no_longer_names_is_forgotten(tmp_path: Path) -> None:
    path = small_company.write(tmp_path)
    without_people = small_company.CONFIG.replace("  - name: hr\n", "  - name: persons\n")

    def scenario(address: str) -> None:
        until(lambda: value_of(address) == 700)
        path.write_text(without_people)
        os.kill(os.getpid(), signal.SIGHUP)
        until(lambda: 'kpi_exporter_source_up{source="persons"}' in scrape(address))
        until(lambda: scrape(address).get('kpi_exporter_source_up{source="persons"}') == 1)
        assert not any('source="hr"' in name for name in scrape(address))

    during(settings(tmp_path), scenario)


def test_a_watched_config_is_loaded_when_its_text_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "LOOK_EVERY", 0.1)
    path = small_company.write(tmp_path)

    def scenario(address: str) -> None:
        until(lambda: value_of(address) == 700)
        loaded = scrape(address)["kpi_exporter_config_last_reload_success_timestamp_seconds"]
        path.write_text(small_company.CONFIG + small_company.SECOND_KPI)
        until(lambda: value_of(address, "yearly_deals") == 2)
        again = scrape(address)["kpi_exporter_config_last_reload_success_timestamp_seconds"]
        assert again > loaded
        path.write_text("company: nonsense")
        until(lambda: scrape(address)["kpi_exporter_config_last_reload_successful"] == 0)

    during(settings(tmp_path, watch_config=True), scenario)


def test_people_are_served_apart_where_the_config_asks_for_it(tmp_path: Path) -> None:
    small_company.write(tmp_path, small_company.CONFIG + "privacy: {people: separate}\n")

    def scenario(address: str) -> None:
        until(lambda: value_of(address) == 700)
        until(lambda: "person_kpi_value{" in read(f"{address}/metrics/people"))
        assert not any(name.startswith("person_") for name in scrape(address))
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"{address}/metrics/nothing", timeout=10)

    during(settings(tmp_path), scenario)


def test_a_taken_port_is_told_before_the_store_is_touched(tmp_path: Path) -> None:
    small_company.write(tmp_path)
    with bind("127.0.0.1", 0) as taken:
        address = Address("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(StartError, match="--listen"):
            App(settings(tmp_path, listen=address), os.environ, Logs(Redactor(), quiet())).run()
    assert not (tmp_path / "data").exists()


def test_a_store_in_use_is_told_and_the_port_is_free_again(tmp_path: Path) -> None:
    small_company.write(tmp_path)
    with bind("127.0.0.1", 0) as free:
        address = Address("127.0.0.1", free.getsockname()[1])
    store = Store.open(tmp_path / "data")
    try:
        with pytest.raises(StoreLockedError, match="another kpi-exporter"):
            App(settings(tmp_path, listen=address), os.environ, Logs(Redactor(), quiet())).run()
    finally:
        store.close()
    bind("127.0.0.1", address.port).close()


def test_a_bad_config_is_told_before_anything_starts(tmp_path: Path) -> None:
    small_company.write(tmp_path, "company: nonsense")
    with pytest.raises(ConfigError):
        App(settings(tmp_path), os.environ, Logs(Redactor(), quiet())).run()


def test_rates_that_cannot_be_read_keep_it_from_starting(tmp_path: Path) -> None:
    rates = "currency: CHF, rates_csv: rates.csv}"
    small_company.write(tmp_path, small_company.CONFIG.replace("currency: CHF}", rates))
    (tmp_path / "rates.csv").write_text("currency,since,rate\nEUR,yesterday,none\n")
    with pytest.raises(ConfigError, match=r"rates\.csv"):
        App(settings(tmp_path), os.environ, Logs(Redactor(), quiet())).run()


@pytest.mark.parametrize("fault", [StoreError("disk is gone"), RuntimeError("a fault of ours")])
def test_what_is_shown_stays_where_syncing_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    small_company.write(tmp_path)
    during(settings(tmp_path), lambda address: until(lambda: value_of(address) == 700))

    async def broken(_: Scheduler) -> None:
        raise fault

    monkeypatch.setattr(Scheduler, "run", broken)
    during(settings(tmp_path), lambda address: until(lambda: value_of(address) == 700))


def test_an_evaluation_that_fails_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from exporter.runtime.publisher import Publisher

    small_company.write(tmp_path)
    real = Publisher.publish
    tries: list[int] = []

    def sometimes(self: Publisher, now: object) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("a fault of ours")
        real(self, now)  # type: ignore[arg-type]

    monkeypatch.setattr(Publisher, "publish", sometimes)
    during(settings(tmp_path), lambda address: until(lambda: value_of(address) == 700))


def test_lines_that_the_log_dropped_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "LOOK_EVERY", 0.1)
    small_company.write(tmp_path)
    outlet = Outlet(io.StringIO())

    def scenario(address: str) -> None:
        assert scrape(address)["kpi_exporter_log_lines_dropped_total"] == 0
        outlet.dropped = 3
        until(lambda: scrape(address)["kpi_exporter_log_lines_dropped_total"] == 3)
        outlet.dropped = 5
        until(lambda: scrape(address)["kpi_exporter_log_lines_dropped_total"] == 5)

    during(settings(tmp_path), scenario, outlet)
    outlet.close()
