from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from exporter.errors import IncompletePassError, Reason, SourceError, SourceRejectedError
from exporter.sources.http.client import ApiResponse, SourceClient
from exporter.sources.http.pagination import (
    CursorPaginator,
    LinkPaginator,
    ListRequest,
    NumberedPaginator,
    OffsetPaginator,
    PageSize,
    Paginator,
    SinglePagePaginator,
    walk,
)
from tests.fakes.api import FakeApi, Paging
from tests.sources.source_context import http_options, run, source_context

SIZE = PageSize("size", 10)
CURSOR = CursorPaginator("paging.next.after", "after", SIZE)
PAGING_STYLES: dict[str, tuple[Paging, Paginator]] = {
    "none": ("none", SinglePagePaginator()),
    "cursor": ("cursor", CURSOR),
    "link in the body": ("link", LinkPaginator("next", SIZE)),
    "link in the header": ("header", LinkPaginator(None, SIZE)),
    "page number": ("page", NumberedPaginator(SIZE)),
    "page number with a total": ("page", NumberedPaginator(SIZE, total="total")),
    "offset": ("offset", OffsetPaginator(SIZE)),
    "offset with a total": ("offset", OffsetPaginator(SIZE, total="total")),
}


def rows_of(response: ApiResponse) -> Sequence[Any]:
    rows: list[Any] = response.body["data"]
    return rows


async def collected(
    api: FakeApi, paginator: Paginator, position: str | None = None, max_pages: int = 1000, stop: int | None = None
) -> tuple[list[int], str | None]:
    context = source_context(api.transport())
    client = SourceClient(http_options(), "https://api.test", None, context)
    ids: list[int] = []
    listed = ListRequest("/rows", {"kind": "x"}, paginator, rows_of, max_pages, {"x-version": "7"})
    async for batch in walk(client, listed, position):
        ids += [row["id"] for row in batch.rows]
        position = batch.following
        if stop is not None and len(ids) >= stop:
            break
    return ids, position


def api(count: int, paging: Paging, **settings: Any) -> FakeApi:
    return FakeApi(rows=[{"id": number} for number in range(count)], paging=paging, **settings)


@pytest.mark.parametrize("style", PAGING_STYLES)
@pytest.mark.parametrize("count", [0, 1, 5, 9, 10, 11, 20, 25, 100])
@pytest.mark.parametrize("page", [100, 5])
def test_every_row_is_read_once_whatever_the_list_and_page_sizes(style: str, count: int, page: int) -> None:
    paging, paginator = PAGING_STYLES[style]
    vendor = api(count, paging, page=page)
    assert run(collected(vendor, paginator)) == (list(range(count)), None)
    assert all(request.headers["x-version"] == "7" for request in vendor.log)
    assert all(request.url.params["kind"] == "x" for request in vendor.log)


@pytest.mark.parametrize("style", [style for style in PAGING_STYLES if style != "none"])
def test_a_walk_can_be_resumed_at_any_position(style: str) -> None:
    paging, paginator = PAGING_STYLES[style]
    vendor = api(47, paging)
    first, position = run(collected(vendor, paginator, stop=20))
    assert position is not None
    rest, _ = run(collected(vendor, paginator, position))
    assert first + rest == list(range(47))


def test_a_short_first_page_needs_a_second_request_only_if_it_could_be_capped() -> None:
    for count, requests in ((3, 1), (0, 1), (5, 2)):
        vendor = api(count, "page")
        run(collected(vendor, NumberedPaginator(SIZE)))
        assert len(vendor.log) == requests
    vendor = api(5, "page")
    run(collected(vendor, NumberedPaginator(SIZE, total="total")))
    assert len(vendor.log) == 1


def test_the_vendors_page_count_is_respected() -> None:
    def script(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params["p"])
        return httpx.Response(200, json={"data": [{"id": number}], "pages": 3})

    vendor = FakeApi(before=lambda _, request: script(request))
    paginator = NumberedPaginator(SIZE, "p", 0, "pages")
    assert run(collected(vendor, paginator)) == ([0, 1, 2], None)


def fault(vendor: FakeApi, paginator: Paginator, max_pages: int = 1000) -> SourceError:
    with pytest.raises(SourceError) as caught:
        run(collected(vendor, paginator, max_pages=max_pages))
    return caught.value


@pytest.mark.parametrize("style", ["cursor", "link in the body", "link in the header"])
def test_a_repeated_cursor_ends_the_pass_as_incomplete(style: str) -> None:
    paging, paginator = PAGING_STYLES[style]
    vendor = api(35, paging, loops=True)
    error = fault(vendor, paginator)
    assert isinstance(error, IncompletePassError)
    assert error.reason is Reason.PAGINATION_LOOP
    assert len(vendor.log) <= 5


def test_a_page_that_links_to_itself_is_a_loop() -> None:
    vendor = FakeApi(before=lambda _, __: httpx.Response(200, json={"data": [{"id": 1}], "next": "?after=1"}))
    assert fault(vendor, LinkPaginator("next")).reason is Reason.PAGINATION_LOOP
    assert len(vendor.log) == 2


def test_a_vendor_that_ignores_the_page_number_is_detected() -> None:
    vendor = FakeApi(before=lambda _, __: httpx.Response(200, json={"data": [{"id": n} for n in range(10)]}))
    assert fault(vendor, NumberedPaginator(SIZE)).reason is Reason.PAGINATION_LOOP


def test_endless_pages_are_stopped() -> None:
    count = iter(range(10_000))
    vendor = FakeApi(before=lambda _, __: httpx.Response(200, json={"data": [], "next": f"c{next(count)}"}))
    error = fault(vendor, CursorPaginator("next", "after"), max_pages=20)
    assert (error.reason, len(vendor.log)) == (Reason.PAGE_LIMIT, 20)


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.test/rows",
        "http://api.test/rows",
        "//evil.test/x",
        "http://169.254.169.254/",
        "https://a@api.test/",
    ],
)
@pytest.mark.parametrize("in_header", [False, True])
def test_a_next_link_away_from_the_origin_is_not_followed(link: str, in_header: bool) -> None:
    headers = {"link": f'<{link}>; rel="next"'} if in_header else {}
    answer = httpx.Response(200, json={"data": [{"id": 1}], "next": link}, headers=headers)
    vendor = FakeApi(before=lambda _, __: answer)
    assert fault(vendor, LinkPaginator(None if in_header else "next")).reason is Reason.BLOCKED_ORIGIN
    assert len(vendor.log) == 1


@pytest.mark.parametrize("link", ["https://[x", "https://api.test/\x00", "https://api.test:port/", "x" * 70_000])
def test_a_next_link_that_is_not_a_url_is_refused(link: str) -> None:
    vendor = FakeApi(before=lambda _, __: httpx.Response(200, json={"data": [], "next": link}))
    assert fault(vendor, LinkPaginator("next")).reason is Reason.BLOCKED_ORIGIN


def response(body: Any = None, url: str = "https://api.test/v1/rows?page=1", **headers: str) -> ApiResponse:
    return ApiResponse(200, headers, body, url)


@pytest.mark.parametrize(
    ("body", "more_path", "expected"),
    [
        ({"next": "abc"}, None, "abc"), ({"next": 17}, None, "17"), ({"next": None}, None, None), ({}, None, None),
        ({"next": ""}, None, None), ({"next": False}, None, None), ({"next": 0}, None, "0"),
        ({"next": "abc", "more": False}, "more", None), ({"next": "abc", "more": True}, "more", "abc"),
        ({"next": "abc"}, "more", None), ({"next": "abc", "more": "false"}, "more", None),
    ],
)  # fmt: skip
def test_the_cursor_and_the_flag_decide_whether_there_is_another_page(
    body: Any, more_path: str | None, expected: str | None
) -> None:
    assert CursorPaginator("next", "after", more=more_path).following(response(body), 1, None) == expected


@pytest.mark.parametrize(
    ("body", "more_path"), [({"next": {"a": 1}}, None), ({"next": True}, None), ({"more": True}, "more")]
)
def test_a_cursor_of_another_type_is_a_changed_format(body: Any, more_path: str | None) -> None:
    with pytest.raises(SourceRejectedError) as caught:
        CursorPaginator("next", "after", more=more_path).following(response(body), 1, None)
    assert caught.value.reason is Reason.SCHEMA


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('<https://api.test/b>; rel="next"', "https://api.test/b"),
        ('</b?x=1,2>; rel="prev", </c?x=1,2>; rel="next last"; title="a, b"', "https://api.test/c?x=1,2"),
        ("</b>; rel=next", "https://api.test/b"),
        ('</b>; title="x"; REL="Next"', "https://api.test/b"),
        ("</b>; rel=prev", None),
        ("", None),
        ("garbage", None),
        ("<?page=2>; rel=next", "https://api.test/v1/rows?page=2"),
    ],
)
def test_the_next_link_is_found_among_the_others(header: str, expected: str | None) -> None:
    assert LinkPaginator().following(response(link=header), 1, None) == expected


def test_a_credential_in_the_vendors_links_is_removed() -> None:
    body = {"next": "/rows?page=2&apikey=secret"}
    assert (
        LinkPaginator("next", secret_params=("apikey",)).following(response(body), 1, None)
        == "https://api.test/rows?page=2"
    )


def test_a_silently_capped_first_page_is_followed() -> None:
    vendor = api(30, "offset", page=5)
    assert run(collected(vendor, OffsetPaginator(PageSize("size", 50)))) == (list(range(30)), None)
