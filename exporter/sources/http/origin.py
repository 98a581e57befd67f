"""Where a source's requests may go: its configured origin, and no address inside the house unless allowed."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket

import httpx

from exporter.errors import Reason, SourceRejectedError, SourceUnavailableError

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:|//|\\")
_PORTS = {"http": 80, "https": 443}

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def blocked(message: str) -> SourceRejectedError:
    """The error for a request that is refused before it leaves."""
    return SourceRejectedError(Reason.BLOCKED_ORIGIN, message)


def origin(url: httpx.URL) -> tuple[str, str, int]:
    """Scheme, host and port; credentials are bound to exactly this triple."""
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme, 0)


def parse(text: str) -> httpx.URL:
    """The URL; raises SourceRejectedError(BLOCKED_ORIGIN) where it is none, without echoing it."""
    try:
        return httpx.URL(text)
    except (httpx.InvalidURL, ValueError, TypeError):
        raise blocked("an address is not a valid URL") from None


class BaseUrl:
    """The configured base of a source: turns paths and next links into URLs of the same origin, or refuses."""

    def __init__(self, base_url: str, *, insecure: bool = False, private: bool = False) -> None:
        self._base = parse(base_url.rstrip("/"))
        self._private = private
        _refuse_odd(self._base, insecure=insecure)
        literal = _literal(self._base.host)
        if literal is not None:
            refuse_address(literal, private=private)

    @property
    def scheme(self) -> str:
        """https, or http where that is allowed."""
        return self._base.scheme

    @property
    def host(self) -> str:
        """The configured host."""
        return self._base.host

    def url(self, path: str) -> httpx.URL:
        """A path below the base, or an absolute URL of the base's origin.

        Raises SourceRejectedError(BLOCKED_ORIGIN) for any other origin, scheme or a user in the URL.
        """
        below = f"{str(self._base).rstrip('/')}/{path.removeprefix('/')}"
        url = parse(path if _ABSOLUTE.match(path) else below)
        if url.userinfo or origin(url) != origin(self._base):
            raise blocked("a link leads away from the configured origin: it was not followed")
        return url.copy_with(fragment=None)

    async def resolve(self) -> None:
        """Looks the host up and refuses addresses that are not allowed; raises SourceUnavailableError(DNS)."""
        url = self._base
        try:
            found = await asyncio.get_running_loop().getaddrinfo(url.host, origin(url)[2], type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise SourceUnavailableError(Reason.DNS, f"the name {url.host} cannot be resolved") from None
        for entry in found:
            refuse_address(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]), private=self._private)


def refuse_address(address: IpAddress, *, private: bool) -> None:
    """Raises SourceRejectedError for link-local and unusable addresses, and for private ones unless allowed."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        raise blocked("the host is a link-local, multicast or unspecified address")
    if not private and not address.is_global:
        raise blocked("the host is a loopback or private address: set allow_private: true if that is meant")


def _refuse_odd(url: httpx.URL, *, insecure: bool) -> None:
    if url.userinfo:
        raise blocked("an address holds a user name: credentials belong into auth")
    if url.scheme not in _PORTS or not url.host:
        raise blocked("an address is neither https:// nor http://")
    if url.scheme == "http" and not insecure:
        raise blocked("an address is not https: set allow_insecure: true for a test server")


def _literal(host: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
