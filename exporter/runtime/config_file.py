"""A config as it was just read: checked, with a digest that tells it from others."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from exporter import __version__
from exporter.config.loader import load
from exporter.config.root import Config
from exporter.logs import Redactor, secrets_in

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A checked config and the digest of the text it was read from."""

    config: Config
    digest: str


def read_config(path: Path, environ: Mapping[str, str], redactor: Redactor | None = None) -> LoadedConfig:
    """The checked config; its secrets are made known to the log, its warnings are logged. Raises ConfigError."""
    digest = config_digest(path)
    loaded = load(path, environ)
    if redactor is not None:
        redactor.learn(secrets_in(loaded.config, environ, loaded.config.base))
    for warning in loaded.warnings:
        _log.warning("%s", warning)
    return LoadedConfig(loaded.config, digest)


def config_digest(path: Path) -> str:
    """Another digest means another text or another version of this program; empty where the file cannot be read."""
    try:
        return sha256(f"{__version__}\n".encode() + path.read_bytes()).hexdigest()
    except OSError:
        return ""
