"""The result of `check --sources` for one entity, from a small request for it."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from types import MappingProxyType

from exporter.errors import Reason, SourceError
from exporter.sources.base import Access

SOURCE_WIDE = frozenset(
    {
        Reason.CONNECT,
        Reason.DNS,
        Reason.TLS,
        Reason.UNAUTHORIZED,
        Reason.RATE_LIMITED,
        Reason.BREAKER_OPEN,
    }
)
"""Reasons that concern the whole source: if one entity fails with one of them, so would the others."""

_REMEDIES: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.CONNECT: "check the address and the network",
        Reason.DNS: "check the name in the address",
        Reason.TLS: "check the address, and ca_file if you use your own certificate authority",
        Reason.UNAUTHORIZED: "check the credentials: right account, not expired, not revoked",
        Reason.RATE_LIMITED: "try again later",
        Reason.TIMEOUT: "try again later, or set a longer timeout",
        Reason.SERVER_ERROR: "try again later",
        Reason.NOT_FOUND: "check the address or path in the config, and whether your plan includes it",
        Reason.NOT_JSON: "check the address in the config",
        Reason.SCHEMA: "check the address and the version in the config",
    }
)


def describe_error(error: SourceError) -> str:
    """The error with its reason, and with a remedy unless its message already has one."""
    message, remedy = str(error), _REMEDIES.get(error.reason)
    return f"{error.reason.value}: {message}" + (f"; {remedy}" if remedy and "check " not in message else "")


async def check_access(entity: str, permission: str, probe: Awaitable[object]) -> Access:
    """Whether the probe succeeds; `permission` names what to grant if the error does not.

    Raises SourceError for the reasons in `SOURCE_WIDE`.
    """
    try:
        await probe
    except SourceError as error:
        if error.reason in SOURCE_WIDE:
            raise
        missing = (permission or str(error)) if error.reason is Reason.FORBIDDEN else describe_error(error)
        return Access(entity, allowed=False, missing=missing)
    return Access(entity, allowed=True)
