"""What the running process does for other commands, which ask for it through the control socket."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.control.requests import Answer, BackupRequest, ForgetSourceRequest
from exporter.control.server import Handlers
from exporter.runtime.reporter import report_removed
from exporter.store.backup import back_up
from exporter.sync.retention import delete_source

if TYPE_CHECKING:
    from exporter.runtime.engine import EngineContext
    from exporter.runtime.reload import Reloader


def create_handlers(context: EngineContext, reloader: Reloader) -> Handlers:  # noqa: ARG001 - handlers use them
    """The handler of each request; a new request of `exporter.control.requests` is registered here."""
    handlers = Handlers()
    handlers.register(BackupRequest, partial(_back_up, context))
    handlers.register(ForgetSourceRequest, partial(_forget_source, context))
    return handlers


def _forget_source(context: EngineContext, request: ForgetSourceRequest) -> Answer:
    answer = delete_source(context.store, request.source)
    report_removed(context.state.self_metrics, context.store.removed_sources())
    return answer


def _back_up(context: EngineContext, request: BackupRequest) -> Answer:
    return back_up(context.store, Path(request.out), context.clock(), overwrite=request.overwrite)
