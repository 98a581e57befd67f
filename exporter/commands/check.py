"""`check`: every problem and warning of a config in one go, and whether its sources can be read."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from exporter.clock import system_clock
from exporter.commands.past_notes import past_notes
from exporter.commands.terminal import PlainConsole, cell
from exporter.config import practice
from exporter.config.loader import load
from exporter.config.positions import Finding
from exporter.config.root import Config
from exporter.config.shares import share_notes
from exporter.errors import ConfigError, ExitCode, Problem, SourceError, StoreLockedError
from exporter.printable import printable
from exporter.settings import WebSettings
from exporter.threads import run_loop

if TYPE_CHECKING:
    from exporter.sources.base import Source
    from exporter.store.store import Store

ACCESS_TIMEOUT = 60.0
"""Seconds that a source may take to report its permissions."""


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What to check besides the config itself, and whether warnings count as errors."""

    strict: bool
    sources: bool
    data_dir: Path | None = None
    web: WebSettings = field(default_factory=WebSettings)


def run(path: Path, options: CheckOptions) -> ExitCode:
    """Prints every problem, then a summary. `data_dir` is only read, and neither it nor a store is created.

    Raises StoreError if there is a store that cannot be read, EvaluationError.
    """
    console = PlainConsole(soft_wrap=True, highlight=False)
    if not _has_valid_web_config(console, options.web):
        return ExitCode.USAGE
    try:
        checked = load(path, os.environ)
    except ConfigError as error:
        return _rejected(console, error, path)
    config = checked.config
    now = system_clock()
    warnings = [*checked.warnings, *practice.problems(config, now.astimezone(config.company.timezone).date())]
    kept: list[str] = []
    with _existing_store(console, options.data_dir) as store:
        if store is not None:
            from exporter.commands.past_values import step_problems
            from exporter.sync.retention import removed_notes

            warnings += step_problems(config, store, now)
            kept = removed_notes(store.removed_sources())
        notes, problems = _target_problems(config, store, now)
        shares = config.origin.problems(share_notes(config))
        notes = sorted([*notes, *shares, *past_notes(config, store, now)])
        never_posted = _never_posted(config, store) if options.sources and options.data_dir is not None else {}
    warnings += problems
    _print(console, notes, "note", "cyan")
    for message in kept:
        console.print(Text.assemble(("note: ", "cyan"), message))
    _print(console, warnings, *(("error", "red") if options.strict else ("warning", "yellow")))
    if warnings and options.strict:
        console.print(Text(f"{_count(warnings, 'warning')} treated as errors (--strict)", "bold red"))
        return ExitCode.USAGE
    console.print(Text(f"{path} is valid: {', '.join(_sizes(config, warnings))}", "bold green"))
    return _check_sources(console, config, options.data_dir, never_posted) if options.sources else ExitCode.OK


def _sizes(config: Config, warnings: Sequence[object]) -> list[str]:
    """How many definitions of each kind the config has, and how many warnings."""
    sections = {"source": config.sources, "metric": config.metrics, "KPI": config.kpis, "objective": config.objectives}
    counts = [_count(definitions, noun) for noun, definitions in sections.items()]
    return [*counts, *([_count(warnings, "warning")] if warnings else [])]


def _rejected(console: Console, error: ConfigError, path: Path) -> ExitCode:
    _print(console, error.problems, "error", "red")
    console.print(Text(f"{_count(error.problems, 'problem')}: {path} is rejected", "bold red"))
    return ExitCode.USAGE


def _has_valid_web_config(console: Console, web: WebSettings) -> bool:
    """Prints which web config files are valid, or their problems. Loads the certificates, too."""
    files = [path for path in (web.config, web.people_config) if path is not None]
    if files:
        from exporter.web.security import WebConfigPaths

        try:
            WebConfigPaths(web.config, web.people_config).load()
        except ConfigError as error:
            _rejected(console, error, Path(error.problems[0].file))
            return False
    for file in files:
        console.print(Text(f"{file} is valid", "bold green"))
    return True


def _target_problems(config: Config, store: Store | None, now: datetime) -> tuple[list[Problem], list[Problem]]:
    """Notes and warnings about the people and sums of targets, by the people of the store or else of the config."""
    from exporter.evaluation.freshness import freshness
    from exporter.kpi.plan import people_known
    from exporter.kpi.target_review import parts_of_targets, unmatched
    from exporter.metrics.people import Directory

    names: list[Finding] = []
    directory = Directory((), config)
    if store is not None:
        with store.reading() as reader:
            directory = Directory.load(reader, config)
        fresh = freshness(config, store.outcomes(), now)
        names = list(unmatched(config, directory)) if people_known(fresh) else []
    parts = list(parts_of_targets(config, directory, now))
    excess = [Finding(part.path, part.text, "lower a part, or raise the whole") for part in parts if part.exceeds]
    notes = [Finding(part.path, part.text) for part in parts if not part.exceeds]
    return list(config.origin.problems(notes)), list(config.origin.problems([*names, *excess]))


def _print(console: Console, problems: Sequence[Problem], severity: str, colour: str) -> None:
    for problem in problems:
        console.print(Text.assemble((f"{severity}: ", colour), printable(str(problem))))


def _count(definitions: Sequence[object], noun: str) -> str:
    return f"{len(definitions)} {noun}{'' if len(definitions) == 1 else 's'}"


@contextmanager
def _existing_store(console: Console, data_dir: Path | None) -> Iterator[Store | None]:
    """The store in `data_dir`; None, after a note why, if there is none or if it is in use."""
    if data_dir is None:
        yield None
        return
    from exporter.store.opening import DataFiles
    from exporter.store.store import Store

    skipped = "growth targets are not compared with history"
    store = None
    if not DataFiles.of(data_dir).store.exists():
        console.print(f"note: there is no store in {data_dir}: {skipped}")
    else:
        try:
            store = Store.open(data_dir, on_corrupt="fail")
        except StoreLockedError:
            console.print(f"note: the store in {data_dir} is in use: {skipped}")
    try:
        yield store
    finally:
        if store is not None:
            store.close()


def _never_posted(config: Config, store: Store | None) -> Mapping[str, tuple[str, ...]]:
    from exporter.evaluation.freshness import never_sent

    return never_sent(config, store.outcomes() if store is not None else ())


def _check_sources(
    console: Console, config: Config, data_dir: Path | None, never_posted: Mapping[str, tuple[str, ...]]
) -> ExitCode:
    rows = run_loop(_access(config, data_dir))
    table = Table("Source", "Entity", "Readable", "What to do")
    for name, entity, allowed, hint in rows:
        if allowed and entity in never_posted.get(name, ()):
            hint = f"nothing was ever posted to /push/{name}/{entity}"  # noqa: PLW2901  # replaces the empty hint
        table.add_row(name, entity, Text("yes", "green") if allowed else Text("no", "red"), cell(hint))
    console.print(table)
    return ExitCode.OK if all(allowed for _, _, allowed, _ in rows) else ExitCode.SOURCE


async def _access(config: Config, data_dir: Path | None) -> list[tuple[str, str, bool, str]]:
    from exporter.commands.sync import NullTelemetry
    from exporter.runtime.source_jobs import push_inboxes, sync_jobs

    # in the data directory a source may replace a refresh token that is valid once; without it none is used
    context = config, os.environ, data_dir, system_clock, NullTelemetry()
    sources = [job.source for job in sync_jobs(*context)]
    try:
        by_source = await asyncio.gather(*map(source_access, sources))
    finally:
        await asyncio.gather(*(source.close() for source in sources))
    inboxes = [(inbox, inbox.token_problem()) for inbox in push_inboxes(*context)]
    pushed = [(inbox.name, entity, not problem, problem) for inbox, problem in inboxes for entity in inbox.entities]
    return [*(row for rows in by_source for row in rows), *pushed]


async def source_access(source: Source) -> list[tuple[str, str, bool, str]]:
    """(source, entity, whether it can be read, hint) of each entity."""
    from exporter.sources.access_check import describe_error

    try:
        async with asyncio.timeout(ACCESS_TIMEOUT):
            return [(source.name, a.entity, a.allowed, a.missing or a.note) for a in await source.check()]
    except SourceError as error:
        return [(source.name, entity, False, describe_error(error)) for entity in source.entities]
    except TimeoutError:
        return [(source.name, entity, False, f"no response in {ACCESS_TIMEOUT:.0f} s") for entity in source.entities]
