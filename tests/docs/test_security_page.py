"""The commands of docs/security.md, as a user would paste them."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
import yaml

from exporter.config.loader import load
from exporter.config.organisation import Dashboards
from exporter.push.tokens import MAX_GUESSES
from exporter.web import connections, hosts, limits, server
from tests import small_company
from tests.exporter_process import free_port
from tests.processes import completed
from tests.programs import program

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("name", ["openssl", "curl"])
def test_the_programs_of_the_page_are_installed(name: str) -> None:
    assert program(name)


def test_every_command_succeeds(tmp_path: Path) -> None:
    small_company.write(tmp_path)
    port = free_port()
    script = "set -eu\ntrap 'kill $(jobs -p) 2>/dev/null' EXIT\n" + "".join(blocks("sh")).replace("9940", str(port))
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = completed(["bash", "-c", script], cwd=tmp_path, env=environ)
    assert done.returncode == 0, done.stderr.decode()
    assert b"healthy\n" in done.stdout
    assert done.stdout.count(b"web.yml is valid") == 2
    password = (tmp_path / "prometheus-password").read_bytes().strip()
    assert password not in done.stdout + done.stderr
    assert (tmp_path / "server.key").stat().st_mode & 0o077 == 0


def test_every_section_for_the_config_is_valid(tmp_path: Path) -> None:
    config = small_company.write(tmp_path)
    text = config.read_text()
    for block in blocks("yaml"):
        assert Dashboards.model_validate(yaml.safe_load(block)["dashboards"])
        config.write_text(text + block)
        load(config, {})


def test_numbers_and_names_are_those_of_the_code() -> None:
    assert f"{connections.MAX_CONNECTIONS:,}" in PAGE
    assert f"{limits.MAX_IN_FLIGHT} scrapes" in PAGE
    assert f"{server.STALL_TIMEOUT} seconds" in PAGE
    assert f"{limits.DEADLINE:.0f} seconds" in PAGE
    assert MAX_GUESSES == 10
    assert "After ten wrong tokens" in PAGE
    assert ", ".join(f"`{suffix}`" for suffix in hosts.PRIVATE_SUFFIXES) in PAGE
