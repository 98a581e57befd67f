"""The records are correct whatever happens in an account and wherever passes are interrupted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.demo.company.entities import LeadHistory
from exporter.sources.http.pagination import CursorPaginator, PageSize
from exporter.sources.providers.hubspot import api, reading
from tests.demo.tiny_company import TinyCompany, at, lead
from tests.sources.account import Replica
from tests.sources.providers.hubspot.crm import Crm

WAYS = (
    ("new", "working", "qualified", "converted"),
    ("new", "working", "qualified", "lost"),
    ("new", "working", "lost"),
)
MINUTES = st.integers(0, 120)


@pytest.fixture(scope="module", autouse=True)
def small_pages() -> Iterator[None]:
    """Pages of two rows, so that a few records need several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "_PAGES", CursorPaginator("paging.next.after", "after", PageSize("limit", 2)))
        patch.setattr(api, "SEARCH_ROWS", 2)
        patch.setattr(reading, "SEARCH_ROWS", 2)
        yield


@st.composite
def leads(draw: st.DrawFn) -> list[LeadHistory]:
    """Up to eight leads that change, are archived or are merged at any time, often in the same minute."""
    records = []
    for key in range(1, draw(st.integers(1, 8)) + 1):
        moments = sorted(draw(st.lists(MINUTES, min_size=1, max_size=4)))
        end = draw(st.sampled_from([None, "archived_at", "merged_at"]))
        after = moments[-1] + draw(st.integers(1, 30))
        record = lead(
            key, *zip(moments, draw(st.sampled_from(WAYS)), strict=False), **({end: at(after)} if end else {})
        )
        records.append(record)
    return records


EVENTS = st.lists(st.tuples(st.integers(0, 25), st.booleans(), st.sampled_from([None, 1, 2, 3])), max_size=8)
"""Minutes that pass, whether everything is read, and after how many pages the process is killed."""


@settings(max_examples=30, deadline=None)
@given(records=leads(), events=EVENTS, lag=st.integers(0, 50))
def test_interrupted_passes_over_any_history_end_with_the_current_records(
    records: list[LeadHistory], events: list[tuple[int, bool, int | None]], lag: int
) -> None:
    crm = Crm(TinyCompany(leads=records))
    crm.shape.lag *= lag / 8
    source, replica = crm.source("leads"), Replica()
    for minutes, full, pages in events:
        crm.clock.advance(minutes)
        if pages is None:
            replica.sync(source, "leads", crm.clock, full=full)
        else:
            replica.break_off(source, "leads", crm.clock, full=full, pages=pages)
    crm.clock.advance(300)
    now = int(crm.clock.now.timestamp())
    replica.sync(source, "leads", crm.clock)  # the interrupted pass, with its own bounds
    replica.sync(source, "leads", crm.clock)
    expected = {
        str(record.id): record.stage(now) for record in records if record.exists(now) and not record.archived(now)
    }
    assert {key: record.status for key, record in replica.alive().items()}.items() >= expected.items()
    replica.sync(source, "leads", crm.clock, full=True)
    assert {key: record.status for key, record in replica.alive().items()} == expected
