"""Credentials that are missing, refused, renewed or used up."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from exporter.config.fields import Secret
from exporter.errors import Reason, SourceRejectedError
from exporter.sources.http.auth import BearerAuthenticator, Token, TokenAuthenticator
from exporter.sources.http.client import ApiResponse
from tests.sources.scripted import ScriptedVendor, bearer, ok, status
from tests.sources.source_context import run


class TestCredentials:
    def test_a_missing_secret_is_named_and_nothing_is_sent(self) -> None:
        vendor = ScriptedVendor([], auth=lambda context: BearerAuthenticator(Secret(env="NOT_THERE"), context))
        error = vendor.refused()
        assert error.reason is Reason.UNAUTHORIZED
        assert "NOT_THERE" in str(error)
        assert vendor.log == []

    def test_refused_credentials_are_probed_after_five_minutes_doubling_to_an_hour(self) -> None:
        vendor = ScriptedVendor(lambda _: status(401), auth=bearer)
        times = []
        for _ in range(60 * 5):
            before = len(vendor.log)
            assert vendor.refused().reason is Reason.UNAUTHORIZED
            if len(vendor.log) > before:
                times.append(vendor.clock.monotonic())
            vendor.clock.advance(60)
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert gaps == [300, 600, 1200, 2400, 3600, 3600, 3600]
        assert len(vendor.log) == len(times)

    def test_a_new_secret_is_tried_at_once(self) -> None:
        vendor = ScriptedVendor(
            lambda request: ok() if request.headers["authorization"] == "Bearer new" else status(401), auth=bearer
        )
        vendor.refused()
        vendor.refused()
        assert len(vendor.log) == 1
        vendor.context.environ["TOKEN"] = "new"  # type: ignore[index]
        vendor.got()

    def test_a_401_on_a_single_path_does_not_lock_the_others(self) -> None:
        vendor = ScriptedVendor(lambda request: status(401) if "secret" in request.url.path else ok(), auth=bearer)
        for _ in range(3):
            vendor.got("/rows")
            vendor.refused("/secret")
        assert len(vendor.log) == 6

    def test_forbidden_does_not_lock_anything(self) -> None:
        vendor = ScriptedVendor(lambda request: status(403) if "secret" in request.url.path else ok([1]), auth=bearer)
        assert vendor.refused("/secret").reason is Reason.FORBIDDEN
        assert vendor.got("/rows") == [1]

    def test_a_token_that_expires_early_is_renewed_once_for_twenty_parallel_calls(self) -> None:
        good = 1

        async def obtain() -> Token:
            nonlocal good
            fetched.append(good)
            await asyncio.sleep(0)
            return Token(f"token-{good}", 3600)

        fetched: list[int] = []
        vendor = ScriptedVendor(
            lambda request: ok([1]) if request.headers["authorization"] == f"Bearer token-{good}" else status(401),
            auth=lambda context: TokenAuthenticator(obtain, context),
        )

        async def work() -> list[ApiResponse]:
            nonlocal good
            await vendor.get()
            good = 2
            return await asyncio.gather(*(vendor.get() for _ in range(20)))

        answers = run(work())
        assert [answer.body for answer in answers] == [[1]] * 20
        assert fetched == [1, 2]
        assert len(vendor.log) == 41

    def test_a_new_token_that_is_refused_is_not_renewed_again(self) -> None:
        fetched = []

        async def obtain() -> Token:
            fetched.append(1)
            return Token("worthless", 3600)

        vendor = ScriptedVendor(lambda _: status(401), auth=lambda context: TokenAuthenticator(obtain, context))
        for _ in range(4):
            assert vendor.refused().reason is Reason.UNAUTHORIZED
        assert (len(vendor.log), len(fetched)) == (2, 2)

    def test_a_grant_that_is_refused_locks_the_token_endpoint_too(self) -> None:
        requests = []

        async def obtain() -> Token:
            requests.append(1)
            raise SourceRejectedError(Reason.UNAUTHORIZED, "invalid_grant")

        vendor = ScriptedVendor([], auth=lambda context: TokenAuthenticator(obtain, context))
        for _ in range(4):
            vendor.refused()
        assert len(requests) == 1

    def test_a_renewal_that_is_refused_ends_the_call(self) -> None:
        tokens = iter([Token("one", 3600)])

        async def obtain() -> Token:
            try:
                return next(tokens)
            except StopIteration:
                raise SourceRejectedError(Reason.UNAUTHORIZED, "invalid_grant") from None

        vendor = ScriptedVendor(lambda _: status(401), auth=lambda context: TokenAuthenticator(obtain, context))
        assert "invalid_grant" in str(vendor.refused())
        assert len(vendor.log) == 1
