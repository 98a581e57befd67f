"""A command line, run in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from exporter import cli


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


Typed = Callable[..., Done]
"""Takes the words that are typed after `kpi-exporter`."""


def typist(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Types command lines."""
    monkeypatch.setenv("COLUMNS", "100")

    def run(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["kpi-exporter", *map(str, words)])
        code = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return run
