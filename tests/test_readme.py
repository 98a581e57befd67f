"""The README shows what its config really becomes."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import RunCli
from tests.dashboards.generated import panel

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTEXT = """\
company: {name: Example, timezone: Europe/Zurich, currency: CHF, hours: {opens: "08:00", closes: "18:00"}}
sources:
  - {name: crm, provider: csv, path: deals.csv, entity: deals, columns: {id: id, status: status, closed_at: closed}}
objectives:
  - {name: grow_sales, title: Grow sales, owner: sales@example.com}
contacts:
  - {name: sales_lead, email: sales@example.com}
alerting:
  smtp: {host: mail.example.com, port: 587, sender: kpi@example.com}
"""
AT = "2026-11-25T12:00"


def blocks(heading: str) -> list[str]:
    """The code blocks of a section."""
    section = README.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```\w*\n(.*?)```", section, re.DOTALL)


def one_line(text: str) -> str:
    """A query however it is laid out."""
    return re.sub(r"\s+", " ", text.strip()).replace("( ", "(")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The README's config, with the sections it leaves out and 60 won deals of 200."""
    rows = [f"{n},{'won' if n % 10 < 3 else 'lost'},2026-{10 + n % 2}-{1 + n % 20:02}T09:00:00Z" for n in range(200)]
    (tmp_path / "deals.csv").write_text("\n".join(["id,status,closed", *rows]) + "\n")
    path = tmp_path / "kpis.yaml"
    path.write_text(CONTEXT + blocks("From YAML to Grafana")[0])
    return path


@pytest.fixture
def generated(config: Path, run_cli: RunCli, tmp_path: Path) -> Path:
    """What is generated from it."""
    done = run_cli("generate", "--config", config, "--out", tmp_path / "generated")
    assert (done.code, done.err) == (0, "")
    return tmp_path / "generated"


def test_the_series_it_shows_are_those_of_its_config(config: Path, run_cli: RunCli, tmp_path: Path) -> None:
    done = run_cli("values", "-c", config, "-d", tmp_path / "data", "--at", AT, "--format", "openmetrics")
    assert done.code == 0, done.err
    exposed = dict(line.rsplit(" ", 1) for line in done.out.splitlines() if not line.startswith("#"))
    shown = dict(line.rsplit(" ", 1) for line in blocks("From YAML to Grafana")[1].splitlines())
    assert len(shown) == 6
    assert {name: float(value) for name, value in shown.items()} == {name: float(exposed[name]) for name in shown}


def test_the_query_it_shows_is_the_generated_one(generated: Path) -> None:
    board: dict[str, Any] = json.loads((generated / "grafana/dashboards/kpi/dept-sales.json").read_text())
    assert f"`{board['title']}`" in README
    table = next(panel(board, entry["id"]) for entry in board["panels"] if entry["title"] == "KPIs")
    (query,) = [target["expr"] for target in table["targets"] if target["refId"] == "P"]
    assert one_line(query) == one_line(blocks("From YAML to Grafana")[2])


@pytest.mark.parametrize("board", ["overview", "kpi-detail"])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_shows_the_boards_in_small_pictures(board: str, theme: str) -> None:
    picture = f"docs/boards/{board}-{theme}.png"
    assert f"]({picture})" in README
    content = (ROOT / picture).read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) < 150_000


def test_the_alert_it_shows_is_the_generated_one(generated: Path) -> None:
    rules = (generated / "prometheus/rules/kpi-alerts.yml").read_text()
    assert textwrap.indent(blocks("From YAML to Grafana")[3], "  ") in rules
    routes = (generated / "alertmanager/alertmanager.yml").read_text()
    assert "receiver: sales_lead" in routes
    assert "active_time_intervals" in routes


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_make_target_it_names_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for name in re.findall(r"^make ([a-z-]+)", README, re.MULTILINE):
        assert f"\n{name}: " in makefile, name
