"""What a listing says of the records that are not in it."""

from __future__ import annotations

import httpx
import pytest

from exporter.errors import IncompletePassError, Reason
from exporter.passes import Listing
from tests.fakes.api import FakeApi, FakeRow
from tests.sources.providers.rest_passes import AFTER, OFFSET, SINCE, fault, ids, read, rows
from tests.sources.source_context import records_of


class TestDeletions:
    @pytest.mark.parametrize(
        ("mark", "rule"),
        [
            ({"archived": True}, {"field": "archived"}),
            ({"archived": "2026-01-01"}, {"field": "archived"}),
            ({"meta": {"state": "gone"}}, {"field": "meta.state", "equals": "gone"}),
        ],
    )
    def test_a_marked_row_becomes_a_tombstone_and_needs_only_an_id(self, mark: FakeRow, rule: FakeRow) -> None:
        api = FakeApi([*rows(3, archived=None, meta=None), {"id": "x", **mark}])
        pages = read(api, deleted=rule)
        assert [(record.id, record.deleted) for record in records_of(pages)] == [
            ("d0", False), ("d1", False), ("d2", False), ("x", True),
        ]  # fmt: skip

    def test_without_the_mark_nothing_is_deleted(self) -> None:
        pages = read(FakeApi(rows(3)), deleted={"field": "archived"})
        assert not any(record.deleted for record in records_of(pages))

    def test_a_tombstone_without_an_id_is_rejected(self) -> None:
        (page,) = read(FakeApi([*rows(3), {"archived": True}]), deleted={"field": "archived"})
        assert [error.reason for error in page.rejected] == [Reason.MISSING_FIELD]

    def test_an_incremental_pass_has_no_listing(self) -> None:
        api = FakeApi(rows(10))
        cursor = read(api, since=SINCE)[-1].cursor
        assert read(api, cursor=cursor, since=SINCE)[-1].listing is None

    def test_an_incomplete_listing_deletes_nothing(self) -> None:
        assert read(FakeApi(rows(10)), complete=False)[-1].listing is None

    def test_rows_that_shift_while_they_are_read_by_offset_delete_nothing(self) -> None:
        def vanish(api: FakeApi, _: httpx.Request) -> None:
            if len(api.log) == 2:
                del api.rows[0]

        moving = FakeApi(rows(25), paging="offset", before=vanish)
        pages = read(moving, pagination=OFFSET, total="total")
        assert "d10" not in ids(pages)
        assert pages[-1].listing is None
        assert read(moving, pagination=OFFSET, total="total")[-1].listing == Listing()


class TestCaps:
    @pytest.mark.parametrize("pagination", [AFTER, OFFSET])
    def test_a_silent_cap_fails_the_pass(self, pagination: FakeRow) -> None:
        api = FakeApi(rows(100), hidden=40, paging="cursor" if pagination is AFTER else "offset")
        error = fault(api, pagination=pagination, total="total")
        assert isinstance(error, IncompletePassError)
        assert error.reason is Reason.CAPPED

    def test_rows_that_appear_during_a_pass_are_not_a_cap(self) -> None:
        def arrive(api: FakeApi, _: httpx.Request) -> None:
            api.rows.insert(0, rows(1)[0] | {"id": f"new{len(api.log)}"})

        read(FakeApi(rows(25), before=arrive), pagination=AFTER, total="total")

    def test_pages_without_end_stop_at_the_configured_number(self) -> None:
        error = fault(FakeApi(rows(100)), pagination=AFTER, max_pages=3)
        assert (error.reason, isinstance(error, IncompletePassError)) == (Reason.PAGE_LIMIT, True)
