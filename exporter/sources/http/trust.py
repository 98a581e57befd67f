"""Whose certificates are believed: the public authorities, and one of the config's where it names one."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path

import certifi

from exporter.errors import Reason, SourceRejectedError


def trusted(scheme: str, ca_file: Path | None) -> ssl.SSLContext:
    """The context for a source's connections: TLS 1.2 or newer, names and dates checked.

    Raises SourceRejectedError(TLS) where `ca_file` cannot be read.
    """
    if scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody, and takes no time to make
    if ca_file is None:
        return _public()
    context = ssl.create_default_context(cafile=certifi.where())
    try:
        context.load_verify_locations(ca_file)
    except (OSError, ssl.SSLError):
        raise SourceRejectedError(
            Reason.TLS, f"ca_file {ca_file.name} holds no certificates that can be read"
        ) from None
    return context


@cache
def _public() -> ssl.SSLContext:
    """Shared by all sources: reading a hundred authorities takes longer than all else at the start."""
    return ssl.create_default_context(cafile=certifi.where())
