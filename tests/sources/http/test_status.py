from __future__ import annotations

import pytest

from exporter.errors import RateLimitedError, SourceRejectedError, SourceUnavailableError
from exporter.sources.http.rate_limit import LONGEST_WAIT
from exporter.sources.http.status import error_for_status, requested_wait, retry_after
from exporter.sources.http.transport import RawResponse
from tests.sources.source_context import NOW


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, None), (206, None), (299, None), (304, None), (301, SourceRejectedError), (399, SourceRejectedError),
        (400, SourceRejectedError), (401, SourceRejectedError), (402, SourceRejectedError),
        (408, SourceUnavailableError), (425, SourceUnavailableError), (429, RateLimitedError),
        (500, SourceUnavailableError), (501, SourceRejectedError), (505, SourceRejectedError),
        (503, SourceUnavailableError), (530, SourceUnavailableError), (599, SourceUnavailableError),
    ],
)  # fmt: skip
def test_each_status_has_one_meaning(status: int, kind: type[Exception] | None) -> None:
    error = error_for_status(RawResponse(status, {}, b""), "/rows", NOW)
    assert type(error) is (kind or type(None))
    assert error is None or "/rows" in str(error)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5), ("5.5", 5.5), (" 7 ", 7), ("0", 0), ("-1", 0), ("", 0), ("soon", 0), ("٣", 0), ("1e9", 0), ("nan", 0),
        ("999999999999999", LONGEST_WAIT), ("9" * 40, 0), ("Mon, 02 Mar 2026 09:00:30 GMT", 30),
        ("Mon, 02 Mar 2026 08:00:00 GMT", 0), ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT),
        ("Mon, 99 Mar 2026 09:00:30 GMT", 0), ("5, 9", 0),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date_and_invalid_text_is_ignored(text: str, seconds: float) -> None:
    assert retry_after({"retry-after": text}, NOW) == seconds


def test_without_retry_after_the_vendors_own_headers_count() -> None:
    assert requested_wait({}, NOW) == 0
    assert requested_wait({"x-reset": "4"}, NOW, lambda headers: float(headers["x-reset"])) == 4
    assert requested_wait({"retry-after": "9"}, NOW, lambda headers: 4.0) == 9
    assert requested_wait({}, NOW, lambda headers: None) == 0
