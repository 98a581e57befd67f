"""Web config files for tests."""

from __future__ import annotations

from pathlib import Path

import bcrypt

from exporter.exposition.self_metrics import SelfMetrics
from exporter.web.security import SecurityReloader, WebConfigPaths
from exporter.web.server import ServedState

PASSWORD = "correct horse"


def hashed(password: str = PASSWORD, cost: int = 4) -> str:
    """The bcrypt hash of a password, at the lowest cost."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


def tls_section(chain: Path, *lines: str) -> str:
    """A section with a certificate and its key in one file."""
    return "".join(
        f"{line}\n"
        for line in (
            "tls_server_config:",
            *(f"  {line}" for line in (f"cert_file: {chain}", f"key_file: {chain}", *lines)),
        )
    )


def secured(state: ServedState, web: Path | None, people: Path | None = None) -> SecurityReloader:
    """Makes the server of `state` demand what the files say."""
    reloader = SecurityReloader(WebConfigPaths(web, people), state.self_metrics)
    state.security = lambda: reloader.current
    return reloader


def reloader(web: Path, self_metrics: SelfMetrics | None = None) -> SecurityReloader:
    """A reloader of one file."""
    return SecurityReloader(WebConfigPaths(web), self_metrics or SelfMetrics())
