"""The command line: help, usage errors, plug-ins, bugs, and the schema."""

from __future__ import annotations

import json
import re
from importlib.metadata import EntryPoint

import pytest
import typer
from jsonschema import Draft202012Validator

from exporter import __version__, cli
from exporter.config.schema import schema
from tests.command_line import RunCli


def test_help_lists_every_command_and_every_command_has_help(run_cli: RunCli) -> None:
    result = run_cli("--help")
    assert result.code == 0
    for command in (
        "serve",
        "sync",
        "values",
        "backfill",
        "provision",
        "check",
        "schema",
        "demo",
        "ping",
        "backup",
        "restore",
    ):
        assert command in result.out
        own = run_cli(command, "--help")
        assert own.code == 0
        assert "Example" in own.out
    assert run_cli("--version").out == f"kpi-exporter {__version__}\n"


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["serve", "--port", "1"], ["values", "--scope", "planet"], ["ping"]]
)
def test_wrong_usage_gives_exit_code_2_and_a_hint(run_cli: RunCli, arguments: list[str]) -> None:
    done = run_cli(*arguments)
    assert done.code == 2
    assert "Usage" in done.err
    assert "Traceback" not in done.err


def test_other_packages_can_add_commands(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = typer.Typer()
    copy.registered_commands = list(cli.app.registered_commands)
    copy.registered_callback = cli.app.registered_callback
    monkeypatch.setattr(cli, "app", copy)
    installed = EntryPoint("installed", "tests.test_cli:register", cli.PLUGINS)
    missing = EntryPoint("missing", "no_such_library.cli:register", cli.PLUGINS)
    monkeypatch.setattr(cli, "entry_points", lambda group: [missing, installed] if group == cli.PLUGINS else [])
    assert run_cli("added").out == "added by a plug-in\n"


def register(app: typer.Typer) -> None:
    """The entry point of a plug-in."""

    @app.command()
    def added() -> None:
        """Prints a line."""
        typer.echo("added by a plug-in")


def test_a_bug_is_reported_in_one_line_without_values(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise KeyError("s3cr3t")

    monkeypatch.setattr("exporter.config.schema.schema", broken)
    done = run_cli("schema")
    assert done.code == 1
    assert re.fullmatch(r"error: this is a bug in kpi-exporter: KeyError in cli\.py, line \d+\..*\n", done.err)


def test_the_schema_is_printed(run_cli: RunCli) -> None:
    printed = json.loads(run_cli("schema").out)
    Draft202012Validator.check_schema(printed)
    assert printed == schema()
