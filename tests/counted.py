"""A company whose KPIs count the records of its vendors, for tests of the whole program."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tests.fakes.api import FakeApi
from tests.fakes.raw import RawRequest, ScriptStep
from tests.this_year import recent

KPI = """\
  - name: all_{entity}
    title: All {entity}
    objective: grow
    department: Sales
    owner: boss@example.com
    why: What is not counted is not seen.
    value: {entity}_listed
    period: year
    better: higher
    target: 10
"""


@dataclass
class Vendor:
    """Lists its records in pages. Each was created just before it was added, and has a `note` that no column reads."""

    api: FakeApi = field(default_factory=FakeApi)
    note: str = ""

    def script(self, seen: RawRequest) -> Iterable[ScriptStep]:
        """The script for a server of tests.fakes.raw."""
        return self.api.script(seen)

    def add(self, count: int) -> None:
        """Adds records."""
        created = recent(timedelta(seconds=1)).isoformat()
        first = len(self.api.rows)
        self.api.rows += [
            {"id": f"n{number}", "made": created, "updated_at": created, "note": self.note}
            for number in range(first, first + count)
        ]

    @property
    def count(self) -> int:
        return len(self.api.rows)


def vendor(count: int, page: int = 100, note: str = "") -> Vendor:
    new_vendor = Vendor(FakeApi(page=page), note)
    new_vendor.add(count)
    return new_vendor


def company(folder: Path, ports: Mapping[str, int], timeout: str = "60s") -> Path:
    """Writes a config with one source per entity, named like the entity, whose vendor listens on the given port."""
    folder.mkdir(parents=True)
    lines = [
        "company: {name: Small, timezone: Europe/Zurich, currency: CHF}",
        f"sources: {json.dumps([_source(entity, port, timeout) for entity, port in ports.items()])}",
        "metrics:",
        *(
            f"  - {{name: {entity}_listed, title: Listed {entity}, entity: {entity}, at: created_at, count: rows}}"
            for entity in ports
        ),
        "objectives:",
        "  - {name: grow, title: Grow, owner: boss@example.com}",
        "kpis:",
    ]
    path = folder / "kpis.yaml"
    path.write_text("\n".join(lines) + "\n" + "".join(KPI.format(entity=entity) for entity in ports))
    return path


def value_of(entity: str) -> str:
    """The series that counts the entity's records."""
    return f'kpi_value{{kpi="all_{entity}"}}'


def of_source(family: str, source: str, /, **labels: str) -> str:
    """A series of the exporter's own metrics about the source."""
    pairs = sorted({"source": source, **labels}.items())
    selector = ",".join(f'{name}="{value}"' for name, value in pairs)
    return f"kpi_exporter_source_{family}{{{selector}}}"


def _source(entity: str, port: int, timeout: str) -> dict[str, object]:
    listing = {
        "entity": entity,
        "path": "/rows",
        "records": "data",
        "pagination": {"cursor": {"path": "paging.next.after", "param": "after"}},
        "since": {"param": "since"},
        "columns": {"id": "id", "created_at": "made", "updated_at": "updated_at"},
    }
    return {
        "name": entity,
        "provider": "rest",
        "base_url": f"http://127.0.0.1:{port}",
        "allow_insecure": True,
        "allow_private": True,
        "sync_every": "1s",
        "timeout": timeout,
        "stale_after": "1h",
        "entities": [listing],
    }
