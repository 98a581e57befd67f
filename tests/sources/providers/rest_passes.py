"""The rest provider in front of a fake API, and its passes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from exporter.errors import SourceError
from exporter.passes import Page
from exporter.sources.base import Source
from exporter.sources.providers.rest import create
from tests.fakes.api import FakeApi, FakeRow
from tests.sources.source_context import NOW, FakeClock, pages_of, records_of, rest, run, source_context

AFTER = {"cursor": {"path": "paging.next.after", "param": "after"}, "size": {"param": "size", "rows": 10}}
OFFSET = {"offset": {}, "size": {"param": "size", "rows": 10}}
SINCE = {"param": "since"}


def rows(count: int, **given: Any) -> list[FakeRow]:
    """Rows that changed minute by minute, a month ago."""
    start = NOW - timedelta(days=30)
    return [
        {"id": f"d{n}", "amount": n, "updated_at": (start + timedelta(minutes=n)).isoformat(), **given}
        for n in range(count)
    ]


def source(
    api: FakeApi, clock: FakeClock | None = None, options_: dict[str, Any] | None = None, **listing: Any
) -> Source:
    """The provider in front of the API."""
    found = rest(listing, **(options_ or {}))
    return create(found, source_context(api.transport(), clock=clock, CLIENT="hush", TOKEN="token-1"))


def read(api: FakeApi, cursor: str | None = None, resume: str | None = None, **listing: Any) -> list[Page]:
    """All pages of one pass."""
    return run(pages_of(source(api, **listing), cursor, resume))


def fault(api: FakeApi, **listing: Any) -> SourceError:
    """How a pass fails."""
    with pytest.raises(SourceError) as caught:
        read(api, **listing)
    return caught.value


def ids(pages: list[Page]) -> list[str]:
    """The ids of all records, in order."""
    return [record.id for record in records_of(pages)]
