"""What `check --sources` tells of one entity, out of what a small request for it brings."""

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
"""Where one entity fails for such a reason, asking for the others would only repeat it."""

_CURES: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.CONNECT: "check the address and the way to it",
        Reason.DNS: "check the name in the address",
        Reason.TLS: "check the address, and ca_file where the authority is your own",
        Reason.UNAUTHORIZED: "check the credentials: right account, not expired, not revoked",
        Reason.RATE_LIMITED: "try again later",
        Reason.TIMEOUT: "try again later, or give it a longer timeout",
        Reason.SERVER_ERROR: "try again later",
        Reason.NOT_FOUND: "check the address or path in the config, and whether the plan has this",
        Reason.NOT_JSON: "check the address in the config",
        Reason.SCHEMA: "check the address and the version in the config",
    }
)


def describe_error(error: SourceError) -> str:
    """The error with its reason and what to do about it, unless it says so itself."""
    said, cure = str(error), _CURES.get(error.reason)
    return f"{error.reason.value}: {said}" + (f"; {cure}" if cure and "check " not in said else "")


async def check_access(entity: str, needs: str, probe: Awaitable[object]) -> Access:
    """Whether the probe goes through; `needs` names the permission to grant, where the error does not itself.

    Raises SourceError where the answer is about the whole source: credentials, network, limits.
    """
    try:
        await probe
    except SourceError as error:
        if error.reason in SOURCE_WIDE:
            raise
        missing = (needs or str(error)) if error.reason is Reason.FORBIDDEN else describe_error(error)
        return Access(entity, allowed=False, missing=missing)
    return Access(entity, allowed=True)
