"""Threads for calls that may hang, such as name look-ups: nothing waits for them, not even the end of the process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from typing import Any, ParamSpec, TypeVar

CallArguments = ParamSpec("CallArguments")
Result = TypeVar("Result")


class DaemonExecutor(ThreadPoolExecutor):
    """An event loop's default executor that runs each call in a daemon thread of its own.

    Those of the standard library are joined when the loop closes and again when the process ends, so that one call
    that hangs keeps the process alive.
    """

    def submit(
        self, function: Callable[CallArguments, Result], /, *args: CallArguments.args, **kwargs: CallArguments.kwargs
    ) -> Future[Result]:
        """Starts the call."""
        future: Future[Result] = Future()
        Thread(target=_call, args=(future, function, args, kwargs), name="blocking", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Returns at once: calls that still run are left behind."""


def run_loop(main: Coroutine[Any, Any, Result]) -> Result:
    """The result of a coroutine, like `asyncio.run`, but never waits for blocking calls that it no longer awaits."""
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(DaemonExecutor())
        return runner.run(main)


def _call(future: Future[Any], function: Callable[..., Any], args: Any, kwargs: Any) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = function(*args, **kwargs)
    except BaseException as error:  # noqa: BLE001 - handed to whoever awaits the call
        future.set_exception(error)
    else:
        future.set_result(result)
