"""Runs the command line in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from exporter import cli


@dataclass(frozen=True)
class CliResult:
    """Exit code and output of a command."""

    code: int
    out: str
    err: str


RunCli = Callable[..., CliResult]
"""Called with the arguments after `kpi-exporter`."""


def cli_runner(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunCli:
    """A function that runs command lines."""
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: object) -> CliResult:
        monkeypatch.setattr(sys, "argv", ["kpi-exporter", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as error:
            code = int(error.code or 0)
        out, err = capsys.readouterr()
        return CliResult(code, out, err)

    return run
