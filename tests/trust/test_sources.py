"""What a figure says of its sources: how old it is, how much it rests on, and how much is missing."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import pytest

from exporter.passes import Page
from exporter.records import Deal
from exporter.store.store import Store
from tests.trust.company import Company


def test_a_quiet_source_does_not_age_figures_of_another(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "a-token-that-is-long-enough")
    for name in ("shop", "market"):
        company.sources.append({"name": name, "provider": "push", "token": {"env": "TOKEN"}, "entities": ["deals"]})
    closed = datetime(2021, 3, 1, 9, tzinfo=UTC)
    page = Page((Deal(id="1", status="won", closed_at=closed),))
    with closing(Store.open(company.folder / "data")) as store:
        store.deliver("market", {"deals": page}, datetime(2021, 3, 1, 10, tzinfo=UTC))
        store.deliver("shop", {"deals": page}, datetime(2021, 3, 31, 10, tzinfo=UTC))
    company.metric("won_in_shop", "deals", where={"status": "won", "source": "shop"}, at="closed_at")
    company.metric("won", "deals", where={"status": "won"}, at="closed_at")
    company.kpi("shop_deals", "won_in_shop", target=1)
    company.kpi("all_deals", "won", target=2)
    values = company.values("2021-03-31T11:00Z")
    assert values["all_deals", None]["status"] == "stale", "market was last heard of thirty days ago"
    shop = values["shop_deals", None]
    assert (shop["value"], shop["status"]) == (1, "on_track")


def test_daily_rows_that_count_thousands_are_not_too_few(company: Company) -> None:
    days = [f"2021-02-{day:02}T12:00" for day in range(1, 16)]
    rows = [(f"{name} {day}", name, value, day) for name, value in (("visits", 1000), ("orders", 30)) for day in days]
    company.sheet("measurements", "id name value at", rows)
    for name in ("visits", "orders"):
        company.metric(name, "measurements", where={"name": name}, at="at", sum="value", unit="count")
    company.kpi("conversion", "orders / visits", unit="ratio", target=0.03)
    conversion = company.values("2021-02-28T12:00")["conversion", None]
    assert conversion["value"] == pytest.approx(450 / 15_000)
    assert conversion["status"] == "on_track", "15,000 visits are more than the 20 that a share requires"


def test_rejected_and_undated_rows_lower_the_coverage(company: Company) -> None:
    # of 10 rows, one has an impossible time and is rejected, and two have none: 7 of 10 could count
    times = ["2021-02-01T12:00"] * 7 + ["the 30th of February", "", ""]
    path = company.sheet("tickets", "id created_at", [*enumerate(times)])
    company.metric("received", "tickets", at="created_at")
    company.kpi("tickets", "received", target=7)
    assert company.value("tickets", "2021-02-28T12:00") == 7
    assert company.series("2021-02-28T12:00")['kpi_coverage_ratio{kpi="tickets"}'] == pytest.approx(0.7)
    path.write_text(
        path.read_text().replace("the 30th of February", "2021-02-02T12:00").replace(",\n", ",2021-02-03\n")
    )
    assert company.run("sync", "--once").code == 0
    assert company.series("2021-02-28T12:00")['kpi_coverage_ratio{kpi="tickets"}'] == 1
    assert company.value("tickets", "2021-02-28T12:00") == 10


def test_a_file_of_which_too_much_is_rejected_gives_no_figure(company: Company) -> None:
    # more than one row and 5 %: the format has probably changed, and nothing of the file counts
    company.sheet("tickets", "id created_at", [*enumerate(["2021-02-01"] * 7 + ["the 30th of February"] * 3)])
    company.metric("received", "tickets", at="created_at")
    company.kpi("tickets", "received", target=7)
    result = company.run("sync", "--once")
    assert "too_many_rejected" in result.out + result.err
    series = company.run("values", "--no-sync", "--at", "2021-02-28T12:00", "--format", "openmetrics").out
    assert 'kpi_status{kpi="tickets",status="no_data"} 1' in series
