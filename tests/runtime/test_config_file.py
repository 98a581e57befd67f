"""Reading the config file: its secrets, its warnings and its digest."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from exporter.logs import MASK, Redactor
from exporter.runtime.config_file import config_digest, read_config
from tests import small_company

CONTACT = "contacts:\n  - {name: ops, slack: {webhook: {env: HOOK}}}\n"


def test_secrets_are_registered_with_the_log_and_warnings_are_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = small_company.write(tmp_path, small_company.CONFIG + CONTACT)
    redactor = Redactor()
    with caplog.at_level(logging.WARNING, "exporter"):
        loaded = read_config(path, {"HOOK": "https://hooks.example/abcdef"}, redactor)
    assert loaded.config.company.name == "Small"
    assert redactor.clean("to https://hooks.example/abcdef") == f"to {MASK}"
    assert any("no KPI notifies the contact" in record.message for record in caplog.records)


def test_the_digest_changes_with_the_text(tmp_path: Path) -> None:
    path = small_company.write(tmp_path)
    first = config_digest(path)
    assert read_config(path, {}).digest == first
    path.write_text(small_company.CONFIG + "\n")
    assert config_digest(path) not in ("", first)
    assert config_digest(tmp_path / "nothing") == ""
