"""All files of a stack of its own, written in one go: for `provision`, and for the programs beside the demo."""

from __future__ import annotations

from pathlib import Path

from dashboards.defaults import Site
from dashboards.deployment import Places
from dashboards.generate import compose_files
from dashboards.write import earlier, write
from exporter.config.root import Config
from exporter.errors import StartError


def write_stack(config: Config, out: Path, places: Places = Places()) -> None:  # noqa: B008 - immutable
    """Brings the folder to what the config asks for, complete or not at all.

    Raises StartError if the folder cannot be written.
    """
    files = compose_files(Site(config), places, earlier(out))
    try:
        write(out, files)
    except OSError as error:
        raise StartError(f"cannot write to {out}: {error.strerror}") from None
