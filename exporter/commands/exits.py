"""Exit codes, and how an expected failure becomes one."""

from __future__ import annotations

from exporter.errors import ConfigError, ExporterError, SourceError, StoreError

DONE, CANNOT_START, USAGE, STORE, SOURCE = 0, 1, 2, 3, 4


def exit_code(error: ExporterError) -> int:
    """The code that a command ends with."""
    for kind, code in ((ConfigError, USAGE), (StoreError, STORE), (SourceError, SOURCE)):
        if isinstance(error, kind):
            return code
    return CANNOT_START


def lines(error: ExporterError) -> tuple[str, ...]:
    """What is to be told: every problem of a config, else the error's message."""
    return tuple(map(str, error.problems)) if isinstance(error, ConfigError) else (str(error),)
