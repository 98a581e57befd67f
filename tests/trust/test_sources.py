"""What a figure says of its sources: how old it is, how much it rests on, and how much is missing."""

from __future__ import annotations

import json
import os
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


def test_a_forgotten_file_is_as_old_as_it_is(company: Company) -> None:
    path = company.sheet("deals", "id status closed_at", [(n, "won", f"2021-01-{n + 1:02}") for n in range(26)])
    company.metric("won", "deals", where={"status": "won"}, at="closed_at")
    company.kpi("deals_won", "won", target=20)
    written = datetime(2021, 1, 27, 8, tzinfo=UTC).timestamp()
    os.utime(path, (written, written))
    forgotten = company.values("2021-04-20T12:00")["deals_won", None]  # 83 days later
    assert (forgotten["value"], forgotten["status"]) == (None, "stale")
    assert company.series("2021-04-20T12:00")['kpi_asof_timestamp_seconds{kpi="deals_won"}'] == written
    assert company.value("deals_won", "2021-01-27T09:00") == 26, "while it was new, it counted"


def test_rejected_rows_lower_the_coverage(company: Company) -> None:
    amounts = ["n/a", "unknown", *[100] * 38]
    rows = [(n, "won", amount, "2021-02-03T10:00") for n, amount in enumerate(amounts)]
    company.sheet("deals", "id status amount closed_at", rows)
    company.metric("revenue", "deals", where={"status": "won"}, at="closed_at", sum="amount")
    company.kpi("sales", "revenue", target=4000)
    series = company.series("2021-02-28T12:00")
    assert series['kpi_value{kpi="sales"}'] == 3800
    assert series['kpi_coverage_ratio{kpi="sales"}'] == pytest.approx(38 / 40)


def test_rows_without_their_date_lower_the_coverage(company: Company) -> None:
    rows = [(n, "succeeded", 100, "2021-02-03T10:00" if n < 9 else "") for n in range(10)]
    company.sheet("payments", "id status amount paid_at", rows)
    company.metric("received", "payments", where={"status": "succeeded"}, at="paid_at", sum="amount")
    company.kpi("payments", "received", target=1000)
    series = company.series("2021-02-28T12:00")
    assert series['kpi_value{kpi="payments"}'] == 900
    assert series['kpi_coverage_ratio{kpi="payments"}'] == pytest.approx(9 / 10)


def test_the_second_row_with_an_id_is_rejected_with_both_lines(company: Company) -> None:
    # lines 2 to 41: the first and the last row are of one deal, of 100 or of 900
    rows = [("A-1", 100), *[(f"B-{n}", 100) for n in range(38)], ("A-1", 900)]
    company.sheet("deals", "id status amount closed_at", [(i, "won", a, "2021-02-03T10:00") for i, a in rows])
    company.metric("revenue", "deals", where={"status": "won"}, at="closed_at", sum="amount")
    company.kpi("sales", "revenue", target=3900)
    done = company.run("sync", "--once")
    series = company.series("2021-02-28T12:00")
    assert series['kpi_value{kpi="sales"}'] == 3900
    assert series['kpi_coverage_ratio{kpi="sales"}'] == pytest.approx(39 / 40), "one row is missing"
    assert "line 41, whose id is already on line 2" in done.err


def test_a_corrected_file_makes_the_coverage_whole_again(company: Company) -> None:
    # of 10 rows, one has an impossible time and is rejected, and two have none: 7 of 10 count
    times = ["2021-02-01T12:00"] * 7 + ["the 30th of February", "", ""]
    path = company.sheet("tickets", "id created_at", [*enumerate(times)])
    company.metric("received", "tickets", at="created_at")
    company.kpi("tickets", "received", target=7)
    assert company.value("tickets", "2021-02-28T12:00") == 7
    assert company.series("2021-02-28T12:00")['kpi_coverage_ratio{kpi="tickets"}'] == pytest.approx(0.7)
    past = company.backfilled("2021-02-20T12:00", "2021-02-20T13:00", "1h")
    covered = {value for (series, _), value in past.items() if series.startswith("kpi_coverage_ratio")}
    assert [*covered] == [pytest.approx(0.7)], "what is missing now is missing from the past as well"
    table = company.run("values", "--at", "2021-02-28T12:00")
    assert "note: tickets rests on 70 % of its records" in table.err
    path.write_text(
        path.read_text().replace("the 30th of February", "2021-02-02T12:00").replace(",\n", ",2021-02-03\n")
    )
    assert company.run("sync", "--once").code == 0
    assert company.series("2021-02-28T12:00")['kpi_coverage_ratio{kpi="tickets"}'] == 1
    assert company.value("tickets", "2021-02-28T12:00") == 10


def test_a_file_of_which_too_much_is_rejected_gives_no_figure_but_a_reason(company: Company) -> None:
    # more than one row and 5 %: the format has probably changed, and nothing of the file counts
    company.sheet("tickets", "id created_at", [*enumerate(["2021-02-01"] * 4 + ["the 30th of February"] * 6)])
    company.metric("received", "tickets", at="created_at")
    company.kpi("tickets", "received", target=7)
    company.run("sync", "--once")
    (figure,) = json.loads(company.run("values", "--no-sync", "--format", "json").out)["kpis"]
    assert (figure["value"], figure["status"]) == (None, "no_data")
    assert figure["reason"] == "tickets from tickets_sheet are not known yet (too_many_rejected)"
