"""Listen addresses as typed on the command line."""

from __future__ import annotations

import pytest

from exporter.settings import ListenAddress


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:9940", "127.0.0.1", 9940, True),
        ("localhost:1", "localhost", 1, True),
        ("[::1]:80", "::1", 80, True),
        ("0.0.0.0:9940", "0.0.0.0", 9940, False),
        (":9940", "0.0.0.0", 9940, False),
        ("exporter.internal:0", "exporter.internal", 0, False),
    ],
)
def test_an_address_is_host_and_port(text: str, host: str, port: int, loopback: bool) -> None:
    address = ListenAddress.parse(text)
    assert (address.host, address.port, address.is_loopback) == (host, port, loopback)


@pytest.mark.parametrize("text", ["", "9940", "localhost", "host:port", "host:70000", "host:-1", "host:٣"])
def test_anything_else_is_rejected_with_a_hint(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        ListenAddress.parse(text)


@pytest.mark.parametrize("text", ["127.0.0.1:9940", "[::1]:80"])
def test_an_address_is_formatted_as_it_was_typed(text: str) -> None:
    assert str(ListenAddress.parse(text)) == text
