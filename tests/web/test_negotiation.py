"""Formats by header, held against prometheus-client's choice."""

from __future__ import annotations

import pytest
from prometheus_client.exposition import choose_encoder
from prometheus_client.exposition import gzip_accepted as peer_gzip_accepted

from exporter.web.negotiation import gzip_accepted, openmetrics_accepted

PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)


@pytest.mark.parametrize(
    "accept",
    [
        "", "*/*", "text/plain", "text/html,*/*;q=0.8", "application/openmetrics-text", PROMETHEUS,
        "application/openmetrics-text; version=0.0.1", "application/openmetrics-text; version=1.0.0; charset=utf-8",
        "text/plain;version=0.0.4;q=1,application/openmetrics-text;version=1.0.0;q=0.1", "application/json",
    ],
)  # fmt: skip
def test_the_format_is_the_one_prometheus_client_would_choose(accept: str) -> None:
    assert openmetrics_accepted(accept) is ("openmetrics" in choose_encoder(accept)[1])


@pytest.mark.parametrize(
    "accept",
    ["application/openmetrics-text;version=1.x.y;q=nonsense", ";;;,,==", "application/openmetrics-text;q=0", "\x00"],
)
def test_headers_that_make_no_sense_get_plain_text(accept: str) -> None:
    assert openmetrics_accepted(accept) is False


@pytest.mark.parametrize("header", ["", "gzip", "deflate, GZIP;q=0.5", "identity", "br", "gzip, deflate"])
def test_compression_is_chosen_as_prometheus_client_does(header: str) -> None:
    assert gzip_accepted(header) is peer_gzip_accepted(header)


def test_a_refused_compression_is_not_used() -> None:
    assert gzip_accepted("gzip;q=0, identity") is False
