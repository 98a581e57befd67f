"""How commands end that cannot do their work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exporter.commands import exits
from exporter.errors import ConfigError, EvaluationError, Problem, Reason, SourceRejectedError, StartError, StoreError
from exporter.store.store import Store
from tests.command_line import Typed


def test_commands_that_need_a_config_refuse_a_bad_one(typed: Typed, company: Path, data: Path) -> None:
    company.write_text("company: [")
    for words in (["serve"], ["sync", "--once"], ["values"]):
        done = typed(*words, "--config", company, "--data-dir", data)
        assert done.code == 2
        assert done.err.startswith("error: ")
        assert "kpis.yaml:1" in done.err
    assert not data.exists()


def test_a_store_in_use_ends_with_3(typed: Typed, company: Path, data: Path) -> None:
    store = Store.open(data)
    try:
        for words in (["values"], ["sync", "--once"], ["serve", "--listen", "127.0.0.1:0"]):
            done = typed(*words, "-c", company, "-d", data)
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
def test_every_expected_failure_has_its_exit_code(error: Any, code: int) -> None:
    assert exits.exit_code(error) == code
    assert len(exits.lines(error)) == 1
