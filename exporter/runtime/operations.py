"""What the running process does for other commands, which ask for it through the control socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.control.server import Handlers

if TYPE_CHECKING:
    from exporter.runtime.engine import EngineContext
    from exporter.runtime.reload import Reloader


def create_handlers(context: EngineContext, reloader: Reloader) -> Handlers:  # noqa: ARG001 - handlers use them
    """The handler of each request; a new request of `exporter.control.requests` is registered here."""
    return Handlers()
