"""Which names a client may use for this server: protection against DNS rebinding.

A page on the web can point its own name at this machine, and then read responses as if they were its own. Its browser
sends that name as Host, so a server without TLS and passwords answers only to names that nobody else can own.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

ANY_HOST = "*"
"""The name that allows every Host."""

PRIVATE_SUFFIXES = (
    ".localhost",
    ".local",
    ".internal",
    ".svc",
    ".cluster.local",
    ".home.arpa",
    ".lan",
    ".corp",
    ".home",
    ".test",
)
"""Domains that the public DNS does not have, and those of services in a cluster."""

_RESOLVER_CONFIG = Path("/etc/resolv.conf")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^:\[\]@/\s]+)(:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """The names besides IP addresses, single words such as `exporter`, and PRIVATE_SUFFIXES. In lower case.

    `configured` tells whether an operator chose any of them.
    """

    names: frozenset[str] = frozenset()
    configured: bool = False

    @classmethod
    def of(cls, configured: Iterable[str], machine: Iterable[str] = ()) -> AllowedHosts:
        """The configured names and those of the machine."""
        chosen = frozenset(name.lower().rstrip(".") for name in configured)
        return cls(chosen | frozenset(name.lower().rstrip(".") for name in machine), bool(chosen))

    def allows(self, header: str | None) -> bool:
        """True for the Host header of a request to this server. Without one, which no browser sends, it is allowed."""
        if header is None or ANY_HOST in self.names:
            return True
        match = _HOST.fullmatch(header)
        if match is None:
            return False
        host = match[1].lower().rstrip(".")
        if host in self.names or ("." not in host.strip("[]") and ":" not in host):
            return True
        return host.endswith(PRIVATE_SUFFIXES) or _is_address(host)


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return True


def machine_names() -> Iterator[str]:
    """The machine's own name, alone and in each domain that it searches. Asks no name server."""
    name = socket.gethostname()
    yield name
    try:
        lines = _RESOLVER_CONFIG.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for keyword, *domains in filter(None, map(str.split, lines)):
        if keyword in ("search", "domain"):
            yield from (f"{name.partition('.')[0]}.{domain}" for domain in domains)
