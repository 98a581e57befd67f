"""Exit codes of commands that fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exporter.errors import (
    ConfigError,
    EvaluationError,
    Problem,
    Reason,
    SourceRejectedError,
    StartError,
    StoreError,
    exit_code,
    message_lines,
)
from exporter.store.store import Store
from tests.command_line import RunCli


def test_commands_reject_an_invalid_config(run_cli: RunCli, company: Path, data: Path) -> None:
    company.write_text("company: [")
    for arguments in (["serve"], ["sync", "--once"], ["values"]):
        done = run_cli(*arguments, "--config", company, "--data-dir", data)
        assert done.code == 2
        assert done.err.startswith("error: ")
        assert "kpis.yaml:1" in done.err
    assert not data.exists()


def test_a_store_in_use_gives_exit_code_3(run_cli: RunCli, company: Path, data: Path) -> None:
    store = Store.open(data)
    try:
        for arguments in (["values"], ["sync", "--once"], ["serve", "--listen", "127.0.0.1:0"]):
            done = run_cli(*arguments, "-c", company, "-d", data)
            assert done.code == 3
            assert done.err.startswith(f"error: {data}")
    finally:
        store.close()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError([Problem("f", 1, "", "m")]), 2),
        (StoreError("s"), 3),
        (SourceRejectedError(Reason.TLS, "t"), 4),
        (StartError("x"), 1),
        (EvaluationError("n", "m"), 1),
    ],
)
def test_every_expected_error_has_its_exit_code(error: Any, code: int) -> None:
    assert exit_code(error) == code
    assert len(message_lines(error)) == 1
