"""Secrets and data files: there, readable, and for nobody else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.config.loader import parse
from exporter.errors import ConfigError
from tests.config.minimal import text

HUB = "sources: [{{name: hub, provider: hubspot, entities: [deals], token: {{{0}}}}}]"


@pytest.fixture(autouse=True)
def others_may_read_nothing() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def found(base: Path, secret: str, environ: dict[str, str] | None = None) -> list[str]:
    """The problems, or else the warnings, of a config whose one secret stands there."""
    try:
        loaded = parse(text(sources=HUB.format(secret)), "a.yaml", base, environ or {})
    except ConfigError as error:
        return [f"{problem.path}: {problem.message}" for problem in error.problems]
    return [f"{problem.path}: {problem.message}" for problem in loaded.warnings if "explains" not in problem.message][
        :1
    ]


class TestEnvironment:
    def test_a_variable_that_is_set_is_fine(self, tmp_path: Path) -> None:
        assert found(tmp_path, "env: TOKEN", {"TOKEN": "x"}) == ["objectives[0]: no KPI makes the objective measurable"]

    @pytest.mark.parametrize("environ", [{}, {"TOKEN": ""}, {"TOKEN": " \n"}])
    def test_a_variable_that_is_missing_or_empty_is_named(self, tmp_path: Path, environ: dict[str, str]) -> None:
        assert found(tmp_path, "env: TOKEN", environ) == [
            "sources[0].token.env: the environment variable TOKEN is missing or empty"
        ]


class TestSecretFiles:
    def test_a_file_for_oneself_is_fine(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("x\r\n")
        assert found(tmp_path, "file: token") == ["objectives[0]: no KPI makes the objective measurable"]

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (None, "does not exist"),
            (b"", "is empty"),
            (b" \r\n", "is empty"),
            (b"\xff\xfe", "is not text"),
            (b"x" * 70_000, "is too large to be a secret"),
        ],
    )
    def test_a_file_that_holds_no_secret_says_why(self, tmp_path: Path, content: bytes | None, words: str) -> None:
        if content is not None:
            (tmp_path / "token").write_bytes(content)
        assert found(tmp_path, "file: token") == [f"sources[0].token.file: the secret file token {words}"]

    def test_a_directory_is_no_secret(self, tmp_path: Path) -> None:
        (tmp_path / "token").mkdir()
        assert found(tmp_path, "file: token") == ["sources[0].token.file: the secret file token does not exist"]

    def test_a_file_that_may_not_be_read_says_so(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "token").write_text("x")
        monkeypatch.setattr(os, "access", lambda *_: False)
        assert found(tmp_path, "file: token") == [
            "sources[0].token.file: the secret file token may not be read by this user"
        ]

    def test_a_file_that_everybody_can_read_is_doubtful(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("x")
        (tmp_path / "token").chmod(0o644)
        assert found(tmp_path, "file: token") == ["sources[0].token.file: token can be read by every user"]

    def test_what_an_orchestrator_mounts_is_not(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "token").write_text("x")
        (tmp_path / "token").chmod(0o444)
        monkeypatch.setattr("exporter.config.checks.files._MOUNTED", tmp_path)
        assert found(tmp_path, f"file: {tmp_path}/token") == ["objectives[0]: no KPI makes the objective measurable"]

    def test_a_secret_that_never_leaves_this_machine_is_not(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("x")
        (tmp_path / "token").chmod(0o644)
        here = HUB.replace("entities", "base_url: 'http://127.0.0.1:9941', allow_insecure: true, entities")
        warnings = parse(text(sources=here.format("file: token")), "a.yaml", tmp_path, {}).warnings
        assert "sources[0].token.file" not in [warning.path for warning in warnings]

    def test_a_secret_outside_the_sources_is_looked_at_too(self, tmp_path: Path) -> None:
        (tmp_path / "deals.csv").write_text("id\n")
        (tmp_path / "hook").write_text("x")
        (tmp_path / "hook").chmod(0o644)
        contacts = "contacts: [{name: a, teams: {webhook: {file: hook}}}]"
        warnings = parse(text(contacts=contacts), "a.yaml", tmp_path, {}).warnings
        assert "contacts[0].teams.webhook.file" in [warning.path for warning in warnings]


class TestDataFiles:
    @pytest.mark.parametrize(
        ("section", "path"),
        [
            ({}, "sources[0].path: there is no file deals.csv"),
            (
                {"company": "company: {name: A, timezone: UTC, rates_csv: r.csv}"},
                "company.rates_csv: there is no file r.csv",
            ),
            (
                {
                    "sources": "sources: [{name: x, provider: sql, engine: sqlite, path: a.db, "
                    "entities: [{entity: deals, table: d, columns: {id: id}}]}]"
                },
                "sources[0].path: there is no file a.db",
            ),
        ],
    )
    def test_a_missing_file_is_named(self, tmp_path: Path, section: dict[str, str], path: str) -> None:
        with pytest.raises(ConfigError) as refused:
            parse(text(**section), "a.yaml", tmp_path, {})
        assert path in [f"{problem.path}: {problem.message}" for problem in refused.value.problems]
