"""The vendor of the soak: bursts of server errors, and deals of ever more owners."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Lock

from tests.fakes.api import FakeApi
from tests.fakes.raw import RawRequest, ScriptStep, raw_response
from tests.this_year import recent

ERRORS = (500, 502, 503, 504)
PAGE = 1000


@dataclass
class SoakVendor:
    """Lists deals in pages. In the first third of every period half of the requests fail."""

    owners: int
    period: float
    random: random.Random
    api: FakeApi = field(default_factory=lambda: FakeApi(page=PAGE))
    requests: int = 0
    errors: int = 0
    _renamed: int = 0
    _lock: Lock = field(default_factory=Lock)
    _start: float = field(default_factory=time.monotonic)

    def script(self, request: RawRequest) -> Iterable[ScriptStep]:
        """One answer, for a server of tests.fakes.raw."""
        with self._lock:
            self.requests += 1
            if (time.monotonic() - self._start) % self.period < self.period / 3 and self.random.random() < 0.5:
                self.errors += 1
                return [raw_response(b"", self.random.choice(ERRORS))]
            return self.api.script(request)

    def add_deals(self) -> None:
        """One deal for each owner."""
        with self._lock:
            self.api.rows += [self._deal(number, f"owner {number}") for number in range(self.owners)]

    def rename_owners(self, count: int) -> None:
        """Gives some deals owners that were never there before."""
        with self._lock:
            for number in self.random.sample(range(self.owners), count):
                self._renamed += 1
                self.api.rows[number] = self._deal(number, f"newcomer {self._renamed}")

    def _deal(self, number: int, owner: str) -> dict[str, str]:
        changed = recent(timedelta(seconds=1)).isoformat()
        made = self.api.rows[number]["made"] if number < len(self.api.rows) else changed
        return {"id": f"d{number}", "owner": owner, "made": made, "updated_at": changed}


CONFIG = """\
company: {{name: Soak, timezone: Europe/Zurich, currency: CHF}}
sources: [{source}]
metrics:
  - {{name: deals_listed, title: Listed deals, entity: deals, at: created_at, count: rows, by: [owner], periods: [year]}}
objectives:
  - {{name: grow, title: Grow, owner: boss@example.com}}
kpis:
  - name: all_deals
    title: All deals
    objective: grow
    department: Sales
    owner: boss@example.com
    why: What is not counted is not seen.
    value: deals_listed
    period: year
    better: higher
    target: 10
"""


def write_config(path: Path, port: int) -> Path:
    """A config whose only source is the vendor at the port."""
    listing = {
        "entity": "deals",
        "path": "/rows",
        "records": "data",
        "pagination": {"cursor": {"path": "paging.next.after", "param": "after"}},
        "since": {"param": "since"},
        "columns": {"id": "id", "owner": "owner", "created_at": "made", "updated_at": "updated_at"},
    }
    address = {"base_url": f"http://127.0.0.1:{port}", "allow_insecure": True, "allow_private": True}
    times = {"sync_every": "5s", "timeout": "60s", "stale_after": "1h"}
    source = {"name": "crm", "provider": "rest", **address, **times, "entities": [listing]}
    path.write_text(CONFIG.format(source=json.dumps(source)))
    return path
