"""HTTP requests of commands: `ping` for health checks, and reloads for `provision`."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from urllib.error import URLError
from urllib.request import Request, urlopen

import typer

from exporter.errors import ExitCode

PING_TIMEOUT, RELOAD_TIMEOUT = 5.0, 10.0

_log = logging.getLogger(__name__)


def http_urls(urls: Iterable[str], option: str) -> tuple[str, ...]:
    """The URLs unchanged. Rejects any that is not HTTP."""
    urls = tuple(urls)
    if not all(url.startswith(("http://", "https://")) for url in urls):
        raise typer.BadParameter("a URL begins with http:// or https://", param_hint=option)
    return urls


def ping(url: str) -> ExitCode:
    """OK if the URL responds with status 200. Images without another HTTP client use it as their health check."""
    http_urls([url], "URL")
    try:
        with urlopen(url, timeout=PING_TIMEOUT) as response:  # noqa: S310  # checked above
            return ExitCode.OK if response.status == 200 else ExitCode.CANNOT_START
    except (URLError, OSError, ValueError) as error:
        typer.echo(f"{url}: {getattr(error, 'reason', error)}", err=True)
        return ExitCode.CANNOT_START


def reload(url: str) -> None:
    """Posts to a reload URL. A failure is only logged, because at the first start the server is not running yet."""
    try:
        with urlopen(Request(url, method="POST"), timeout=RELOAD_TIMEOUT):  # noqa: S310  # checked with the options
            typer.echo(f"reloaded {url}")
    except (URLError, OSError, ValueError) as error:
        _log.warning("%s was not reloaded: %s", url, getattr(error, "reason", error))
