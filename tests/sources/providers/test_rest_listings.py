"""Several listings of one entity, and whether each may be read."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from exporter.errors import SourceRejectedError
from exporter.passes import Listing
from exporter.sources.base import Access, Source
from exporter.sources.providers.rest import create
from tests.fakes.api import FakeApi
from tests.sources.providers.rest_passes import AFTER, SINCE, ids, rows, source
from tests.sources.source_context import options, pages_of, run, source_context


class TestListings:
    def two(self, api: FakeApi, **second: Any) -> Source:
        columns = {"id": "id", "updated_at": "updated_at"}
        listing = {"entity": "deals", "records": "data", "columns": columns, "pagination": AFTER}
        found = options(
            provider="rest",
            base_url="https://api.test",
            entities=[
                {**listing, "path": "/open"},
                {**listing, "path": "/closed", "since": SINCE, **second},
                {**listing, "entity": "tickets", "path": "/tickets"},
            ],
        )
        return create(found, source_context(api.transport()))

    def vendor(self) -> FakeApi:
        def prefixed(api: FakeApi, request: httpx.Request) -> None:
            api.rows = [{**row, "id": request.url.path + row["id"]} for row in rows(15)]

        return FakeApi(before=prefixed)

    def test_two_listings_of_one_entity_are_one_pass(self) -> None:
        api = self.vendor()
        found = self.two(api)
        assert found.entities == ("deals", "tickets")
        pages = run(pages_of(found))
        assert ids(pages) == [f"/{path}d{n}" for path in ("open", "closed") for n in range(15)]
        assert [page.listing for page in pages] == [None, None, None, Listing()]
        assert json.loads(pages[-1].cursor or "") == [None, rows(15)[-1]["updated_at"]]

    def test_an_interrupted_pass_continues_in_its_listing(self) -> None:
        whole = run(pages_of(self.two(self.vendor())))
        for place, page in enumerate(whole[:-1]):
            rest_of_it = run(pages_of(self.two(self.vendor()), resume=page.resume))
            assert ids(whole[: place + 1]) + ids(rest_of_it) == ids(whole)
            assert rest_of_it[-1].cursor == whole[-1].cursor

    def test_a_pass_with_a_cursor_in_one_listing_is_not_complete(self) -> None:
        found = self.two(self.vendor())
        cursor = run(pages_of(found))[-1].cursor
        assert run(pages_of(found, cursor))[-1].listing is None


class TestCheck:
    def test_every_entity_is_tried(self) -> None:
        assert run(source(FakeApi(rows(50)), pagination=AFTER).check()) == (Access("deals", allowed=True),)

    def test_a_missing_permission_is_named(self) -> None:
        api = FakeApi(before=lambda *_: httpx.Response(403, json={}))
        assert run(source(api).check()) == (Access("deals", allowed=False, missing="read access to /rows"),)
        (access,) = run(source(FakeApi(before=lambda *_: httpx.Response(404, json={}))).check())
        assert access.missing.startswith("not_found: /rows: ")

    def test_refused_credentials_are_an_error(self) -> None:
        api = FakeApi(before=lambda *_: httpx.Response(401, json={}))
        with pytest.raises(SourceRejectedError):
            run(source(api).check())

    @pytest.mark.parametrize("path", ["/open", "/closed"])
    def test_one_denied_listing_decides_for_its_entity(self, path: str) -> None:
        api = TestListings().vendor()
        inner = api.before
        api.before = lambda api, request: (
            httpx.Response(403, json={}) if request.url.path == path else inner(api, request)
        )
        assert run(TestListings().two(api).check()) == (
            Access("deals", allowed=False, missing=f"read access to {path}"),
            Access("tickets", allowed=True),
        )
