"""The ledger of the running program: a period is sealed, restated on /metrics after an edit, and listed afterwards."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from tests import small_company
from tests.exporter_process import COMMAND, evaluations_pass, exporting
from tests.processes import completed
from tests.this_year import ZONE
from tests.waiting import until

CONFIG = small_company.CONFIG.replace("period: year", "period: day") + "history: {settling: 0}\n"
PREVIOUS = 'kpi_previous_value{kpi="yearly_revenue"}'


def write_deals(folder: Path, amounts: tuple[int, ...]) -> None:
    """Deals that were won at noon of yesterday."""
    noon = datetime.combine(datetime.now(UTC).astimezone(ZONE).date() - timedelta(days=1), time(12), ZONE)
    lines = [f"{n},ada,won,{amount},{noon.isoformat()},2020-01-01" for n, amount in enumerate(amounts)]
    (folder / "deals.csv").write_text("\n".join(["id,owner,status,amount,closed,created", *lines]) + "\n")


def test_an_edit_of_a_sealed_day_is_restated_and_does_not_move_the_comparison(tmp_path: Path) -> None:
    company = small_company.write(tmp_path / "company", CONFIG)
    write_deals(company.parent, (400, 300))
    with exporting(company, tmp_path / "data") as exporter:
        until(lambda: exporter.value(PREVIOUS) == 700)
        evaluations_pass(exporter, 2)
        write_deals(company.parent, (400, 900))
        until(lambda: "kpi_restated_value{" in exporter.metrics())
        (line,) = [line for line in exporter.metrics().splitlines() if line.startswith("kpi_restated_value{")]
        assert exporter.value(PREVIOUS) == 700
        assert "Ada" not in line
        exporter.end()
    words = ["ledger", "-c", company, "-d", tmp_path / "data", "--json"]
    document = json.loads(completed([COMMAND, *words]).stdout)
    (seal,), (restatement,) = document["seals"], document["restatements"]
    assert (seal["value"], restatement["previous_value"], restatement["value"]) == (700, 700, 1300)
    assert restatement["cause"] == "edited"
    assert line == f'kpi_restated_value{{kpi="yearly_revenue",period="{seal["period"]}"}} 1300.0'
