"""What the running process does for other commands, which ask for it through the control socket."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.control.loss import AcceptLoss, accept_loss
from exporter.control.requests import (
    Answer,
    BackupRequest,
    ForgetPersonRequest,
    ForgetSourceRequest,
    RestoreRequest,
    RetryRequest,
)
from exporter.control.server import Handlers
from exporter.errors import StoreError
from exporter.privacy.forget import forget_person
from exporter.runtime.reporter import report_removed
from exporter.store.backup import back_up
from exporter.store.opening import DataFiles
from exporter.store.restore import discard_restore, prepare_restore
from exporter.sync.retention import delete_source
from exporter.sync.waits import lift_waits

if TYPE_CHECKING:
    from exporter.runtime.engine import EngineContext
    from exporter.runtime.reload import Reloader


def create_handlers(context: EngineContext, reloader: Reloader) -> Handlers:
    """The handler of each request; a new request of `exporter.control.requests` is registered here."""
    handlers = Handlers()
    handlers.register(BackupRequest, partial(_back_up, context))
    handlers.register(ForgetSourceRequest, partial(_forget_source, context))
    handlers.register(RestoreRequest, partial(_restore, context, reloader))
    handlers.register(RetryRequest, partial(_retry, context, reloader))
    handlers.register(AcceptLoss, lambda _: accept_loss(context.store, context.clock()))
    handlers.register(ForgetPersonRequest, partial(_forget_person, context, reloader))
    return handlers


def _retry(context: EngineContext, reloader: Reloader, request: RetryRequest) -> Answer:
    """A new engine knows nothing of waits that only the running one remembers."""
    lifted = lift_waits(context.store, request.source)
    reloader.restart()
    return {**lifted, "running": True}


def _forget_source(context: EngineContext, request: ForgetSourceRequest) -> Answer:
    answer = delete_source(context.store, request.source)
    report_removed(context.state.self_metrics, context.store.removed_sources())
    return answer


def _forget_person(context: EngineContext, reloader: Reloader, request: ForgetPersonRequest) -> Answer:
    receipts: list[Answer] = []

    def forget() -> None:
        receipts.append(forget_person(context.store, reloader.config, request.person, context.clock()))

    reloader.replace_store(forget)
    return receipts[0]


def _back_up(context: EngineContext, request: BackupRequest) -> Answer:
    return back_up(context.store, Path(request.out), context.clock(), overwrite=request.overwrite)


def _restore(context: EngineContext, reloader: Reloader, request: RestoreRequest) -> Answer:
    """Verifies the file while everything goes on; only while the store is replaced, posts are refused."""
    files, file = DataFiles.of(context.data_dir), Path(request.file)
    if file.exists() and files.store.exists() and file.samefile(files.store):
        raise StoreError(f"{file} is the store in use: stop kpi-exporter first, or give the path of a backup")
    restored = prepare_restore(files, file, context.clock())
    try:
        reloader.replace_store(context.store.open_restored)
    except StoreError:
        discard_restore(files)
        raise
    return restored.as_json()
