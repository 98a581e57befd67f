"""Loads YAML into a valid config, or reports every problem at once."""

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
from exporter.config.checks.context import CheckContext
from exporter.config.company import Company
from exporter.config.fields import Many
from exporter.config.metrics import Metric
from exporter.config.positions import Finding, KeyPath, Origin, YamlList, YamlMapping
from exporter.config.root import Config
from exporter.config.sources import AnySource
from exporter.errors import ConfigError, Problem

MAX_PROBLEMS = 100
"""Problems reported per config. Nobody reads more, and finding suggestions takes time."""

_PLACEHOLDERS: Mapping[str, Mapping[str, str]] = {"company": {"name": "company", "timezone": "UTC"}}
"""Replace required settings that are invalid, so that the rest of a config can be checked."""


@dataclass(frozen=True, slots=True)
class CheckedConfig:
    """A valid config and its warnings."""

    config: Config
    warnings: tuple[Problem, ...]


def load(path: Path, environ: Mapping[str, str], *, check_files: bool = True, delivery: bool = True) -> CheckedConfig:
    """Loads a config file. Raises ConfigError with all its problems.

    Without `check_files` secrets and data files may be missing, so that a config can be checked and dashboards
    generated on another machine. Without `delivery` only the secrets by which alerts reach contacts may be missing,
    for a process that never reads them.
    """
    text = yaml_reader.read(path, str(path))
    return parse(text, str(path), path.parent, environ if check_files else None, delivery=delivery)


def parse(
    text: str, name: str, base: Path, environ: Mapping[str, str] | None = None, *, delivery: bool = True
) -> CheckedConfig:
    """Loads YAML text. `name` stands for the file in problems, and paths in the config are relative to `base`.

    Without `environ`, secrets and data files are not checked. Raises ConfigError.
    """
    document = yaml_reader.parse(text, name)
    try:
        config = Config.model_validate(document.origin.tree)
    except ValidationError as error:
        problems = [*document.problems, *_all_problems(document.origin, error, base, environ, delivery)]
        raise ConfigError(_sorted(problems)) from None
    config = config.located_in(base, document.origin)
    context = CheckContext(config)
    problems = [*document.problems, *document.origin.problems(_errors(context, environ, delivery))]
    if problems:
        raise ConfigError(_sorted(problems))
    warnings = [*run.warnings(context), *(() if environ is None else files.warnings(context))]
    return CheckedConfig(config, document.origin.problems(islice(warnings, MAX_PROBLEMS)))


def _errors(context: CheckContext, environ: Mapping[str, str] | None, delivery: bool) -> list[Finding]:
    errors = list(islice(run.errors(context), MAX_PROBLEMS))
    return errors if environ is None else [*errors, *files.errors(context, environ, delivery)]


def _sorted(problems: Iterable[Problem]) -> list[Problem]:
    return sorted(set(problems))[:MAX_PROBLEMS]


class _PartialConfig(Config):
    """The valid parts of an invalid config."""

    company: Company = Field(default_factory=lambda: Company.model_validate(_PLACEHOLDERS["company"]))
    sources: Many[AnySource] = ()
    metrics: Many[Metric] = ()


def _all_problems(
    origin: Origin, error: ValidationError, base: Path, environ: Mapping[str, str] | None, delivery: bool
) -> tuple[Problem, ...]:
    errors = pydantic_errors.by_path(error, origin.tree)
    findings = pydantic_errors.findings(errors, origin.tree, MAX_PROBLEMS)
    valid = _ValidParts.of(origin.tree, errors)
    config = _PartialConfig.model_validate(valid.tree).located_in(base, origin)
    context = CheckContext(config, valid.indexes, valid.unreadable, origin.tree)
    return origin.problems([*findings, *_errors(context, environ, delivery)])


@dataclass(frozen=True, slots=True)
class _ValidParts:
    """A tree without invalid definitions and settings; see CheckContext for `indexes` and `unreadable`."""

    tree: dict[str, Any]
    indexes: Mapping[str, list[int]]
    unreadable: frozenset[str]

    @classmethod
    def of(cls, tree: Any, error_paths: Iterable[KeyPath]) -> _ValidParts:
        invalid: dict[str, set[str | int | None]] = defaultdict(set)
        for path in error_paths:
            if path:
                invalid[str(path[0])].add(path[1] if len(path) > 1 else None)
        sections: dict[str, Any] = {}
        indexes: dict[str, list[int]] = {}
        for key, section in tree.items() if isinstance(tree, YamlMapping) else ():
            if isinstance(section, YamlList) and None not in invalid[key]:
                indexes[key] = [index for index in range(len(section)) if index not in invalid[key]]
                sections[key] = [section[index] for index in indexes[key]]
            elif isinstance(section, YamlMapping) and None not in invalid[key]:
                settings = {name: section[name] for name in section if name not in invalid[key]}
                sections[key] = {**_PLACEHOLDERS.get(key, {}), **settings}
        return cls(sections, indexes, frozenset(key for key in invalid if invalid[key] and key not in sections))
