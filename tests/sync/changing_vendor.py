"""A vendor whose records change while they are read, for the model test.

Its feed of changes shows each change only after a while, in pages of which some come twice. Its full listing
goes by id. It answers with what there is at the moment of each page.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from exporter.passes import Listing, Page, Pass
from exporter.records import Deal
from exporter.sources.base import Access
from tests.sync.fakes import NOON

LAG = timedelta(seconds=120)
PAGE = 3


class Crash(BaseException):
    """The process ends here: nothing behind this point runs."""


@dataclass
class Vendor:
    """What there is, the time, and a script of what happens between pages."""

    deals: dict[str, Deal] = field(default_factory=dict)
    shown: dict[str, list[tuple[datetime, Deal]]] = field(default_factory=dict)
    now: datetime = NOON
    events: list[Callable[[], None]] = field(default_factory=list)

    def put(self, key: str, name: str, visible_after: timedelta) -> None:
        """Creates or changes a deal."""
        self._change(Deal(id=key, name=name, updated_at=self.now, created_at=NOON), visible_after)

    def delete(self, key: str, visible_after: timedelta) -> None:
        """Deletes a deal; the feed of changes says so."""
        if key in self.deals:
            self._change(Deal(id=key, deleted=True, updated_at=self.now), visible_after)

    def visible(self) -> list[Deal]:
        """Each deal as its latest visible version."""
        latest = {}
        for key, versions in self.shown.items():
            visible = [deal for at, deal in versions if at <= self.now]
            if visible:
                latest[key] = max(reversed(visible), key=lambda deal: deal.updated_at or NOON)
        return list(latest.values())

    def happen(self) -> None:
        """The next event of the script, if any."""
        if self.events:
            self.events.pop(0)()

    def _change(self, deal: Deal, visible_after: timedelta) -> None:
        self.deals[deal.id] = deal
        self.shown.setdefault(deal.id, []).append((self.now + visible_after, deal))


@dataclass
class VendorSource:
    """Reads like a correct provider: by key, from the cursor minus a lookback, never beyond the start of the pass."""

    vendor: Vendor
    name: str = "crm"
    entities: tuple[str, ...] = ("deals",)
    lag: timedelta = LAG

    async def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """Pages of changes, or of everything."""
        pages = self._everything(sync_pass) if sync_pass.cursor is None else self._changes(sync_pass)
        async for page in pages:
            yield page
            self.vendor.happen()

    async def check(self) -> tuple[Access, ...]:
        """Not sync_pass for."""
        return ()

    async def close(self) -> None:
        """Nothing to close."""

    async def _everything(self, sync_pass: Pass) -> AsyncIterator[Page]:
        after = sync_pass.resume or ""
        while True:
            remaining = sorted(
                (deal for deal in self.vendor.visible() if not deal.deleted and deal.id > after), key=lambda d: d.id
            )
            if not remaining:
                break
            page = remaining[:PAGE]
            after = page[-1].id
            yield Page((*page, page[0]), resume=after)
        yield Page((), cursor=(sync_pass.started_at - LAG).isoformat(), listing=Listing())

    async def _changes(self, sync_pass: Pass) -> AsyncIterator[Page]:
        cursor = datetime.fromisoformat(sync_pass.cursor or "")
        start, after = (cursor - LAG).isoformat(), sync_pass.resume or ""
        newest = cursor
        while True:
            changed = [(f"{deal.updated_at:%Y-%m-%dT%H:%M:%S.%f} {deal.id}", deal) for deal in self.vendor.visible()]
            remaining = sorted((key, deal) for key, deal in changed if key > after and key >= start[:19])
            if not remaining:
                break
            page = remaining[:PAGE]
            after = page[-1][0]
            newest = max(newest, *(deal.updated_at or newest for _, deal in page))
            yield Page(tuple(deal for _, deal in page), resume=after)
        next_cursor = max(cursor, min(newest, sync_pass.started_at - LAG))
        yield Page((), cursor=next_cursor.isoformat())
