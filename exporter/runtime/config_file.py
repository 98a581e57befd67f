"""Reads the config file and computes the digest by which a changed config is recognised."""

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
from exporter.settings import OnCorrupt

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A valid config and the digest of the file it was read from."""

    config: Config
    digest: str


def read_config(
    path: Path, environ: Mapping[str, str], redactor: Redactor | None = None, *, delivery: bool = True
) -> LoadedConfig:
    """Loads and validates the config, registers its secrets with `redactor` and logs its warnings.

    Without `delivery`, secrets that only Alertmanager or Grafana reads may be missing. Raises ConfigError.
    """
    digest = config_digest(path)
    loaded = load(path, environ, delivery=delivery)
    if redactor is not None:
        redactor.learn(secrets_in(loaded.config, environ, loaded.config.base))
    for warning in loaded.warnings:
        _log.warning("%s", warning)
    return LoadedConfig(loaded.config, digest)


def corrupt_policy(chosen: OnCorrupt | None, config: Config) -> OnCorrupt:
    """What to do with a damaged store: as chosen, else `fail` if a source pushes, because it cannot be read again."""
    if chosen is not None:
        return chosen
    return "rebuild" if all(source.polled for source in config.sources) else "fail"


def config_digest(path: Path) -> str:
    """Digest of the config text and the program version; empty if the file cannot be read."""
    try:
        return sha256(f"{__version__}\n".encode() + path.read_bytes()).hexdigest()
    except OSError:
        return ""
