"""The calls are correct whatever happens in an account and wherever passes are interrupted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.demo.aircall import api
from exporter.demo.company.entities import PhoneCall
from exporter.sources.http.pagination import NumberedPaginator, PageSize
from exporter.sources.providers.aircall import reading
from tests.demo.tiny_company import TinyCompany, at, phone_call
from tests.sources.account import Replica
from tests.sources.providers.aircall.phones import Phones


@pytest.fixture(scope="module", autouse=True)
def small_pages() -> Iterator[None]:
    """Pages of two rows and a cap of four, so that a few calls need several windows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "PAGES", NumberedPaginator(PageSize("per_page", 2), total="meta.total"))
        patch.setattr(reading, "CAP", 4)
        patch.setattr(api, "CAP", 4)
        yield


@st.composite
def calls(draw: st.DrawFn) -> list[PhoneCall]:
    """Up to ten calls, at most four in a second, each answered or not and perhaps tagged later."""
    records: list[PhoneCall] = []
    starts = sorted(draw(st.lists(st.integers(0, 120), max_size=10)))
    for key, minute in enumerate(starts, 1):
        shift = sum(start == minute for start in starts[: key - 1]) // 4
        tagged = draw(st.none() | st.integers(1, 200))
        topic = {"topic": "Billing", "tagged_at": at(minute + 5 + tagged)} if tagged else {}
        missed = {"answered_at": None, "agent": None, "missed_reason": "abandoned_in_ivr"}
        records.append(phone_call(key, minute + shift / 30, **topic, **(missed if draw(st.booleans()) else {})))
    return records


EVENTS = st.lists(st.tuples(st.integers(0, 40), st.booleans(), st.sampled_from([None, 1, 2, 3])), max_size=8)


@settings(max_examples=30, deadline=None)
@given(records=calls(), events=EVENTS)
def test_interrupted_passes_over_any_history_end_with_the_current_records(
    records: list[PhoneCall], events: list[tuple[int, bool, int | None]]
) -> None:
    phones = Phones(TinyCompany(calls=records))
    source, replica = phones.source(), Replica()
    phones.clock.advance(1)
    for minutes, full, pages in events:
        phones.clock.advance(minutes)
        if pages is None:
            replica.sync(source, "calls", phones.clock, full=full)
        else:
            replica.break_off(source, "calls", phones.clock, full=full, pages=pages)
    phones.clock.advance(600)
    replica.sync(source, "calls", phones.clock)  # the interrupted pass, with its own bounds
    replica.sync(source, "calls", phones.clock)
    stored = {
        key: (record.status, record.talk_seconds, "tags" in record.attributes)
        for key, record in replica.alive().items()
    }
    assert stored == {
        str(record.id): (
            "answered" if record.answered_at else "abandoned",
            160.0 if record.answered_at else None,
            bool(record.topic),
        )
        for record in records
    }
