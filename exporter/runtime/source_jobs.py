"""The sources of a config, ready for their work."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from exporter.clock import Clock
from exporter.config.root import Config
from exporter.config.sources.push import PushOptions
from exporter.errors import ConfigError, Problem, SourceRejectedError
from exporter.push.source import PushSource
from exporter.sources.base import SourceContext, Telemetry
from exporter.sources.registry import create
from exporter.sync.fingerprint import fingerprint
from exporter.sync.schedule import Job


def jobs(config: Config, environ: Mapping[str, str], data_dir: Path, clock: Clock, telemetry: Telemetry) -> list[Job]:
    """The sources of a config that are read, ready for it; raises ConfigError where an address is not allowed."""
    context = SourceContext(environ, config.base, config.company.timezone, clock, telemetry, data_dir)
    made, problems = [], []
    for options in config.sources:
        if not options.polled:
            continue
        marks = {entity: fingerprint(options, entity, context.zone) for entity in options.reads}
        try:
            made.append(Job(create(options, context), options.sync_every, options.reconcile_every, marks))
        except SourceRejectedError as error:
            problems.append(Problem("config", 0, f"sources.{options.name}", str(error)))
    if problems:
        raise ConfigError(problems)
    return made


def pushed(
    config: Config, environ: Mapping[str, str], data_dir: Path, clock: Clock, telemetry: Telemetry
) -> list[PushSource]:
    """The sources of a config that wait for posts."""
    context = SourceContext(environ, config.base, config.company.timezone, clock, telemetry, data_dir)
    return [PushSource(options, context) for options in config.sources if isinstance(options, PushOptions)]
