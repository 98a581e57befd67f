"""A request with a refresh token whose answer is lost: the vendor may have replaced the token in it."""

from __future__ import annotations

import logging
import stat
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from exporter.config.fields import Secret
from exporter.config.sources.base import OAuth
from exporter.errors import Reason, SourceError, SourceRejectedError, SourceUnavailableError
from tests.sources.http.test_oauth import CLIENT, Endpoint, auth, header, issued

OAUTH = OAuth(**CLIENT, refresh_token=Secret(env="REFRESH"))


def lost(_: dict[str, str]) -> httpx.Response:
    raise httpx.ReadError("reset")


def unreachable(_: dict[str, str]) -> httpx.Response:
    raise httpx.ConnectError("refused")


def refused(_: dict[str, str]) -> httpx.Response:
    return httpx.Response(400, json={"error": "invalid_grant"})


def attempt(script: Callable[[dict[str, str]], httpx.Response], data: Path) -> SourceError:
    """The failure of a new process whose token endpoint answers like that."""
    with pytest.raises(SourceError) as caught:
        header(auth(Endpoint(script), OAUTH, data))
    return caught.value


def notes(data: Path) -> list[Path]:
    return list(data.glob("*.attempt"))


def test_the_attempt_is_on_disk_before_the_request_and_gone_after_its_answer(tmp_path: Path) -> None:
    seen: list[tuple[int, bool]] = []

    def script(form: dict[str, str]) -> httpx.Response:
        (note,) = notes(tmp_path)
        seen.append((stat.S_IMODE(note.stat().st_mode), form["refresh_token"] in note.read_text()))
        return issued(refresh_token="second")

    header(auth(Endpoint(script), OAUTH, tmp_path))
    assert seen == [(0o600, False)]
    assert notes(tmp_path) == []


def test_a_refusal_after_a_lost_answer_says_what_happened_and_what_to_do(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        error = attempt(lost, tmp_path)
    assert isinstance(error, SourceUnavailableError)
    assert "the answer to a request with a refresh token was lost" in caplog.text
    for _ in range(2):
        refusal = attempt(refused, tmp_path)
        assert isinstance(refusal, SourceRejectedError)
        assert refusal.reason is Reason.UNAUTHORIZED
        assert "the vendor may have replaced the token" in str(refusal)
        assert "Authorise the exporter at the vendor again" in str(refusal)


def test_the_token_is_used_once_more_and_an_answer_ends_the_doubt(tmp_path: Path) -> None:
    attempt(lost, tmp_path)
    endpoint = Endpoint([issued(refresh_token="second")])
    assert header(auth(endpoint, OAUTH, tmp_path)) == "Bearer access"
    assert endpoint.forms[0]["refresh_token"] == "first"
    assert notes(tmp_path) == []
    assert "replaced" not in str(attempt(refused, tmp_path))


@pytest.mark.parametrize("script", [unreachable, refused], ids=["never sent", "answered"])
def test_what_was_not_sent_or_was_refused_at_once_leaves_no_doubt(
    tmp_path: Path, script: Callable[[dict[str, str]], httpx.Response], caplog: pytest.LogCaptureFixture
) -> None:
    attempt(script, tmp_path)
    assert notes(tmp_path) == []
    assert "replaced" not in str(attempt(refused, tmp_path))
    assert "lost" not in caplog.text


def test_a_new_secret_ends_the_doubt(tmp_path: Path) -> None:
    attempt(lost, tmp_path)
    (note,) = notes(tmp_path)
    note.write_text(note.read_text().replace('"token": "', '"token": "0'))
    assert "replaced" not in str(attempt(refused, tmp_path))


def test_a_successor_that_cannot_be_saved_keeps_the_doubt(tmp_path: Path) -> None:
    def script(_: dict[str, str]) -> httpx.Response:
        (tmp_path / "crm.refresh-token").mkdir(exist_ok=True)
        return issued(refresh_token="second")

    header(auth(Endpoint(script), OAUTH, tmp_path))
    assert len(notes(tmp_path)) == 1
