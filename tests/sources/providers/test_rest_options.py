from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from exporter.sources.http.auth import BasicAuthenticator, BearerAuthenticator, HeaderAuthenticator, QueryAuthenticator
from exporter.sources.http.oauth import OAuthAuthenticator
from exporter.sources.http.pagination import (
    CursorPaginator,
    LinkPaginator,
    NumberedPaginator,
    OffsetPaginator,
    PageSize,
    SinglePagePaginator,
)
from exporter.sources.providers.rest import authenticator, paginator, since_params
from tests.sources.source_context import rest, run, source_context

KEY = {"env": "TOKEN"}
SIZE = {"size": {"param": "limit", "rows": 50}}


@pytest.mark.parametrize(
    ("auth", "kind"),
    [
        (None, type(None)),
        ({"bearer": KEY}, BearerAuthenticator),
        ({"basic": {"user": "me", "password": KEY}}, BasicAuthenticator),
        ({"header": {"name": "X-Api-Key", "value": KEY}}, HeaderAuthenticator),
        ({"query": {"name": "apikey", "value": KEY}}, QueryAuthenticator),
        (
            {"oauth": {"client_id": "a", "client_secret": KEY, "token_url": "https://api.test/token"}},
            OAuthAuthenticator,
        ),
    ],
)
def test_each_way_to_authenticate_has_its_authenticator(auth: Any, kind: type) -> None:
    found = authenticator(rest({}, auth=auth), source_context(TOKEN="sesame"))
    assert type(found) is kind
    if found is not None and kind is not OAuthAuthenticator:
        assert (
            "sesame" in str(run(found.credential()).headers | run(found.credential()).params)
            or kind is BasicAuthenticator
        )


@pytest.mark.parametrize(
    ("pagination", "expected"),
    [
        ("none", SinglePagePaginator()),
        ({"cursor": {"path": "next", "param": "after"}}, CursorPaginator("next", "after")),
        (
            {"cursor": {"path": "next", "param": "after", "more": "more"}, **SIZE},
            CursorPaginator("next", "after", PageSize("limit", 50), "more"),
        ),
        ({"next_link": {"path": "next"}, **SIZE}, LinkPaginator("next", PageSize("limit", 50), ("apikey",))),
        ({"next_link": {"header": "Link"}}, LinkPaginator(None, None, ("apikey",))),
        (
            {"page": {"param": "p", "start": 0, "pages": "meta.pages"}, **SIZE},
            NumberedPaginator(PageSize("limit", 50), "p", 0, "meta.pages", "meta.total"),
        ),
        ({"offset": {"param": "skip"}, **SIZE}, OffsetPaginator(PageSize("limit", 50), "skip", "meta.total")),
    ],
)
def test_each_way_of_paging_has_its_paginator(pagination: Any, expected: Any) -> None:
    options = rest({"pagination": pagination, "total": "meta.total"}, auth={"query": {"name": "apikey", "value": KEY}})
    assert paginator(options.entities[0], options) == expected


@pytest.mark.parametrize(
    ("form", "since", "until"),
    [
        ("iso", "2026-03-02T09:00:00Z", "2026-03-03T00:00:00Z"),
        ("epoch", "1772442000", "1772496000"),
        ("epoch_ms", "1772442000999", "1772496000000"),
        ("%Y-%m-%d", "2026-03-02", "2026-03-03"),
        ("%Y-%m-%dT%H:%M:%S.000+00:00", "2026-03-02T09:00:00.000+00:00", "2026-03-03T00:00:00.000+00:00"),
    ],
)
def test_the_bounds_are_written_in_utc_and_rounded_down(form: str, since: str, until: str) -> None:
    listing = rest({"since": {"param": "from", "format": form, "until": "to"}}).entities[0]
    start = datetime(2026, 3, 2, 9, 0, 0, 999999, tzinfo=UTC)
    assert since_params(listing, start, datetime(2026, 3, 3, tzinfo=UTC)) == {"from": since, "to": until}


def test_without_a_filter_there_are_no_bounds() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    assert since_params(rest({}).entities[0], now, now) == {}
    assert since_params(rest({"since": {"param": "from"}}).entities[0], now, now) == {"from": "2026-03-02T00:00:00Z"}
