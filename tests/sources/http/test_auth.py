from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from exporter.config.fields import Secret
from exporter.errors import Reason, SourceRejectedError, SourceUnavailableError
from exporter.sources.http.auth import (
    Authenticator,
    BasicAuthenticator,
    BearerAuthenticator,
    Credential,
    HeaderAuthenticator,
    QueryAuthenticator,
    Token,
    TokenAuthenticator,
)
from tests.sources.source_context import FakeClock, run, source_context

CONTEXT = source_context(TOKEN="sesame")
TOKEN = Secret(env="TOKEN")


@pytest.mark.parametrize(
    ("auth", "headers", "params"),
    [
        (BearerAuthenticator(TOKEN, CONTEXT), {"authorization": "Bearer sesame"}, {}),
        (BasicAuthenticator("me", TOKEN, CONTEXT), {"authorization": "Basic bWU6c2VzYW1l"}, {}),
        (HeaderAuthenticator("X-Key", TOKEN, CONTEXT), {"x-key": "sesame"}, {}),
        (HeaderAuthenticator("Authorization", TOKEN, CONTEXT, prefix="Token "), {"authorization": "Token sesame"}, {}),
        (QueryAuthenticator("apikey", TOKEN, CONTEXT), {}, {"apikey": "sesame"}),
    ],
)
def test_each_authenticator_sends_the_secret_in_its_place(
    auth: Authenticator, headers: dict[str, str], params: dict[str, str]
) -> None:
    credential = run(auth.credential())
    assert (credential.headers, credential.params) == (headers, params)
    assert "sesame" not in repr(credential)
    assert not run(auth.renew(credential))
    run(auth.close())


def test_a_rotated_secret_file_takes_effect_and_changes_the_identity(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one\r\n")
    auth = BearerAuthenticator(Secret(file=Path("token")), source_context(base=tmp_path))
    refused, identity = run(auth.credential()), auth.identity()
    assert refused.headers["authorization"] == "Bearer one"
    (tmp_path / "token").write_text("two")
    assert run(auth.renew(refused))
    assert run(auth.credential()).headers["authorization"] == "Bearer two"
    assert auth.identity() not in (identity, None)


@pytest.mark.parametrize("content", ["", "a\nb", "schlüssel", "a\tb", "a\x00b"])
def test_a_secret_that_does_not_fit_a_header_is_rejected_without_showing_it(tmp_path: Path, content: str) -> None:
    (tmp_path / "token").write_text(content, encoding="utf-8")
    auth = BearerAuthenticator(Secret(file=Path("token")), source_context(base=tmp_path))
    with pytest.raises(SourceRejectedError, match="token") as caught:
        run(auth.credential())
    assert caught.value.reason is Reason.UNAUTHORIZED
    assert not content or content not in str(caught.value)
    assert auth.identity() is None


class Issuer:
    """Issues numbered tokens, or fails on demand."""

    def __init__(self, lifetime: float | None = 100.0) -> None:
        self.count = 0
        self.lifetime = lifetime
        self.fault: Exception | None = None
        self.clock = FakeClock()
        self.auth = TokenAuthenticator(self.obtain, source_context(clock=self.clock), lambda: "secrets")

    async def obtain(self) -> Token:
        self.count += 1
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault
        return Token(f"token-{self.count}", self.lifetime)

    def current(self) -> str:
        return run(self.auth.credential()).headers["authorization"]


DOWN = SourceUnavailableError(Reason.SERVER_ERROR, "down")
REFUSED = SourceRejectedError(Reason.UNAUTHORIZED, "invalid_grant")


def test_a_token_is_used_until_shortly_before_it_expires() -> None:
    issuer = Issuer()
    assert issuer.current() == "Bearer token-1"
    issuer.clock.advance(49)
    assert issuer.current() == "Bearer token-1"
    issuer.clock.advance(2)
    assert issuer.current() == "Bearer token-2"


def test_a_token_without_expiry_is_used_until_it_is_refused() -> None:
    issuer = Issuer(lifetime=None)
    issuer.current()
    issuer.clock.advance(1e6)
    assert issuer.current() == "Bearer token-1"


def test_ten_tasks_share_one_token_request() -> None:
    issuer = Issuer()

    async def work() -> list[Credential]:
        return list(await asyncio.gather(*(issuer.auth.credential() for _ in range(10))))

    assert len({credential.headers["authorization"] for credential in run(work())}) == 1
    assert issuer.count == 1


@pytest.mark.parametrize("fault", [DOWN, REFUSED])
def test_a_failed_early_refresh_is_harmless_and_retried_later(fault: Exception) -> None:
    issuer = Issuer()
    issuer.current()
    issuer.fault = fault
    issuer.clock.advance(60)
    assert [issuer.current() for _ in range(5)] == ["Bearer token-1"] * 5
    assert issuer.count == 2
    issuer.clock.advance(30)
    assert issuer.current() == "Bearer token-1"
    assert issuer.count == 3
    issuer.clock.advance(20)
    with pytest.raises(type(fault)):
        issuer.current()


def test_a_refused_token_is_replaced_once_for_all_tasks() -> None:
    issuer = Issuer()

    async def work() -> list[bool]:
        refused = await issuer.auth.credential()
        return list(await asyncio.gather(*(issuer.auth.renew(refused) for _ in range(10))))

    assert run(work()) == [True] * 10
    assert issuer.count == 2


def test_a_refused_token_is_not_used_again_even_if_no_new_one_is_issued() -> None:
    issuer = Issuer()
    refused = run(issuer.auth.credential())
    issuer.fault = DOWN
    with pytest.raises(SourceUnavailableError):
        run(issuer.auth.renew(refused))
    with pytest.raises(SourceUnavailableError):
        issuer.current()


def test_the_identity_is_the_fingerprint_of_the_secrets() -> None:
    assert Issuer().auth.identity() == "secrets"
    assert TokenAuthenticator(Issuer().obtain, source_context()).identity() is None


def test_an_authenticator_needs_only_a_credential() -> None:
    class Fixed(Authenticator):
        async def credential(self) -> Credential:
            return Credential(headers={"x": "y"})

    fixed = Fixed()
    assert not run(fixed.renew(run(fixed.credential())))
    assert fixed.identity() is None
    run(fixed.close())
