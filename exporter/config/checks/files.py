"""Secrets and data files: there, readable, and secrets for nobody else to read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from exporter.config.checks.view import View
from exporter.config.fields import LocalPath, Secret, Section
from exporter.config.positions import Finding
from exporter.config.positions import Path as Place
from exporter.config.root import Config

_LARGEST_SECRET = 1 << 16
_MOUNTED = Path("/run/secrets")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def errors(view: View, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Environment variables, secret files and data files that are missing."""
    for place, value in _places((), view.config):
        if isinstance(value, Secret):
            yield from _secret(view.in_file(place), value, environ, view.config.base)
        elif not (view.config.base / value).is_file():
            yield Finding(view.in_file(place), f"there is no file {value}", "paths are relative to the config file")


def warnings(view: View) -> Iterator[Finding]:
    """Secret files that every user of the machine can read."""
    for place, value in _places((), view.config):
        if isinstance(value, Secret) and value.file is not None and not _stays_here(place, view.config):
            path = view.config.base / value.file
            # what an orchestrator mounts there is readable by all inside the container, and only there
            if path.is_file() and _MOUNTED not in path.parents and path.stat().st_mode & stat.S_IROTH:
                message = f"{value.file} can be read by every user"
                yield Finding((*view.in_file(place), "file"), message, f"chmod o-r {value.file}")


def _stays_here(place: Place, config: Config) -> bool:
    """A secret that is only ever sent to this very machine, as the demo's is, opens nothing worth guarding."""
    url = getattr(config.sources[int(place[1])], "base_url", None) if place[0] == "sources" else None
    return urlsplit(url or "").hostname in _LOOPBACK


def _secret(place: Place, secret: Secret, environ: Mapping[str, str], base: Path) -> Iterator[Finding]:
    if secret.env is not None:
        if not environ.get(secret.env, "").strip():
            cure = "set it, or write {file: PATH}"
            yield Finding((*place, "env"), f"the environment variable {secret.env} is missing or empty", cure)
        return
    path = base / (secret.file or "")
    problem = _unreadable(path)
    if problem:
        message = f"the secret file {secret.file} {problem}"
        yield Finding((*place, "file"), message, "the file holds the secret and nothing else")


def _unreadable(path: Path) -> str:
    if not path.is_file():
        return "does not exist"
    if not os.access(path, os.R_OK):
        return "may not be read by this user"
    if path.stat().st_size > _LARGEST_SECRET:
        return "is too large to be a secret"
    try:
        return "" if path.read_text(encoding="utf-8").strip() else "is empty"
    except UnicodeDecodeError:
        return "is not text"


def _places(place: Place, value: Any) -> Iterator[tuple[Place, Secret | LocalPath]]:
    if isinstance(value, Secret | Path):
        yield place, value
    elif isinstance(value, Section):
        for name, field in type(value).model_fields.items():
            yield from _places((*place, field.alias or name), getattr(value, name))
    elif isinstance(value, tuple):
        for position, part in enumerate(value):
            yield from _places((*place, position), part)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _places((*place, key), part)
