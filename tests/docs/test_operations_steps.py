"""The commands of the operator's page do what it says, tried in a directory with a running exporter."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.command_line import RunCli
from tests.exporter_process import COMMAND, Exporter, exporting
from tests.shop import CONFIG, REVENUE, send, today, won
from tests.waiting import until

PAGE = (Path(__file__).parents[2] / "docs/operations.md").read_text(encoding="utf-8")
SECTIONS = {text.partition("\n")[0]: text for text in re.split(r"^##+ ", PAGE, flags=re.MULTILINE)[1:]}
OLD, NEW = "first-token-of-the-shop", "second-token-of-the-shop"
CRM = "  - {name: crm, provider: csv, path: calls.csv, entity: calls, columns: {id: id}}\n"
RELOADED = "kpi_exporter_config_last_reload_successful"


def blocks(section: str) -> list[str]:
    """The blocks of commands in a section."""
    return re.findall(r"^```sh\n(.*?)^```$", SECTIONS[section], re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """A directory with config, secrets and data, and the exporter that serves it."""

    folder: Path
    exporter: Exporter

    def run(self, section: str) -> str:
        """Runs the commands of a section in the directory; fails the test if one of them fails."""
        environ = {
            **os.environ,
            "PATH": f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}",
            "PID": str(self.exporter.process.pid),
            "NEW_SECRET": NEW,
        }
        output = ""
        for block in blocks(section):
            command = ["bash", "-euo", "pipefail", "-c", block.replace("/backups/", f"{self.folder}/backups/")]
            done = subprocess.run(command, cwd=self.folder, env=environ, capture_output=True, text=True)
            assert done.returncode == 0, block + done.stdout + done.stderr
            output += done.stdout
        return output

    def git(self, *arguments: str) -> None:
        """Runs git in the config's folder."""
        who = ("-c", "user.name=Operator", "-c", "user.email=operator@example.com")
        subprocess.run(["git", *who, *arguments], cwd=self.folder / "config", check=True, capture_output=True)


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    """A company whose shop pushes with a token in a file, and whose config is in git."""
    (folder / "config").mkdir()
    (folder / "backups").mkdir(mode=0o700)
    (folder / "secrets/sources").mkdir(parents=True)
    (folder / "secrets/sources/shop_token").write_text(OLD)
    (folder / "secrets/sources/shop_token").chmod(0o640)
    config = folder / "config/kpis.yaml"
    (folder / "config/calls.csv").write_text("id\n")
    text = CONFIG.replace("{env: SHOP_TOKEN}", "{file: ../secrets/sources/shop_token}")
    config.write_text(text.replace("sources:\n", f"sources:\n{CRM}", 1))
    with exporting(config, folder / "data") as exporter:
        made = Place(folder, exporter)
        made.git("init", "--quiet")
        made.git("config", "user.name", "Operator")
        made.git("config", "user.email", "operator@example.com")
        made.git("add", ".")
        made.git("commit", "--quiet", "--message", "the config")
        until(lambda: send(exporter, [], token=OLD)[0] == 200)
        yield made


def rotate_a_secret(here: Place) -> None:
    assert send(here.exporter, [], token=NEW)[0] == 401
    here.run("Rotate a secret")
    until(lambda: send(here.exporter, [], token=NEW)[0] == 200)
    assert send(here.exporter, [], token=OLD)[0] == 401
    assert (here.folder / "secrets/sources/shop_token").stat().st_mode & 0o007 == 0


def undo_a_change(here: Place) -> None:
    config = here.folder / "config/kpis.yaml"
    config.write_text(config.read_text().replace("period: year", "period: fortnight"))
    here.git("commit", "--quiet", "--all", "--message", "a mistake")
    here.exporter.process.send_signal(1)
    until(lambda: here.exporter.value(RELOADED) == 0)
    here.run("Undo a change")
    until(lambda: here.exporter.value(RELOADED) == 1)


def take_a_backup(here: Place) -> None:
    assert send(here.exporter, [won(1, 100, closed_at=today())], token=OLD)[0] == 200
    here.run("Take a backup")
    assert (here.folder / "backups/kpi.backup").stat().st_mode & 0o077 == 0


def restore_a_backup(here: Place) -> None:
    take_a_backup(here)
    assert send(here.exporter, [won(2, 50, closed_at=today())], token=OLD)[0] == 200
    until(lambda: here.exporter.value(REVENUE) == 150)
    here.run("Restore a backup")
    until(lambda: here.exporter.value(REVENUE) == 100)


def lift_a_hold(here: Place) -> None:
    until(lambda: here.exporter.value('kpi_exporter_source_up{source="crm"}') == 1)  # only what was read can wait
    here.run("Lift a vendor's hold")


SCENARIOS: dict[str, Callable[[Place], None]] = {
    "Rotate a secret": rotate_a_secret,
    "Undo a change": undo_a_change,
    "Take a backup": take_a_backup,
    "Restore a backup": restore_a_backup,
    "Lift a vendor's hold": lift_a_hold,
}
TRIED_ELSEWHERE = {"Without a backup: salvage", "After damage", "Upgrade"}
"""They need a damaged or an earlier store: the tests of salvage, damage and migrations run their commands."""


@pytest.mark.parametrize("section", [section for section in SCENARIOS if blocks(section)])
def test_the_steps_of_the_section_work(section: str, tmp_path: Path) -> None:
    with place(tmp_path) as here:
        SCENARIOS[section](here)


def test_every_section_with_commands_is_tried() -> None:
    assert {section for section in SECTIONS if blocks(section)} <= {*SCENARIOS, *TRIED_ELSEWHERE}


def test_every_command_of_the_page_exists_with_its_options(run_cli: RunCli) -> None:
    found = re.findall(r"kpi-exporter ([a-z][a-z-]+)((?: +[^`\n|]*)?)", PAGE)
    assert len(found) > 5
    known = set(re.findall(r"^│ ([a-z][a-z-]+) ", run_cli("--help").out, re.MULTILINE))
    for command, rest in found:
        assert command in known, command
        options = re.findall(r"(?<!\S)--[a-z][a-z.-]+", rest)
        usage = run_cli(command, "--help").out
        assert [option for option in options if option not in usage] == [], f"{command} {rest}"
