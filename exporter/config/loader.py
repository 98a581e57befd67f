"""YAML to a checked config, or every problem of it at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from exporter.config import pydantic_errors, yaml_reader
from exporter.config.checks import files, run
from exporter.config.checks.view import View
from exporter.config.company import Company
from exporter.config.fields import Many
from exporter.config.metrics import Metric
from exporter.config.positions import Finding, Keyed, Listed, Origin
from exporter.config.positions import Path as Place
from exporter.config.root import Config
from exporter.config.sources import AnySource
from exporter.errors import ConfigError, Problem

MOST_PROBLEMS = 100
"""Problems that are told of one config: nobody reads more, and finding cures takes time."""

_NEEDED: Mapping[str, Mapping[str, str]] = {"company": {"name": "company", "timezone": "UTC"}}
"""Stands in for settings with faults, in a config that only serves to find further faults."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A config that can be used, and what is doubtful about it."""

    config: Config
    warnings: tuple[Problem, ...]


def load(path: Path, environ: Mapping[str, str], *, reach: bool = True) -> Loaded:
    """The config of a file; raises ConfigError with all its problems.

    `reach` says whether secrets and data files must be there; without, the config can be checked and dashboards
    generated on a machine that has none of them.
    """
    return parse(yaml_reader.read(path, str(path)), str(path), path.parent, environ if reach else None)


def parse(text: str, name: str, base: Path, environ: Mapping[str, str] | None = None) -> Loaded:
    """The config of YAML text; `name` stands for the file in problems, `base` is where its paths begin.

    Secrets and data files are looked for only where there is an environment to look in.
    """
    read = yaml_reader.parse(text, name)
    try:
        config = Config.model_validate(read.origin.tree)
    except ValidationError as error:
        problems = [*read.problems, *_all_problems(read.origin, error, base, environ)]
        raise ConfigError(_sorted(problems)) from None
    config = config.located_in(base, read.origin)
    view = View(config)
    problems = [*read.problems, *read.origin.problems(_errors(view, environ))]
    if problems:
        raise ConfigError(_sorted(problems))
    doubts = [*run.warnings(view), *(() if environ is None else files.warnings(view))]
    return Loaded(config, read.origin.problems(islice(doubts, MOST_PROBLEMS)))


def _errors(view: View, environ: Mapping[str, str] | None) -> list[Finding]:
    found = list(islice(run.errors(view), MOST_PROBLEMS))
    return found if environ is None else [*found, *files.errors(view, environ)]


def _sorted(problems: Iterable[Problem]) -> list[Problem]:
    return sorted(set(problems))[:MOST_PROBLEMS]


class _Draft(Config):
    """What is sound of a faulty config, to find its remaining problems in the same go."""

    company: Company = Field(default_factory=lambda: Company.model_validate(_NEEDED["company"]))
    sources: Many[AnySource] = ()
    metrics: Many[Metric] = ()


def _all_problems(
    origin: Origin, error: ValidationError, base: Path, environ: Mapping[str, str] | None
) -> tuple[Problem, ...]:
    by_place = pydantic_errors.by_place(error, origin.tree)
    found = pydantic_errors.findings(by_place, origin.tree, MOST_PROBLEMS)
    sound = _Sound.of(origin.tree, by_place)
    draft = _Draft.model_validate(sound.tree).located_in(base, origin)
    view = View(draft, sound.kept, sound.lost, origin.tree)
    return origin.problems([*found, *_errors(view, environ)])


@dataclass(frozen=True, slots=True)
class _Sound:
    """A tree without its faulty definitions and settings: the places of those kept, and sections of which none are."""

    tree: dict[str, Any]
    kept: Mapping[str, list[int]]
    lost: frozenset[str]

    @classmethod
    def of(cls, tree: Any, faulty: Iterable[Place]) -> _Sound:
        out: dict[str, set[str | int | None]] = defaultdict(set)
        for path in faulty:
            if path:
                out[str(path[0])].add(path[1] if len(path) > 1 else None)
        sound: dict[str, Any] = {}
        kept: dict[str, list[int]] = {}
        for key, part in tree.items() if isinstance(tree, Keyed) else ():
            if isinstance(part, Listed) and None not in out[key]:
                kept[key] = [place for place in range(len(part)) if place not in out[key]]
                sound[key] = [part[place] for place in kept[key]]
            elif isinstance(part, Keyed) and None not in out[key]:
                sound[key] = {**_NEEDED.get(key, {})} | {name: part[name] for name in part if name not in out[key]}
        return cls(sound, kept, frozenset(key for key in out if out[key] and key not in sound))
