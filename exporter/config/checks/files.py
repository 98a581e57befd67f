"""Checks of secrets and data files: they exist, can be read, and secrets are not readable by everybody."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from exporter.config.checks.context import CheckContext
from exporter.config.fields import LocalPath, Secret, Section
from exporter.config.positions import Finding, KeyPath
from exporter.config.root import Config
from exporter.config.sources.push import TOKEN_PROBLEM, PushOptions, is_long_enough

_MAX_SECRET_BYTES = 1 << 16
_MOUNTED_SECRETS = Path("/run/secrets")
DELIVERY = frozenset({"contacts", "alerting"})
"""The sections whose secrets Alertmanager or Grafana reads, and not the exporter."""
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def errors(context: CheckContext, environ: Mapping[str, str], delivery: bool) -> Iterator[Finding]:
    """Environment variables, secret files and data files that are missing or unreadable.

    Without `delivery`, the secrets of contacts and of the mail server may be missing.
    """
    for path, value in _secrets_and_files((), context.config):
        if not delivery and path[0] in DELIVERY:
            continue
        if isinstance(value, Secret):
            yield from _secret(context.in_file(path), value, environ, context.config.base)
            yield from _push_token(context, path, value, environ)
        elif not (context.config.base / value).is_file():
            yield Finding(context.in_file(path), f"there is no file {value}", "paths are relative to the config file")


def warnings(context: CheckContext) -> Iterator[Finding]:
    """Secret files that every user of the machine can read."""
    for path, value in _secrets_and_files((), context.config):
        if isinstance(value, Secret) and value.file is not None and not _stays_local(path, context.config):
            file = context.config.base / value.file
            # orchestrators mount secrets readable by all, but only inside the container
            if file.is_file() and _MOUNTED_SECRETS not in file.parents and file.stat().st_mode & stat.S_IROTH:
                message = f"{value.file} can be read by every user"
                yield Finding((*context.in_file(path), "file"), message, f"chmod o-r {value.file}")


def _stays_local(path: KeyPath, config: Config) -> bool:
    """True if the secret is only sent to this machine, like the demo's, and so needs no protection."""
    url = getattr(config.sources[int(path[1])], "base_url", None) if path[0] == "sources" else None
    return urlsplit(url or "").hostname in _LOOPBACK


def _secret(path: KeyPath, secret: Secret, environ: Mapping[str, str], base: Path) -> Iterator[Finding]:
    if secret.env is not None:
        if not environ.get(secret.env, "").strip():
            hint = "set it, or use {file: PATH}"
            yield Finding((*path, "env"), f"the environment variable {secret.env} is missing or empty", hint)
        return
    fault = _unreadable(base / (secret.file or ""))
    if fault:
        hint = "the file must contain the secret and nothing else"
        yield Finding((*path, "file"), f"the secret file {secret.file} {fault}", hint)


def _push_token(context: CheckContext, path: KeyPath, secret: Secret, environ: Mapping[str, str]) -> Iterator[Finding]:
    if path[0] != "sources" or not isinstance(context.config.sources[int(path[1])], PushOptions):
        return
    try:
        token = secret.reveal(environ, context.config.base)
    except LookupError:
        return  # reported already
    if not is_long_enough(token):
        yield Finding(context.in_file(path), "the token is so short that it can be guessed", f"use {TOKEN_PROBLEM}")


def _unreadable(path: Path) -> str:
    if not path.is_file():
        return "does not exist"
    if not os.access(path, os.R_OK):
        return "cannot be read by this user"
    if path.stat().st_size > _MAX_SECRET_BYTES:
        return "is too large to be a secret"
    try:
        return "" if path.read_text(encoding="utf-8").strip() else "is empty"
    except UnicodeDecodeError:
        return "is not text"


def _secrets_and_files(path: KeyPath, value: Any) -> Iterator[tuple[KeyPath, Secret | LocalPath]]:
    if isinstance(value, Secret | Path):
        yield path, value
    elif isinstance(value, Section):
        for name, field in type(value).model_fields.items():
            yield from _secrets_and_files((*path, field.alias or name), getattr(value, name))
    elif isinstance(value, tuple | dict):
        for key, element in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _secrets_and_files((*path, key), element)
