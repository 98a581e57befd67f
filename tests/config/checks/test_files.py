"""Secrets and data files must exist and be readable, secrets only by their owner."""

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
def private_umask() -> Iterator[None]:
    previous = os.umask(0o077)
    yield
    os.umask(previous)


def findings(base: Path, secret: str, environ: dict[str, str] | None = None) -> list[str]:
    """The problems of a config with this secret; if there are none, its first warning."""
    try:
        loaded = parse(text(sources=HUB.format(secret)), "a.yaml", base, environ or {})
    except ConfigError as error:
        return [f"{problem.path}: {problem.message}" for problem in error.problems]
    return [
        f"{problem.path}: {problem.message}" for problem in loaded.warnings if "no KPI uses" not in problem.message
    ][:1]


class TestEnvironment:
    def test_a_variable_that_is_set_is_fine(self, tmp_path: Path) -> None:
        assert findings(tmp_path, "env: TOKEN", {"TOKEN": "x"}) == ["objectives[0]: no KPI belongs to the objective"]

    @pytest.mark.parametrize("environ", [{}, {"TOKEN": ""}, {"TOKEN": " \n"}])
    def test_a_variable_that_is_missing_or_empty_is_named(self, tmp_path: Path, environ: dict[str, str]) -> None:
        assert findings(tmp_path, "env: TOKEN", environ) == [
            "sources[0].token.env: the environment variable TOKEN is missing or empty"
        ]


class TestSecretFiles:
    def test_a_private_file_is_fine(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("x\r\n")
        assert findings(tmp_path, "file: token") == ["objectives[0]: no KPI belongs to the objective"]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (None, "does not exist"),
            (b"", "is empty"),
            (b" \r\n", "is empty"),
            (b"\xff\xfe", "is not text"),
            (b"x" * 70_000, "is too large to be a secret"),
        ],
    )
    def test_an_unusable_secret_file_is_explained(self, tmp_path: Path, content: bytes | None, message: str) -> None:
        if content is not None:
            (tmp_path / "token").write_bytes(content)
        assert findings(tmp_path, "file: token") == [f"sources[0].token.file: the secret file token {message}"]

    def test_a_directory_is_not_a_secret_file(self, tmp_path: Path) -> None:
        (tmp_path / "token").mkdir()
        assert findings(tmp_path, "file: token") == ["sources[0].token.file: the secret file token does not exist"]

    def test_an_unreadable_file_is_reported(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "token").write_text("x")
        monkeypatch.setattr(os, "access", lambda *_: False)
        assert findings(tmp_path, "file: token") == [
            "sources[0].token.file: the secret file token cannot be read by this user"
        ]

    def test_a_file_that_everybody_can_read_gives_a_warning(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("x")
        (tmp_path / "token").chmod(0o644)
        assert findings(tmp_path, "file: token") == ["sources[0].token.file: token can be read by every user"]

    def test_a_secret_mounted_by_an_orchestrator_gives_no_warning(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "token").write_text("x")
        (tmp_path / "token").chmod(0o444)
        monkeypatch.setattr("exporter.config.checks.files._MOUNTED_SECRETS", tmp_path)
        assert findings(tmp_path, f"file: {tmp_path}/token") == ["objectives[0]: no KPI belongs to the objective"]

    def test_a_secret_that_is_only_sent_to_this_machine_gives_no_warning(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("x")
        (tmp_path / "token").chmod(0o644)
        local = HUB.replace("entities", "base_url: 'http://127.0.0.1:9941', allow_insecure: true, entities")
        warnings = parse(text(sources=local.format("file: token")), "a.yaml", tmp_path, {}).warnings
        assert "sources[0].token.file" not in [warning.path for warning in warnings]

    def test_a_secret_outside_the_sources_is_checked_too(self, tmp_path: Path) -> None:
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
        with pytest.raises(ConfigError) as error:
            parse(text(**section), "a.yaml", tmp_path, {})
        assert path in [f"{problem.path}: {problem.message}" for problem in error.value.problems]


class TestPushTokens:
    SHOP = "sources: [{name: shop, provider: push, entities: [deals], token: {env: TOKEN}}]"

    @pytest.mark.parametrize("token", ["fifteen-letters", "%"])
    def test_a_token_that_can_be_guessed_is_refused_with_the_cure(self, tmp_path: Path, token: str) -> None:
        with pytest.raises(ConfigError) as raised:
            parse(text(sources=self.SHOP), "a.yaml", tmp_path, {"TOKEN": token})
        (problem,) = raised.value.problems
        assert problem.path == "sources[0].token"
        assert "openssl rand -hex 32" in problem.hint
        assert token not in str(problem)

    def test_a_token_of_sixteen_characters_is_fine(self, tmp_path: Path) -> None:
        assert parse(text(sources=self.SHOP), "a.yaml", tmp_path, {"TOKEN": "sixteen-letters!"})


def test_a_process_that_never_notifies_does_not_need_the_contacts_secrets(tmp_path: Path) -> None:
    contact = "contacts: [{name: room, slack: {webhook: {file: room}}}]"
    (tmp_path / "deals.csv").touch()
    config = text(contacts=contact)
    with pytest.raises(ConfigError, match="the secret file room does not exist"):
        parse(config, "a.yaml", tmp_path, {})
    assert parse(config, "a.yaml", tmp_path, {}, delivery=False).config.contacts[0].name == "room"
