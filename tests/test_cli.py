"""The command line as it is typed: its help, its slips, its plug-ins."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint

import pytest
import typer

from exporter import __version__, cli
from tests.command_line import Typed


def test_help_names_every_command_and_each_has_its_own(typed: Typed) -> None:
    said = typed("--help")
    assert said.code == 0
    for command in ("serve", "sync", "values", "check", "schema", "demo", "ping"):
        assert command in said.out
        assert typed(command, "--help").code == 0
    assert typed("--version").out == f"kpi-exporter {__version__}\n"


@pytest.mark.parametrize("words", [["nonsense"], ["serve", "--port", "1"], ["values", "--scope", "planet"], ["ping"]])
def test_a_slip_of_the_finger_ends_with_2_and_a_hint(typed: Typed, words: list[str]) -> None:
    done = typed(*words)
    assert done.code == 2
    assert "Usage" in done.err
    assert "Traceback" not in done.err


def test_other_packages_add_commands(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = typer.Typer()
    fresh.registered_commands = list(cli.app.registered_commands)
    fresh.registered_callback = cli.app.registered_callback
    monkeypatch.setattr(cli, "app", fresh)
    here = EntryPoint("here", "tests.test_cli:register", cli.PLUGINS)
    missing = EntryPoint("missing", "no_such_library.cli:register", cli.PLUGINS)
    monkeypatch.setattr(cli, "entry_points", lambda group: [missing, here] if group == cli.PLUGINS else [])
    assert typed("added").out == "added by a plug-in\n"


def register(app: typer.Typer) -> None:
    """What a plug-in does."""

    @app.command()
    def added() -> None:
        """Says so."""
        typer.echo("added by a plug-in")


def test_a_fault_of_ours_is_told_in_one_line_without_what_it_held(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise KeyError("s3cr3t")

    monkeypatch.setattr("exporter.commands.schema.run", broken)
    done = typed("schema")
    assert done.code == 1
    assert re.fullmatch(r"error: a fault of kpi-exporter itself: KeyError in cli\.py, line \d+\..*\n", done.err)
