"""The whole app in this process: what it serves and stores, how it reloads and stops."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from exporter.errors import ConfigError, StartError, StoreError, StoreLockedError
from exporter.logs import Logs, Redactor, ThreadedHandler
from exporter.runtime import app as app_module
from exporter.runtime.app import App
from exporter.settings import ListenAddress, Settings
from exporter.store.store import Store
from exporter.sync.scheduler import Scheduler
from exporter.web.server import bind
from tests import small_company
from tests.waiting import LIMIT, until


@pytest.fixture(autouse=True)
def _switch_interval_as_before() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


def settings(directory: Path, **changes: object) -> Settings:
    values = {"listen": (ListenAddress("127.0.0.1", 0),), "evaluate_every": 0.2, **changes}
    return Settings(directory / "kpis.yaml", directory / "data", **values)  # type: ignore[arg-type]


def quiet() -> ThreadedHandler:
    """Discards the logs."""
    return ThreadedHandler(io.StringIO())


def during(app_settings: Settings, scenario: Callable[[str], None], handler: ThreadedHandler | None = None) -> None:
    """Runs the app on the main thread and `scenario` in another one, then stops the app with SIGTERM."""
    failures: list[BaseException] = []

    def act(address: str) -> None:
        try:
            scenario(address)
        except BaseException as error:  # noqa: BLE001 - raised again on the main thread
            failures.append(error)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    App(app_settings, os.environ, Logs(Redactor(), handler or quiet())).run(
        lambda address: Thread(target=act, args=(address,)).start()
    )
    if failures:
        raise failures[0]


def read(url: str) -> str:
    """The body of the response."""
    with urlopen(url, timeout=LIMIT) as response:
        text: str = response.read().decode()
        return text


def scrape(address: str) -> dict[str, float]:
    """Every sample by its name and labels."""
    lines = [line for line in read(f"{address}/metrics").splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def value_of(address: str, kpi: str = "yearly_revenue") -> float | None:
    return scrape(address).get(f'kpi_value{{kpi="{kpi}"}}')


def test_records_become_series_and_a_page(tmp_path: Path) -> None:
    small_company.write(tmp_path)

    def scenario(address: str) -> None:
        until(lambda: value_of(address) == 700)
        person = 'person_kpi_value{kpi="yearly_revenue",person="Ada Lovelace",team="North"}'
        until(lambda: scrape(address).get(person) == 700)
        samples = scrape(address)
        assert samples['kpi_exporter_source_up{source="crm"}'] == 1
        assert samples['kpi_exporter_kpi_up{kpi="yearly_revenue"}'] == 1
        assert samples["kpi_exporter_store_up"] == 1
        assert "Revenue this year" in read(f"{address}/")
        small_company.deals(tmp_path, (400, 300, 50))
        until(lambda: value_of(address) == 750)

    during(settings(tmp_path), scenario)


def test_the_next_start_serves_the_last_snapshot_even_if_a_source_fails(tmp_path: Path) -> None:
    small_company.write(tmp_path)
    last_samples: dict[str, float] = {}

    def first(address: str) -> None:
        until(lambda: value_of(address) == 700)
        last_samples.update(scrape(address))

    def second(address: str) -> None:
        samples = scrape(address)
        assert samples['kpi_value{kpi="yearly_revenue"}'] == 700
        asof = 'kpi_asof_timestamp_seconds{kpi="yearly_revenue"}'
        assert last_samples[asof] <= samples[asof] < last_samples[asof] + LIMIT
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


def test_sighup_loads_a_valid_config_and_rejects_an_invalid_one(tmp_path: Path) -> None:
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
        samples = scrape(address)
        assert not any("yearly_deals" in name for name in samples)
        assert samples["kpi_exporter_config_last_reload_successful"] == 1
        assert value_of(address) == 750

    during(settings(tmp_path), scenario)


def test_a_source_that_left_the_config_has_no_series(tmp_path: Path) -> None:
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
    monkeypatch.setattr(app_module, "POLL_INTERVAL", 0.1)
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


def test_people_are_served_separately_if_the_config_says_so(tmp_path: Path) -> None:
    small_company.write(tmp_path, small_company.CONFIG + "privacy: {people: separate}\n")

    def scenario(address: str) -> None:
        until(lambda: value_of(address) == 700)
        until(lambda: "person_kpi_value{" in read(f"{address}/metrics/people"))
        assert not any(name.startswith("person_") for name in scrape(address))
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"{address}/metrics/nothing", timeout=LIMIT)

    during(settings(tmp_path), scenario)


def test_a_port_in_use_is_reported_before_the_store_is_opened(tmp_path: Path) -> None:
    small_company.write(tmp_path)
    with bind("127.0.0.1", 0) as occupied:
        address = ListenAddress("127.0.0.1", occupied.getsockname()[1])
        with pytest.raises(StartError, match="--listen"):
            App(settings(tmp_path, listen=(address,)), os.environ, Logs(Redactor(), quiet())).run()
    assert not (tmp_path / "data").exists()


def test_a_store_in_use_is_reported_and_the_port_is_released(tmp_path: Path) -> None:
    small_company.write(tmp_path)
    with bind("127.0.0.1", 0) as free:
        address = ListenAddress("127.0.0.1", free.getsockname()[1])
    store = Store.open(tmp_path / "data")
    try:
        with pytest.raises(StoreLockedError, match="another kpi-exporter"):
            App(settings(tmp_path, listen=(address,)), os.environ, Logs(Redactor(), quiet())).run()
    finally:
        store.close()
    bind("127.0.0.1", address.port).close()


def test_an_invalid_config_is_reported_before_anything_starts(tmp_path: Path) -> None:
    small_company.write(tmp_path, "company: nonsense")
    with pytest.raises(ConfigError):
        App(settings(tmp_path), os.environ, Logs(Redactor(), quiet())).run()


def test_invalid_exchange_rates_prevent_the_start(tmp_path: Path) -> None:
    rates = "currency: CHF, rates_csv: rates.csv}"
    small_company.write(tmp_path, small_company.CONFIG.replace("currency: CHF}", rates))
    (tmp_path / "rates.csv").write_text("currency,since,rate\nEUR,yesterday,none\n")
    with pytest.raises(ConfigError, match=r"rates\.csv"):
        App(settings(tmp_path), os.environ, Logs(Redactor(), quiet())).run()


@pytest.mark.parametrize("fault", [StoreError("disk is gone"), RuntimeError("a bug")])
def test_values_stay_served_if_syncing_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    small_company.write(tmp_path)
    during(settings(tmp_path), lambda address: until(lambda: value_of(address) == 700))

    async def broken(_: Scheduler) -> None:
        raise fault

    monkeypatch.setattr(Scheduler, "run", broken)
    during(settings(tmp_path), lambda address: until(lambda: value_of(address) == 700))


def test_a_failed_evaluation_is_retried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from exporter.runtime.publisher import Publisher

    small_company.write(tmp_path)
    publish = Publisher.publish
    attempts: list[int] = []

    def fail_once(self: Publisher, now: object) -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise RuntimeError("a bug")
        publish(self, now)  # type: ignore[arg-type]

    monkeypatch.setattr(Publisher, "publish", fail_once)
    during(settings(tmp_path), lambda address: until(lambda: value_of(address) == 700))


def test_dropped_log_lines_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "POLL_INTERVAL", 0.1)
    small_company.write(tmp_path)
    handler = ThreadedHandler(io.StringIO())

    def scenario(address: str) -> None:
        assert scrape(address)["kpi_exporter_log_lines_dropped_total"] == 0
        handler.dropped = 3
        until(lambda: scrape(address)["kpi_exporter_log_lines_dropped_total"] == 3)
        handler.dropped = 5
        until(lambda: scrape(address)["kpi_exporter_log_lines_dropped_total"] == 5)

    during(settings(tmp_path), scenario, handler)
    handler.close()
