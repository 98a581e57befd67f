"""Faults of time around the program: a night without it, and work that takes long while others scrape."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event

from tests.exporter_process import Exporter, exporting
from tests.faked_clock import starting_at
from tests.fakes.api import FakeApi
from tests.fakes.raw import RESET, RawRequest, served
from tests.test_faults import ASOF, REVENUE, Vendor, company, shows, vendor
from tests.waiting import until
from tests.web.live_server import get

FAILURES = 'kpi_exporter_source_consecutive_failures{entity="deals",source="crm"}'


def won(amount: int, closed: str) -> dict[str, object]:
    return {"id": f"d{amount}", "amount": amount, "closed": closed, "updated_at": closed}


def test_after_a_night_without_the_program_the_new_day_appears_once_it_was_read(tmp_path: Path) -> None:
    """In Zurich 22:30 UTC is half past eleven in the evening, and 23:30 UTC half past midnight."""
    crm = Vendor(FakeApi())
    crm.api.rows = [won(700, "2030-03-10T12:00:00+00:00")]
    data = tmp_path / "data"
    with served(crm.script) as server:
        config = company(tmp_path / "company", server.port, stale_after="1d")
        config.write_text(config.read_text().replace("period: year", "period: day"))
        with exporting(config, data, environ=starting_at("2030-03-10 22:30:00")) as exporter:
            until(lambda: exporter.value(REVENUE) == 700)
            asof = exporter.value(ASOF)
            assert exporter.end()[0] == 0
        crm.failure = RESET
        with exporting(config, data, environ=starting_at("2030-03-10 23:30:00")) as exporter:
            until(lambda: (exporter.value(FAILURES) or 0) > 1)
            seen = exporter.value(REVENUE), exporter.value(ASOF)
            assert seen[0] == 700, "no day begins before a pass has read it"
            assert asof is not None
            assert seen[1] is not None
            assert asof <= seen[1] < asof + 1800
            crm.failure = None
            until(lambda: exporter.value(REVENUE) == 0)
            crm.api.rows.append(won(50, "2030-03-10T23:30:01+00:00"))
            until(lambda: exporter.value(REVENUE) == 50)


def test_scrapes_are_answered_while_a_page_of_many_records_is_read_and_counted(tmp_path: Path) -> None:
    crm = vendor(100_000, page=100_000)
    done = Event()

    def scraped(exporter: Exporter) -> list[int]:
        statuses = []
        while not done.is_set():
            statuses.append(get(exporter.port, "/metrics")[0])
        return statuses

    requested = Event()

    def script(seen: RawRequest) -> object:
        requested.set()
        return crm.script(seen)

    with (
        served(script) as server,  # type: ignore[arg-type]
        exporting(company(tmp_path / "company", server.port), tmp_path / "data") as exporter,
        ThreadPoolExecutor(1) as pool,
    ):
        requested.wait()
        scrapes: Future[list[int]] = pool.submit(scraped, exporter)
        try:
            until(shows(exporter, crm))
        finally:
            done.set()
        statuses = scrapes.result()
    assert set(statuses) == {200}
    assert len(statuses) > 10
