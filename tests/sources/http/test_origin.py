from __future__ import annotations

import ipaddress
from contextlib import nullcontext

import pytest

from exporter.errors import Reason, SourceError, SourceRejectedError
from exporter.sources.http.origin import BaseUrl, refuse_address
from tests.sources.source_context import run


def reason(text: str, **allowed: bool) -> Reason:
    with pytest.raises(SourceRejectedError) as caught:
        BaseUrl(text, **allowed)
    assert "secret" not in str(caught.value)
    return caught.value.reason


@pytest.mark.parametrize(
    "base",
    [
        "http://api.test", "ftp://api.test", "file:///etc/passwd", "https://user:secret@api.test", "https://",
        "https://127.0.0.1", "https://10.1.2.3", "https://[::1]", "https://[fd00::1]", "https://169.254.169.254",
        "https://0.0.0.0", "https://[::ffff:127.0.0.1]", "https://[fe80::1]", "https://224.0.0.1", "https://192.168.1.1",
        "https://api.test:port", "https://100.64.0.1",
    ],
)  # fmt: skip
def test_a_base_url_that_is_not_public_https_is_refused(base: str) -> None:
    assert reason(base) is Reason.BLOCKED_ORIGIN


@pytest.mark.parametrize("base", ["http://127.0.0.1:8080", "http://10.1.2.3", "http://[::1]", "http://localhost"])
def test_a_test_server_can_be_allowed(base: str) -> None:
    assert str(BaseUrl(base, insecure=True, private=True).url("/a")) == f"{base}/a"


@pytest.mark.parametrize(
    "base", ["https://169.254.169.254", "https://[fe80::1]", "https://0.0.0.0", "https://224.0.0.1"]
)
def test_link_local_and_unusable_addresses_are_never_allowed(base: str) -> None:
    assert reason(base, insecure=True, private=True) is Reason.BLOCKED_ORIGIN


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/rows", "https://api.test/v1/rows"),
        ("rows?x=1", "https://api.test/v1/rows?x=1"),
        ("https://api.test/v2/rows?after=x#part", "https://api.test/v2/rows?after=x"),
        ("https://API.test:443/rows", "https://api.test/rows"),
        ("/a:b@c", "https://api.test/v1/a:b@c"),
        ("@evil.test", "https://api.test/v1/@evil.test"),
    ],
)
def test_paths_are_joined_to_the_base_and_links_of_the_same_origin_are_unchanged(path: str, url: str) -> None:
    address = BaseUrl("https://api.test/v1/")
    assert str(address.url(path)) == url
    assert address.host == "api.test"


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1", "::ffff:10.0.0.1"])
def test_private_addresses_need_permission(address: str) -> None:
    refuse_address(ipaddress.ip_address(address), private=True)
    with pytest.raises(SourceRejectedError, match="allow_private"):
        refuse_address(ipaddress.ip_address(address), private=False)


@pytest.mark.parametrize(
    ("base", "private", "refused"),
    [
        ("https://localhost", False, Reason.BLOCKED_ORIGIN),
        ("https://localhost", True, None),
        ("https://2130706433", False, Reason.BLOCKED_ORIGIN),
        ("https://no-such-host.invalid", False, Reason.DNS),
        (f"https://{'a' * 70}.test", False, Reason.DNS),
    ],
)
def test_resolved_addresses_are_checked(base: str, private: bool, refused: Reason | None) -> None:
    with nullcontext() if refused is None else pytest.raises(SourceError) as caught:
        run(BaseUrl(base, private=private).resolve())
    if refused is not None:
        assert caught.value.reason is refused
