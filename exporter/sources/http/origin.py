"""Where a source's requests may go: its configured origin, and no private address unless the config allows it."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable
from typing import Any

import httpx

from exporter.errors import Reason, SourceRejectedError, SourceUnavailableError

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:|//|\\")
_PORTS = {"http": 80, "https": 443}

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
AddressEntry = tuple[Any, Any, Any, Any, tuple[Any, ...]]
"""What `getaddrinfo` gives for each address."""


def blocked(message: str) -> SourceRejectedError:
    """The error for a request that is blocked before it is sent."""
    return SourceRejectedError(Reason.BLOCKED_ORIGIN, message)


def origin(url: httpx.URL) -> tuple[str, str, int]:
    """Scheme, host and port; credentials are bound to exactly this triple."""
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme, 0)


def parse_url(text: str) -> httpx.URL:
    """The URL; raises SourceRejectedError(BLOCKED_ORIGIN) for an invalid one, without echoing it."""
    try:
        return httpx.URL(text)
    except (httpx.InvalidURL, ValueError, TypeError):
        raise blocked("an address is not a valid URL") from None


class BaseUrl:
    """The configured base URL of a source: turns paths and next links into URLs of the same origin, or refuses them."""

    def __init__(self, base_url: str, *, insecure: bool = False, private: bool = False) -> None:
        url = self._url = parse_url(base_url.rstrip("/"))
        self._private = private
        if url.userinfo:
            raise blocked("an address contains a user name: set the credentials in auth")
        if url.scheme not in _PORTS or not url.host:
            raise blocked("an address is neither https:// nor http://")
        if url.scheme == "http" and not insecure:
            raise blocked("an address is not https: set allow_insecure: true for a test server")
        try:
            literal = ipaddress.ip_address(url.host)
        except ValueError:
            return
        refuse_address(literal, private=private)

    @property
    def scheme(self) -> str:
        """https, or http if the config allows it."""
        return self._url.scheme

    @property
    def host(self) -> str:
        """The configured host."""
        return self._url.host

    def url(self, path: str) -> httpx.URL:
        """A path below the base URL, or an absolute URL of the same origin.

        Raises SourceRejectedError(BLOCKED_ORIGIN) for any other origin, scheme or a user in the URL.
        """
        relative = f"{str(self._url).rstrip('/')}/{path.removeprefix('/')}"
        url = parse_url(path if _ABSOLUTE.match(path) else relative)
        if url.userinfo or origin(url) != origin(self._url):
            raise blocked("a link leads away from the configured origin: it was not followed")
        return url.copy_with(fragment=None)

    async def resolve(self) -> tuple[str, ...]:
        """The addresses of the host, all of them allowed: connect to one of these, and never look the name up again.

        Raises SourceUnavailableError(DNS), and SourceRejectedError(BLOCKED_ORIGIN) if one of them is not allowed.
        """
        host, port = origin(self._url)[1:]
        try:
            entries = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise SourceUnavailableError(Reason.DNS, f"the name {host} cannot be resolved") from None
        return allowed_addresses(entries, private=self._private)


def allowed_addresses(entries: Iterable[AddressEntry], *, private: bool) -> tuple[str, ...]:
    """The addresses that a name was resolved to, each once. Raises SourceRejectedError if one is not allowed."""
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in entries]
    for address in addresses:
        refuse_address(address, private=private)
    return tuple(dict.fromkeys(map(str, addresses)))


def refuse_address(address: IpAddress, *, private: bool) -> None:
    """Raises SourceRejectedError for link-local and unusable addresses, and for private ones unless allowed."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        raise blocked("the host is a link-local, multicast or unspecified address")
    if not private and not address.is_global:
        raise blocked("the host is a loopback or private address: set allow_private: true if this is intended")
