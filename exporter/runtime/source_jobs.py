"""Creates the sources of a config: the ones that the scheduler polls and the ones that receive pushes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from exporter.clock import Clock
from exporter.config.root import Config
from exporter.config.sources.push import PushOptions
from exporter.errors import ConfigError, Problem, SourceRejectedError
from exporter.push.inbox import PushInbox
from exporter.sources.base import SourceContext, Telemetry
from exporter.sources.registry import create
from exporter.sync.fingerprint import fingerprint
from exporter.sync.schedule import Job


def sync_jobs(
    config: Config, environ: Mapping[str, str], data_dir: Path | None, clock: Clock, telemetry: Telemetry
) -> list[Job]:
    """One job per polled source; raises ConfigError with every source whose address is not allowed."""
    context = SourceContext(environ, config.base, config.company.timezone, clock, telemetry, data_dir)
    jobs, problems = [], []
    for options in config.sources:
        if not options.polled:
            continue
        fingerprints = {entity: fingerprint(options, entity, context.zone) for entity in options.reads}
        try:
            jobs.append(Job(create(options, context), options.sync_every, options.reconcile_every, fingerprints))
        except SourceRejectedError as error:
            problems.append(Problem("config", 0, f"sources.{options.name}", str(error)))
    if problems:
        raise ConfigError(problems)
    return jobs


def push_inboxes(
    config: Config, environ: Mapping[str, str], data_dir: Path | None, clock: Clock, telemetry: Telemetry
) -> list[PushInbox]:
    """The inboxes of the push sources."""
    context = SourceContext(environ, config.base, config.company.timezone, clock, telemetry, data_dir)
    return [PushInbox(options, context) for options in config.sources if isinstance(options, PushOptions)]
