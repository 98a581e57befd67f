"""`ping`: whether something answers, for health checks in images that have no other HTTP client."""

from __future__ import annotations

from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import typer

from exporter.commands.exits import CANNOT_START, DONE

DEADLINE = 5.0


def run(url: str) -> int:
    """0 where the address answers with 200, else 1; refuses what is no HTTP address."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise typer.BadParameter("an address begins with http:// or https://", param_hint="URL")
    try:
        with urlopen(url, timeout=DEADLINE) as answer:  # noqa: S310 - the scheme was looked at
            return DONE if answer.status == 200 else CANNOT_START
    except (URLError, OSError, ValueError) as error:
        typer.echo(f"{url}: {getattr(error, 'reason', error)}", err=True)
        return CANNOT_START
