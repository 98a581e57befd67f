"""`check`: everything that is wrong or doubtful about a config, in one go."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from exporter.clock import system_clock
from exporter.commands.exits import DONE, SOURCE, USAGE
from exporter.config.loader import load
from exporter.config.practice import problems as practice
from exporter.config.root import Config
from exporter.errors import ConfigError, Problem, SourceError

if TYPE_CHECKING:
    from exporter.sources.base import Source

ACCESS_DEADLINE = 60.0
"""Seconds a source may take to say what it permits."""


def run(path: Path, *, strict: bool, sources: bool, data_dir: Path | None = None) -> int:
    """Prints every problem, then a verdict; the exit code is that verdict. `data_dir` knows what was ever posted.

    Raises StoreError where the data directory cannot be opened, as while serve runs on it.
    """
    console = Console(soft_wrap=True, highlight=False)
    try:
        loaded = load(path, os.environ)
    except ConfigError as error:
        _print(console, error.problems, "error", "red")
        console.print(
            Text(f"{len(error.problems)} {_plural('problem', error.problems)}: {path} is refused", "bold red")
        )
        return USAGE
    config = loaded.config
    today = datetime.now(config.company.timezone).date()
    doubts = (*loaded.warnings, *practice(config, today))
    _print(console, doubts, "error" if strict else "warning", "red" if strict else "yellow")
    if doubts and strict:
        console.print(Text(f"{len(doubts)} {_plural('warning', doubts)} taken as errors (--strict)", "bold red"))
        return USAGE
    told = {
        "source": config.sources,
        "metric": config.metrics,
        "KPI": config.kpis,
        "objective": config.objectives,
    }
    said = f"{path} is good: " + ", ".join(f"{len(parts)} {_plural(word, parts)}" for word, parts in told.items())
    console.print(Text(said + (f", {len(doubts)} {_plural('warning', doubts)}" if doubts else ""), "bold green"))
    unsent = _unsent(config, data_dir) if sources and data_dir is not None else {}
    return _try_sources(console, config, unsent) if sources else DONE


def _print(console: Console, problems: Sequence[Problem], word: str, colour: str) -> None:
    for problem in problems:
        console.print(Text.assemble((f"{word}: ", colour), str(problem)))


def _plural(word: str, things: Sequence[object]) -> str:
    return word if len(things) == 1 else f"{word}s"


def _unsent(config: Config, data_dir: Path) -> Mapping[str, tuple[str, ...]]:
    from exporter.evaluation.freshness import never_sent
    from exporter.store.store import Store

    if not data_dir.is_dir():
        return never_sent(config, ())
    store = Store.open(data_dir, on_corrupt="fail")
    try:
        return never_sent(config, store.outcomes())
    finally:
        store.close()


def _try_sources(console: Console, config: Config, unsent: Mapping[str, tuple[str, ...]]) -> int:
    rows = asyncio.run(_access(config))
    table = Table("Source", "Entity", "May be read", "What to do")
    for name, entity, allowed, missing in rows:
        if allowed and entity in unsent.get(name, ()):
            missing = f"nothing was ever posted to /push/{name}/{entity}"  # noqa: PLW2901 - told beside the verdict
        table.add_row(name, entity, Text("yes", "green") if allowed else Text("no", "red"), Text(missing))
    console.print(table)
    return DONE if all(allowed for _, _, allowed, _ in rows) else SOURCE


async def _access(config: Config) -> list[tuple[str, str, bool, str]]:
    from exporter.commands.reading import Untold
    from exporter.runtime.source_jobs import push_inboxes, sync_jobs

    context = config, os.environ, Path(), system_clock, Untold()
    sources = [job.source for job in sync_jobs(*context)]
    try:
        found = await asyncio.gather(*map(_one, sources))
    finally:
        await asyncio.gather(*(source.close() for source in sources))
    inboxes = [(inbox, inbox.token_problem()) for inbox in push_inboxes(*context)]
    pushed = [(inbox.name, entity, not problem, problem) for inbox, problem in inboxes for entity in inbox.entities]
    return [*(row for rows in found for row in rows), *pushed]


async def _one(source: Source) -> list[tuple[str, str, bool, str]]:
    from exporter.sources.access_check import describe_error

    try:
        async with asyncio.timeout(ACCESS_DEADLINE):
            return [(source.name, a.entity, a.allowed, a.missing) for a in await source.check()]
    except SourceError as error:
        return [(source.name, entity, False, describe_error(error)) for entity in source.entities]
    except TimeoutError:
        return [(source.name, entity, False, f"no answer in {ACCESS_DEADLINE:.0f} s") for entity in source.entities]
