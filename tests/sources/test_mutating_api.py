"""Any history of creates, updates, deletions, shifting pages and crashes ends in the vendor's own numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from exporter.passes import Page, Pass
from exporter.records import Record
from exporter.sources.providers.rest import create
from tests.sources.source_context import NOW, FakeClock, rest, source_context

SIZE = 3
LOOKBACK = 5

Change = tuple[str, str, int, int, int]
"""What happens to which row, its new amount, how late that shows, and how much time passes before."""

PAGINGS: dict[str, Any] = {
    "keyset": {"cursor": {"path": "after", "param": "after"}},
    "offset": {"offset": {}, "size": {"param": "size", "rows": SIZE}},
}


@dataclass
class Vendor:
    """Rows by id. `meanwhile` holds changes that happen while a pass is read, one before each answer."""

    paging: str = "keyset"
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    stamps: dict[str, datetime] = field(default_factory=dict)
    now: datetime = NOW
    meanwhile: list[Callable[[], None]] = field(default_factory=list)

    def write(self, key: str, amount: int, late: int = 0, *, archived: bool = False) -> None:
        """A change that shows only now, though it is `late` seconds old."""
        at = self.now - timedelta(seconds=late)
        at = self.stamps[key] = max(at, self.stamps.get(key, at))  # no version is older than the one before
        self.rows[key] = {"id": key, "amount": amount, "updated_at": at.isoformat(), "archived": archived}

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.meanwhile:
            self.meanwhile.pop(0)()
        asked = request.url.params
        since = datetime.fromisoformat(asked["since"]) if "since" in asked else None
        rows = [
            row
            for _, row in sorted(self.rows.items())
            if since is None or datetime.fromisoformat(row["updated_at"]) >= since
        ]
        if self.paging == "keyset":
            left = [row for row in rows if row["id"] > asked.get("after", "")]
            more = left[SIZE - 1]["id"] if len(left) > SIZE else None
            return httpx.Response(200, json={"data": left[:SIZE], "after": more})
        offset = int(asked["offset"])
        return httpx.Response(200, json={"data": rows[offset : offset + SIZE], "total": len(rows)})


@dataclass
class Copy:
    """What the store does with pages, in a few lines: stage, then merge by id, newest version first."""

    records: dict[str, Record] = field(default_factory=dict)
    staged: list[Record] = field(default_factory=list)
    cursor: str | None = None
    resume: str | None = None
    full: bool = True
    started_at: datetime = NOW

    def stage(self, page: Page) -> None:
        self.staged += page.records
        self.resume = page.resume

    def publish(self, page: Page) -> None:
        brought = {record.id for record in self.staged}
        for record in self.staged:
            known = self.records.get(record.id)
            if known is None or known.updated_at is None or (record.updated_at or NOW) >= known.updated_at:
                self.records[record.id] = record
        if page.listing is not None:
            self.records = {key: record for key, record in self.records.items() if key in brought}
        self.cursor = page.cursor
        self.staged, self.resume = [], None

    def alive(self) -> dict[str, Any]:
        return {key: getattr(record, "amount", None) for key, record in self.records.items() if not record.deleted}


class History(RuleBasedStateMachine):
    """Does things to the vendor and reads it; the teardown reconciles and compares."""

    changes = st.lists(
        st.tuples(
            st.sampled_from(["write", "write", "archive", "vanish"]),
            st.sampled_from("abcdefghijkl"),
            st.integers(0, 99),
            st.sampled_from([0, 0, LOOKBACK - 1, LOOKBACK]),
            st.sampled_from([0, 0, 0, 1, 3, 20]),
        ),
        max_size=6,
    )

    @initialize(paging=st.sampled_from(sorted(PAGINGS)), count=st.integers(4, 12))
    def begin(self, paging: str, count: int) -> None:
        self.runner = asyncio.Runner()
        self.vendor = Vendor(paging)
        for key in "abcdefghijkl"[:count]:
            self.vendor.write(key, 1)
        self.copy = Copy()
        listing = {
            "pagination": PAGINGS[paging],
            "since": {"param": "since"},
            "deleted": {"field": "archived"},
            **({"total": "total"} if paging == "offset" else {}),
        }
        self.clock = FakeClock()
        self.source = create(
            rest(listing, lookback=f"{LOOKBACK}s"),
            source_context(httpx.MockTransport(self.vendor.answer), clock=self.clock),
        )

    def change(self, kind: str, key: str, amount: int, late: int, passes: int) -> None:
        self.vendor.now += timedelta(seconds=passes)
        self.clock.now = self.vendor.now
        if kind == "vanish":
            self.vendor.rows.pop(key, None)
        else:
            self.vendor.write(key, amount, late, archived=kind == "archive")

    @rule(changes=changes)
    def things_change(self, changes: list[Change]) -> None:
        for change in changes:
            self.change(*change)

    @rule(full=st.booleans(), meanwhile=changes, crash=st.none() | st.integers(0, 3))
    def a_pass(self, full: bool, meanwhile: list[Change], crash: int | None) -> None:
        self.vendor.meanwhile = [lambda change=change: self.change(*change) for change in meanwhile]  # type: ignore[misc]
        self.runner.run(self.read(full, crash))
        for late in self.vendor.meanwhile:
            late()
        self.vendor.meanwhile = []

    async def read(self, full: bool, crash: int | None = None) -> None:
        if self.copy.resume is None:
            self.copy.full, self.copy.started_at, self.copy.staged = full, self.vendor.now, []
        asked = Pass("deals", self.copy.started_at, None if self.copy.full else self.copy.cursor, self.copy.resume)
        page: Page | None = None
        async for page in self.source.read(asked):
            self.copy.stage(page)
            if crash == 0 and page.resume is not None:
                return
            crash = crash - 1 if crash is not None else None
        assert page is not None
        self.copy.publish(page)

    @invariant()
    def the_cursor_never_passes_now(self) -> None:
        if hasattr(self, "copy") and self.copy.cursor:
            assert self.vendor.now.isoformat() >= self.copy.cursor.strip('[]"')

    def teardown(self) -> None:
        if hasattr(self, "vendor"):
            with self.runner:
                self.compare()

    def compare(self) -> None:
        self.runner.run(self.read(full=False))  # whatever was broken off comes to its end
        expected = {key: row["amount"] for key, row in self.vendor.rows.items() if not row["archived"]}
        self.vendor.now += timedelta(seconds=1)
        self.runner.run(self.read(full=False))
        if self.vendor.paging == "keyset":
            assert expected.items() <= self.copy.alive().items()
        self.runner.run(self.read(full=True))
        assert self.copy.alive() == expected


TestHistory = History.TestCase
TestHistory.settings = settings(
    max_examples=150, stateful_step_count=8, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate)
)
