"""The sources of a config, ready to be read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from exporter.clock import Clock
from exporter.config.root import Config
from exporter.errors import ConfigError, Problem, SourceRejectedError
from exporter.sources.base import Surroundings, Telemetry
from exporter.sources.registry import create
from exporter.sync.fingerprint import fingerprint
from exporter.sync.timetable import Job


def jobs(config: Config, environ: Mapping[str, str], data_dir: Path, clock: Clock, telemetry: Telemetry) -> list[Job]:
    """The sources of a config, ready to be read; raises ConfigError where an address is not allowed."""
    zone = config.company.timezone
    around = Surroundings(environ, config.base, zone, clock, telemetry, data_dir)
    made, problems = [], []
    for options in config.sources:
        marks = {entity: fingerprint(options, entity, zone) for entity in options.reads}
        try:
            made.append(Job(create(options, around), options.sync_every, options.reconcile_every, marks))
        except SourceRejectedError as error:
            problems.append(Problem("config", 0, f"sources.{options.name}", str(error)))
    if problems:
        raise ConfigError(problems)
    return made
