from __future__ import annotations

import asyncio
import fcntl
import json
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import pytest

from exporter.config.fields import Secret
from exporter.config.sources.base import OAuth
from exporter.errors import RateLimitedError, Reason, SourceError, SourceRejectedError, SourceUnavailableError
from exporter.sources.http.oauth import OAuthAuthenticator, token_of
from tests.sources.source_context import FakeClock, http_options, run, source_context

URL = "https://login.test/oauth/token"
CLIENT = {"client_id": "app", "client_secret": Secret(env="CLIENT"), "token_url": URL}


class Endpoint:
    """A token endpoint that answers by a script."""

    def __init__(self, script: Callable[[dict[str, str]], httpx.Response] | Sequence[httpx.Response]) -> None:
        self.forms: list[dict[str, str]] = []
        self.requests: list[httpx.Request] = []
        self._script = script
        self._answers = iter(()) if callable(script) else iter(script)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.forms.append(dict(parse_qsl(request.content.decode())))
        return self._script(self.forms[-1]) if callable(self._script) else next(self._answers)


def auth(
    endpoint: Endpoint, oauth: OAuth, data_dir: Path | None = None, clock: FakeClock | None = None
) -> OAuthAuthenticator:
    context = source_context(
        httpx.MockTransport(endpoint), clock=clock, data_dir=data_dir, CLIENT="hush", REFRESH="first"
    )
    return OAuthAuthenticator(oauth, http_options(), context)


def issued(token: str = "access", **fields: object) -> httpx.Response:
    return httpx.Response(200, json={"access_token": token, "token_type": "bearer", "expires_in": 3600, **fields})


def header(authenticator: OAuthAuthenticator) -> str:
    return run(authenticator.credential()).headers["authorization"]


def test_client_credentials_are_sent_in_the_form() -> None:
    endpoint = Endpoint([issued()])
    assert header(auth(endpoint, OAuth(**CLIENT, scope="read all"))) == "Bearer access"
    assert endpoint.forms == [
        {"grant_type": "client_credentials", "client_id": "app", "client_secret": "hush", "scope": "read all"}
    ]


def test_client_credentials_are_sent_as_basic_auth_if_configured() -> None:
    endpoint = Endpoint([issued()])
    header(auth(endpoint, OAuth(**CLIENT, client_auth="basic")))
    assert endpoint.requests[0].headers["authorization"] == "Basic YXBwOmh1c2g="
    assert endpoint.forms == [{"grant_type": "client_credentials"}]


def test_the_providers_token_endpoint_is_used_if_the_config_names_none() -> None:
    endpoint = Endpoint([issued()])
    context = source_context(httpx.MockTransport(endpoint), CLIENT="hush")
    authenticator = OAuthAuthenticator(
        OAuth(client_id="app", client_secret=Secret(env="CLIENT")), http_options(), context, URL
    )
    header(authenticator)
    assert str(endpoint.requests[0].url) == URL
    run(authenticator.close())


def test_a_missing_token_url_is_rejected() -> None:
    with pytest.raises(SourceRejectedError, match="token_url"):
        OAuthAuthenticator(OAuth(client_id="app", client_secret=Secret(env="CLIENT")), http_options(), source_context())


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (httpx.Response(400, json={"error": "invalid_grant"}), SourceRejectedError, Reason.UNAUTHORIZED),
        (httpx.Response(401, json={}), SourceRejectedError, Reason.UNAUTHORIZED),
        (httpx.Response(500, text="oops"), SourceUnavailableError, Reason.SERVER_ERROR),
        (httpx.Response(302, headers={"location": "https://evil.test"}), SourceUnavailableError, Reason.SERVER_ERROR),
        (httpx.Response(200, html="<p>Sign in"), SourceUnavailableError, Reason.PROTOCOL),
        (httpx.Response(200, json=[]), SourceUnavailableError, Reason.PROTOCOL),
        (httpx.Response(200, json={"access_token": ""}), SourceUnavailableError, Reason.PROTOCOL),
        (httpx.Response(200, json={"access_token": "a\nb"}), SourceUnavailableError, Reason.PROTOCOL),
        (httpx.Response(200, content=b'{"access'), SourceUnavailableError, Reason.PROTOCOL),
        (httpx.Response(429, headers={"retry-after": "77"}), RateLimitedError, Reason.RATE_LIMITED),
    ],
)
def test_the_endpoints_response_decides_whether_to_retry(
    answer: httpx.Response, kind: type[SourceError], reason: Reason
) -> None:
    with pytest.raises(SourceError) as caught:
        header(auth(Endpoint([answer]), OAuth(**CLIENT)))
    assert (type(caught.value), caught.value.reason) == (kind, reason)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("expires", "lifetime"),
    [(3600, 3600.0), ("1800", 1800.0), (None, None), ("soon", None), (-5, None), (1e300, None), ([1], None)],
)
def test_a_token_lifetime_may_be_a_number_text_or_absent(expires: object, lifetime: float | None) -> None:
    assert token_of({"access_token": "x", "expires_in": expires}).lifetime == lifetime


REFRESH = OAuth(**CLIENT, refresh_token=Secret(env="REFRESH"))


def rotating(form: dict[str, str]) -> httpx.Response:
    """Each refresh token is good for one use."""
    following = {"first": "second", "second": "third", "third": "fourth"}
    if form["refresh_token"] not in following:
        return httpx.Response(400, json={"error": "invalid_grant"})
    return issued(f"access for {form['refresh_token']}", refresh_token=following[form["refresh_token"]])


def test_a_rotated_refresh_token_is_on_disk_with_mode_0600_before_it_is_used(tmp_path: Path) -> None:
    token_file = tmp_path / "crm.refresh-token"
    on_disk: list[bool] = []

    def script(form: dict[str, str]) -> httpx.Response:
        on_disk.append(token_file.exists() and form["refresh_token"] in token_file.read_text())
        return rotating(form)

    clock = FakeClock()
    authenticator = auth(Endpoint(script), REFRESH, tmp_path, clock)
    assert header(authenticator) == "Bearer access for first"
    clock.advance(3590)
    assert header(authenticator) == "Bearer access for second"
    assert on_disk == [False, True]
    assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crm.refresh-token", "crm.refresh-token.lock"]


def test_the_next_process_uses_the_rotated_token(tmp_path: Path) -> None:
    for expected in ("first", "second", "third"):
        assert header(auth(Endpoint(rotating), REFRESH, tmp_path)) == f"Bearer access for {expected}"


def test_a_changed_secret_in_the_config_overrides_the_stored_token(tmp_path: Path) -> None:
    header(auth(Endpoint(rotating), REFRESH, tmp_path))
    endpoint = Endpoint(rotating)
    context = source_context(httpx.MockTransport(endpoint), data_dir=tmp_path, CLIENT="hush", REFRESH="third")
    assert header(OAuthAuthenticator(REFRESH, http_options(), context)) == "Bearer access for third"


def test_a_damaged_token_file_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "crm.refresh-token").write_text("{")
    assert header(auth(Endpoint(rotating), REFRESH, tmp_path)) == "Bearer access for first"


def test_without_a_data_directory_no_refresh_token_is_used() -> None:
    endpoint = Endpoint(rotating)
    with pytest.raises(SourceUnavailableError, match="--data-dir") as refused:
        header(auth(endpoint, REFRESH))
    assert (refused.value.reason, endpoint.forms) == (Reason.STORE, [])


def test_a_vendor_that_does_not_rotate_leaves_no_token(tmp_path: Path) -> None:
    endpoint = Endpoint(lambda form: issued(refresh_token=form["refresh_token"]))
    header(auth(endpoint, REFRESH, tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["crm.refresh-token.lock"]


def test_a_refresh_token_that_cannot_be_saved_is_not_used_until_it_is_saved(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The directory disappears while the vendor answers."""
    folder, away = tmp_path / "data", tmp_path / "away"
    folder.mkdir()
    clock = FakeClock()

    def script(form: dict[str, str]) -> httpx.Response:
        if form["refresh_token"] == "first":
            folder.rename(away)
        return rotating(form)

    endpoint = Endpoint(script)
    authenticator = auth(endpoint, REFRESH, folder, clock)
    assert header(authenticator) == "Bearer access for first"
    assert "could not be saved" in caplog.text
    assert "second" not in caplog.text
    clock.advance(3601)
    with pytest.raises(SourceUnavailableError) as caught:
        header(authenticator)
    assert caught.value.reason is Reason.STORE
    assert len(endpoint.forms) == 1
    away.rename(folder)
    assert header(authenticator) == "Bearer access for second"


def test_a_token_is_not_spent_if_its_successor_has_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    endpoint = Endpoint(rotating)
    authenticator = auth(endpoint, REFRESH, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(SourceUnavailableError, match="no room"):
            header(authenticator)
    assert endpoint.forms == []
    assert [path.name for path in tmp_path.iterdir()] == ["crm.refresh-token.lock"]
    assert header(authenticator) == "Bearer access for first"


def test_two_processes_share_single_use_tokens(tmp_path: Path) -> None:
    """Neither remembers a token that the other one has used up."""
    clock = FakeClock()
    serving, checking = auth(Endpoint(rotating), REFRESH, tmp_path, clock), auth(Endpoint(rotating), REFRESH, tmp_path)
    assert header(serving) == "Bearer access for first"
    assert header(checking) == "Bearer access for second"
    clock.advance(3601)
    assert header(serving) == "Bearer access for third"


def test_a_token_that_another_process_uses_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.sources.http.refresh_token.LOCK_SECONDS", 0.01)
    endpoint = Endpoint(rotating)
    with (tmp_path / "crm.refresh-token.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(SourceUnavailableError, match="another process"):
            header(auth(endpoint, REFRESH, tmp_path))
    assert endpoint.forms == []
    assert header(auth(endpoint, REFRESH, tmp_path)) == "Bearer access for first"


def test_a_stop_waits_for_the_vendor_to_return_the_next_token(tmp_path: Path) -> None:
    asked = asyncio.Event()

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            asked.set()
            await asyncio.sleep(0.05)
            return rotating(dict(parse_qsl(request.content.decode())))

    async def stopped() -> None:
        context = source_context(Slow(), data_dir=tmp_path, CLIENT="hush", REFRESH="first")
        request = asyncio.create_task(OAuthAuthenticator(REFRESH, http_options(), context).credential())
        await asked.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request

    run(stopped())
    assert json.loads((tmp_path / "crm.refresh-token").read_text())["token"] == "second"


def test_the_identity_changes_with_the_configured_secrets_only(tmp_path: Path) -> None:
    authenticator = auth(Endpoint(rotating), REFRESH, tmp_path)
    before = authenticator.identity()
    header(authenticator)
    assert authenticator.identity() == before
    authenticator._context.environ["REFRESH"] = "other"  # type: ignore[index]
    assert authenticator.identity() != before
    del authenticator._context.environ["CLIENT"]  # type: ignore[attr-defined]
    assert authenticator.identity() is None
