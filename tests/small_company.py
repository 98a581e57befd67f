"""A company in three files: a config, its deals and its people. For tests of the whole program."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from tests.this_year import recent

CONFIG = """\
company: {name: Small, timezone: Europe/Zurich, currency: CHF}
sources:
  - name: crm
    provider: csv
    path: deals.csv
    entity: deals
    sync_every: 1s
    columns: {id: id, owner: owner, status: status, amount: amount, closed_at: closed, created_at: created}
  - name: hr
    provider: csv
    path: people.csv
    entity: people
    sync_every: 1s
    columns: {id: id, name: name, team: team}
metrics:
  - {name: revenue, title: Revenue, entity: deals, where: {status: won}, at: closed_at, sum: amount, unit: currency}
  - {name: deals_won, title: Deals won, entity: deals, where: {status: won}, at: closed_at, count: rows}
objectives:
  - {name: grow, title: Grow, owner: boss@example.com}
kpis:
  - name: yearly_revenue
    title: Revenue this year
    objective: grow
    department: Sales
    owner: boss@example.com
    why: It pays for everything.
    value: revenue
    period: year
    better: higher
    target: 1000
    applies_to: all
    supporting: [deals_won]
    scopes: [company, team, person]
"""

SECOND_KPI = """\
  - name: yearly_deals
    title: Deals this year
    objective: grow
    department: Sales
    owner: boss@example.com
    why: Many small ones are safer than one large one.
    value: deals_won
    period: year
    better: higher
    target: 10
"""


def write(directory: Path, config: str = CONFIG, amounts: tuple[int, ...] = (400, 300)) -> Path:
    """Writes the files; all deals were won minutes ago by Ada of team North. Gives the config's path."""
    directory.mkdir(parents=True, exist_ok=True)
    deals(directory, amounts)
    (directory / "people.csv").write_text("id,name,team\nada,Ada Lovelace,North\n")
    path = directory / "kpis.yaml"
    path.write_text(config)
    return path


def deals(directory: Path, amounts: tuple[int, ...]) -> None:
    """Replaces the deals."""
    closed = recent(timedelta(minutes=2))
    lines = [f"{n},ada,won,{a},{closed.isoformat()},2020-01-01" for n, a in enumerate(amounts)]
    (directory / "deals.csv").write_text("\n".join(["id,owner,status,amount,closed,created", *lines]) + "\n")


def rewritten(folder: Path, sources: list[dict[str, object]]) -> Path:
    """Writes the company with its two KPIs and these sources."""
    text = CONFIG + SECOND_KPI
    before, after = text[: text.index("sources:")], text[text.index("metrics:") :]
    scopes = "    scopes: [company, team, person]\n"
    return write(folder, before + f"sources: {json.dumps(sources)}\n" + after.replace(scopes, ""))
