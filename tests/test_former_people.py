"""People who left lose their names while the installed program serves, and get them back when they are posted again."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from exporter.passes import Listing, Page
from exporter.records import Deal, Person
from exporter.store.store import Store
from tests.exporter_process import Exporter, exporting
from tests.shop import CONFIG, REVENUE, TOKEN, send
from tests.this_year import recent
from tests.waiting import until
from tests.web.live_server import get

ADA, BOB = Person(id="u1", name="Ada Lovelace", team="North"), Person(id="u2", name="Bob", team="North")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    path = tmp_path / "kpis.yaml"
    path.write_text(f"{CONFIG}privacy: {{keep_people: 30d}}\n")
    return path


def fill(data: Path) -> None:
    """A store whose last complete list of people, of forty days ago, lacks Ada, who won a deal."""
    now = datetime.now(UTC)
    won = recent(timedelta(minutes=2))
    deal = Deal(id="1", owner="u1", status="won", amount=Decimal(70), closed_at=won, created_at=won)
    with closing(Store.open(data)) as store:
        store.deliver("shop", {"people": Page((ADA, BOB), listing=Listing())}, now - timedelta(days=50))
        store.deliver("shop", {"people": Page((BOB,), listing=Listing())}, now - timedelta(days=40))
        store.deliver("shop", {"deals": Page((deal,))}, now)


def persons(exporter: Exporter) -> dict[str, float]:
    """Revenue by person."""
    lines = [line for line in get(exporter.port, "/metrics")[2].decode().splitlines() if "person_kpi_value{" in line]
    return {line.split('person="')[1].split('"')[0]: float(line.rsplit(" ", 1)[1]) for line in lines}


def test_a_running_process_takes_the_names_of_people_who_left_and_gives_them_back(config: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    fill(data)
    with exporting(config, data) as exporter:
        until(lambda: any(name.startswith("former-") for name in persons(exporter)))
        assert {value for name, value in persons(exporter).items() if name.startswith("former-")} == {70}
        assert "Ada Lovelace" not in persons(exporter)
        assert exporter.value(REVENUE) == 70
        assert [path.name for path in data.iterdir() if path.is_file() and b"Lovelace" in path.read_bytes()] == []
        people = [{"id": "u1", "name": "Ada King", "team": "North"}, {"id": "u2", "name": "Bob", "team": "North"}]
        until(lambda: send(exporter, people, "/push/shop/people?complete=true")[0] == 200)
        until(lambda: persons(exporter).get("Ada King") == 70)
        assert exporter.end()[0] == 0
