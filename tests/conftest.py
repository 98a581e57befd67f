"""Fixtures and settings of all tests."""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from exporter.store.store import Store
from tests.command_line import RunCli, cli_runner

# no test depends on how long anything takes, so a busy machine is not a failure
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """Restores the logging of this process after a command configured it."""
    root, own, web = (logging.getLogger(name) for name in ("", "exporter", "exporter.web"))
    handlers, levels = list(root.handlers), [logger.level for logger in (root, own, web)]
    yield
    root.handlers[:] = handlers
    for logger, level in zip((root, own, web), levels, strict=True):
        logger.setLevel(level)


@pytest.fixture
def run_cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], logging_as_before: None) -> RunCli:
    """Runs command lines in this process."""
    return cli_runner(monkeypatch, capsys)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a store that was never used; copying it is faster than creating one."""
    folder = tmp_path_factory.mktemp("empty")
    Store.open(folder).close()
    return folder


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Iterator[Store]:
    """An empty store in `tmp_path / "data"`, closed after the test."""
    shutil.copytree(empty_store, tmp_path / "data")
    opened = Store.open(tmp_path / "data", on_corrupt="fail")
    yield opened
    opened.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Lists the reasons for which tests were skipped, each with the number of its tests."""
    skipped = terminalreporter.stats.get("skipped", ())
    for reason, count in Counter(_reason(report) for report in skipped).items():
        terminalreporter.write_line(f"SKIPPED, {count} test{'s' if count > 1 else ''}: {reason}", yellow=True)


def _reason(report: pytest.TestReport) -> str:
    where = report.longrepr
    return where[2].removeprefix("Skipped: ") if isinstance(where, tuple) else str(where)
