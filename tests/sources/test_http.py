from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from exporter.config.fields import Secret
from exporter.errors import RateLimitedError, Reason, SourceError, SourceRejectedError, SourceUnavailableError
from exporter.sources.auth import Authenticator, BearerAuth, QueryAuth, Token, TokenAuth
from exporter.sources.base import Surroundings
from exporter.sources.gate import Limits
from exporter.sources.http import Answer, SourceClient
from tests.fakes.raw import RESET, RawServer, Seen, as_json, reply
from tests.sources.around import NOW, Clock, Ledger, http_options, run, surroundings

Script = Callable[[httpx.Request], httpx.Response]


class Vendor:
    """A client whose vendor answers by a script, and everything there is to see of it."""

    def __init__(self, script: Script | Sequence[httpx.Response], **given: Any) -> None:
        self.clock, self.ledger = Clock(), Ledger()
        self.log: list[httpx.Request] = []
        self._script = script
        self._answers = iter(()) if callable(script) else iter(script)
        auth: Callable[[Surroundings], Authenticator] | None = given.pop("auth", None)
        limits = given.pop("limits", Limits())
        classify = given.pop("classify", None)
        self.around = surroundings(
            httpx.MockTransport(self._answer), clock=self.clock, ledger=self.ledger, TOKEN="sesame"
        )
        self.client = SourceClient(
            http_options(**given),
            "https://api.test/v1",
            auth(self.around) if auth else None,
            self.around,
            limits=limits,
            classify=classify,
        )

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        self.log.append(request)
        return self._script(request) if callable(self._script) else next(self._answers)

    async def get(self, path: str = "/rows", **given: Any) -> Answer:
        return await self.client.get(path, **given)

    def got(self, path: str = "/rows", **given: Any) -> Any:
        return run(self.get(path, **given)).body

    def refused(self, path: str = "/rows", **given: Any) -> SourceError:
        with pytest.raises(SourceError) as caught:
            run(self.get(path, **given))
        return caught.value


def ok(value: Any = None, **headers: str) -> httpx.Response:
    return httpx.Response(200, json=value if value is not None else {}, headers=headers)


def status(code: int, **headers: str) -> httpx.Response:
    return httpx.Response(code, json={}, headers={name.replace("_", "-"): value for name, value in headers.items()})


def bearer(around: Surroundings) -> Authenticator:
    return BearerAuth(Secret(env="TOKEN"), around)


class TestRequests:
    def test_a_path_is_joined_to_the_base_and_parameters_are_added(self) -> None:
        vendor = Vendor([ok([1])])
        assert vendor.got("/rows", params={"limit": 5, "q": "a b&c"}) == [1]
        assert str(vendor.log[0].url) == "https://api.test/v1/rows?limit=5&q=a+b%26c"
        assert vendor.log[0].headers["accept"] == "application/json"

    def test_parameters_may_repeat_and_replace_those_of_a_link(self) -> None:
        vendor = Vendor([ok()])
        run(vendor.get("https://api.test/v1/rows?page=1&keep=x", params=[("page", "2"), ("page", "3")]))
        assert str(vendor.log[0].url) == "https://api.test/v1/rows?keep=x&page=2&page=3"

    def test_a_post_sends_json_or_a_form(self) -> None:
        vendor = Vendor([ok(), ok()])

        async def work() -> None:
            await vendor.client.post("/search", json={"a": 1})
            await vendor.client.post("/search", form={"a": "1 2"}, params={"x": "y"}, headers={"x-more": "z"})

        run(work())
        first, second = vendor.log
        assert (first.content, first.headers["content-type"]) == (b'{"a":1}', "application/json")
        assert (second.content, second.headers["content-type"]) == (b"a=1+2", "application/x-www-form-urlencoded")
        assert (second.url.query, second.headers["x-more"]) == (b"x=y", "z")

    def test_text_is_read_in_its_own_charset_where_it_is_asked_for(self) -> None:
        answer = httpx.Response(
            200, content="Zoë".encode("latin-1"), headers={"content-type": "text/csv; charset=latin-1"}
        )
        assert run(Vendor([answer]).client.get_text("/export")).body == "Zoë"

    def test_text_that_is_not_in_its_charset_is_refused(self) -> None:
        answers = [httpx.Response(200, content=b"\xff\xfe\xfd", headers={"content-type": "text/csv"})] * 3
        with pytest.raises(SourceUnavailableError):
            run(Vendor(answers).client.get_text("/export"))

    def test_no_content_and_not_modified_have_no_body(self) -> None:
        vendor = Vendor([status(204), status(304)])
        assert vendor.got() is None
        assert run(vendor.get(headers={"if-modified-since": "x"})).status == 304

    def test_not_modified_without_a_condition_is_refused(self) -> None:
        assert Vendor([status(304)]).refused().reason is Reason.BLOCKED_ORIGIN

    def test_closing_closes_the_authenticator_too(self) -> None:
        class Closed(BearerAuth):
            closed = False

            async def close(self) -> None:
                self.closed = True

        vendor = Vendor([], auth=lambda around: Closed(Secret(env="TOKEN"), around))
        run(vendor.client.close())
        assert vendor.client._auth.closed  # type: ignore[union-attr]


class TestOrigin:
    @pytest.mark.parametrize(
        "link",
        [
            "https://evil.test/v1/rows", "http://api.test/v1/rows", "https://api.test:8443/rows",
            "https://user:pw@api.test/rows", "//evil.test/rows", "file:///etc/passwd", "http://169.254.169.254/latest",
            "http://[::1]/rows", "https://api.test.evil.test/rows", "https://api.test@evil.test/",
            "javascript:alert(1)", "\\\\evil.test\\rows", "https://", "http://[broken/",
        ],
    )  # fmt: skip
    def test_a_link_away_from_the_origin_is_blocked_counted_and_never_sent(self, link: str) -> None:
        vendor = Vendor([], auth=bearer)
        assert vendor.refused(link).reason is Reason.BLOCKED_ORIGIN
        assert vendor.log == []
        assert vendor.ledger.requests == ["blocked"]

    @pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, code: int) -> None:
        vendor = Vendor([status(code, location="https://evil.test/")], auth=bearer)
        assert vendor.refused().reason is Reason.BLOCKED_ORIGIN
        assert [request.url.host for request in vendor.log] == ["api.test"]
        assert vendor.ledger.requests == ["3xx"]

    def test_a_second_server_gets_neither_a_request_nor_a_credential(self) -> None:
        async def work() -> list[Seen]:
            async with RawServer(lambda _: [as_json([])]) as other:
                away = [("location", f"{other.url}/rows")]
                async with RawServer(lambda _: [reply(status=302, headers=away)]) as server:
                    around = surroundings(TOKEN="sesame")
                    client = SourceClient(http_options(), server.url, bearer(around), around)
                    for path in ("/rows", f"{other.url}/rows"):
                        with pytest.raises(SourceRejectedError):
                            await client.get(path)
                    await client.close()
                return other.log

        assert run(work()) == []

    def test_credentials_in_the_query_are_in_no_answer_and_no_message(self) -> None:
        vendor = Vendor([ok(), status(404)], auth=lambda around: QueryAuth("apikey", Secret(env="TOKEN"), around))
        answer = run(vendor.get())
        assert vendor.log[0].url.params["apikey"] == "sesame"
        assert "sesame" not in answer.url
        assert "sesame" not in str(vendor.refused(params={"x": "sesame"}))


class TestVerdicts:
    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            (400, Reason.BAD_REQUEST), (403, Reason.FORBIDDEN), (404, Reason.NOT_FOUND), (409, Reason.BAD_REQUEST),
            (410, Reason.NOT_FOUND), (422, Reason.BAD_REQUEST), (501, Reason.BAD_REQUEST),
        ],
    )  # fmt: skip
    def test_a_refusal_is_asked_once(self, code: int, reason: Reason) -> None:
        vendor = Vendor([status(code)])
        error = vendor.refused()
        assert (error.reason, len(vendor.log)) == (reason, 1)
        assert isinstance(error, SourceRejectedError)

    @pytest.mark.parametrize(
        ("content", "kind", "reason", "asked"),
        [
            (b"<!doctype html><p>Sign in", "text/html", Reason.NOT_JSON, 1),
            (b"<html>", "application/octet-stream", Reason.NOT_JSON, 1),
            (b"<a/>", "application/xml", Reason.NOT_JSON, 1),
            (b"", "application/json", Reason.SCHEMA, 1),
            (b"  \n", "application/json", Reason.SCHEMA, 1),
            (b'{"data": [1, 2', "application/json", Reason.PROTOCOL, 3),
        ],
    )
    def test_what_is_no_json_is_told_from_json_that_is_cut(
        self, content: bytes, kind: str, reason: Reason, asked: int
    ) -> None:
        vendor = Vendor(lambda _: httpx.Response(200, content=content, headers={"content-type": kind}))
        error = vendor.refused()
        assert (error.reason, len(vendor.log)) == (reason, asked)
        assert "Sign in" not in str(error)

    def test_a_provider_may_know_better(self) -> None:
        def classify(code: int, headers: Any, body: bytes) -> SourceError | None:
            return RateLimitedError("quota", 0.0) if code == 403 and b"quota" in body else None

        vendor = Vendor(
            [httpx.Response(403, text="quota", headers={"retry-after": "700"}), status(403)], classify=classify
        )
        error = vendor.refused()
        assert isinstance(error, RateLimitedError)
        assert error.retry_after == 700
        vendor.clock.go(701)
        assert vendor.refused().reason is Reason.FORBIDDEN


class TestRetries:
    def test_a_passing_failure_is_not_seen(self) -> None:
        vendor = Vendor([status(500), status(502), ok([7])])
        assert vendor.got() == [7]
        assert vendor.clock.slept == [0.5, 1.0]

    def test_waits_are_jittered(self) -> None:
        gaps = set()
        for seed in range(5):
            vendor = Vendor(lambda _: status(503))
            object.__setattr__(vendor.around, "jitter", random.Random(seed).random)
            vendor.refused()
            gaps.add(tuple(vendor.clock.slept))
        assert len(gaps) == 5
        assert all(0 <= first <= 1 and 0 <= second <= 2 for first, second in gaps)

    @pytest.mark.parametrize("code", [408, 425, 500, 502, 503, 504, 530])
    def test_after_three_attempts_it_is_given_up(self, code: int) -> None:
        vendor = Vendor(lambda _: status(code))
        assert vendor.refused().reason is Reason.SERVER_ERROR
        assert len(vendor.log) == 3

    def test_a_reset_in_the_middle_is_retried(self) -> None:
        async def work() -> Any:
            count = iter(range(10))
            async with RawServer(lambda _: [RESET] if next(count) == 0 else [as_json([1])]) as server:
                client = SourceClient(http_options(), server.url, None, surroundings())
                answer = await client.get("/rows")
                await client.close()
                return answer.body

        assert run(work()) == [1]

    def test_a_refused_certificate_is_not_asked_again(self) -> None:
        def broken(request: httpx.Request) -> httpx.Response:
            import ssl

            raise httpx.ConnectError("no") from ssl.SSLError("certificate")

        vendor = Vendor(broken)
        assert vendor.refused().reason is Reason.TLS
        assert len(vendor.log) == 1

    def test_retries_stay_within_a_fifth_of_the_requests(self) -> None:
        chance = random.Random(7)
        vendor = Vendor(lambda _: status(500) if chance.random() < 0.3 else ok())
        calls, finished = 0, 0

        async def work() -> None:
            nonlocal calls, finished
            while finished < 1000:
                calls += 1
                try:
                    await vendor.get()
                    finished += 1
                except SourceUnavailableError:
                    vendor.clock.go(60)

        run(work())
        assert len(vendor.log) - calls <= 0.2 * calls + 10


class TestLimits:
    def test_a_short_wait_is_slept_in_full(self) -> None:
        vendor = Vendor([status(429, retry_after="7"), ok([1])])
        assert vendor.got() == [1]
        assert vendor.clock.slept == [7.0]

    @pytest.mark.parametrize(
        ("given", "wait"),
        [("120", 120.0), ("Mon, 02 Mar 2026 09:10:00 GMT", 600.0), ("99999999999", 365 * 86400.0)],
    )
    def test_a_long_wait_puts_the_pass_off_and_nothing_is_asked_before(self, given: str, wait: float) -> None:
        vendor = Vendor([status(429, retry_after=given), ok()])
        error = vendor.refused()
        assert isinstance(error, RateLimitedError)
        assert error.retry_after == wait
        assert vendor.ledger.attempts == [NOW + timedelta(seconds=wait)]
        vendor.clock.go(wait - 20)
        again = vendor.refused()
        assert isinstance(again, RateLimitedError)
        assert again.retry_after == pytest.approx(20)
        assert (len(vendor.log), vendor.clock.slept) == (1, [])
        vendor.clock.go(10)
        vendor.got()
        assert vendor.clock.slept == [pytest.approx(10)]

    def test_a_date_counts_from_the_vendors_own_clock(self) -> None:
        wait = {"retry_after": "Mon, 02 Mar 2026 10:02:00 GMT", "date": "Mon, 02 Mar 2026 10:00:00 GMT"}
        error = Vendor([status(429, **wait)]).refused()
        assert isinstance(error, RateLimitedError)
        assert error.retry_after == 120

    @pytest.mark.parametrize("given", ["0", "-5", "soon", "", "Mon, 02 Mar 2020 09:10:00 GMT", "1e3"])
    def test_an_unusable_wait_gives_way_to_our_own(self, given: str) -> None:
        vendor = Vendor([status(429, retry_after=given), status(429, retry_after=given), ok([1])])
        assert vendor.got() == [1]
        assert vendor.clock.slept == [0.5, 1.0]

    def test_a_vendor_that_goes_on_refusing_is_left_alone_for_longer_each_time(self) -> None:
        vendor = Vendor(lambda _: status(429))
        waits = []
        for _ in range(9):
            error = vendor.refused()
            assert isinstance(error, RateLimitedError)
            waits.append(error.retry_after)
            vendor.clock.go(error.retry_after)
        assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]

    def test_unavailable_with_a_wait_is_a_limit_and_without_one_a_failure(self) -> None:
        assert isinstance(Vendor([status(503, retry_after="900")]).refused(), RateLimitedError)
        assert not isinstance(Vendor(lambda _: status(503)).refused(), RateLimitedError)

    def test_when_the_headers_say_that_nothing_is_left_the_next_request_waits_for_the_reset(self) -> None:
        limits = Limits(wait=lambda headers: float(headers["x-reset"]) if headers.get("x-left") == "0" else None)
        vendor = Vendor([ok(**{"x-left": "1"}), ok(**{"x-left": "0", "x-reset": "9"}), ok()], limits=limits)

        async def work() -> None:
            for _ in range(3):
                await vendor.get()

        run(work())
        assert vendor.clock.slept == [9.0]

    def test_a_wait_holds_back_all_tasks_of_the_credential(self) -> None:
        vendor = Vendor(lambda request: status(429, retry_after="5") if len(vendor.log) == 1 else ok())

        async def work() -> None:
            first = asyncio.ensure_future(vendor.get())
            await asyncio.sleep(0.01)
            await asyncio.gather(first, *(vendor.get() for _ in range(3)))

        run(work())
        assert vendor.clock.slept[0] == 5.0
        assert len(vendor.log) == 5

    def test_requests_are_spaced_below_the_vendors_rate(self) -> None:
        async def work() -> tuple[float, int]:
            async with RawServer(lambda _: [as_json([])]) as server:
                client = SourceClient(http_options(max_per_second=50), server.url, None, surroundings())
                began = asyncio.get_running_loop().time()
                await asyncio.gather(*(client.get("/rows") for _ in range(30)))
                took = asyncio.get_running_loop().time() - began
                await client.close()
                return took, len(server.log)

        took, requests = run(work())
        burst = 5
        assert requests == 30
        assert took >= 0.99 * (30 - burst) / 50  # a lower bound: a slow machine only takes longer


class TestCredentials:
    def test_a_missing_secret_is_named_and_nothing_is_sent(self) -> None:
        vendor = Vendor([], auth=lambda around: BearerAuth(Secret(env="NOT_THERE"), around))
        error = vendor.refused()
        assert error.reason is Reason.UNAUTHORIZED
        assert "NOT_THERE" in str(error)
        assert vendor.log == []

    def test_refused_for_ever_means_two_requests_then_a_probe_every_five_minutes_growing_to_an_hour(self) -> None:
        vendor = Vendor(lambda _: status(401), auth=bearer)
        times = []
        for _ in range(60 * 5):
            before = len(vendor.log)
            assert vendor.refused().reason is Reason.UNAUTHORIZED
            if len(vendor.log) > before:
                times.append(vendor.clock.monotonic())
            vendor.clock.go(60)
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert gaps == [300, 600, 1200, 2400, 3600, 3600, 3600]
        assert len(vendor.log) == len(times)

    def test_a_new_secret_is_tried_at_once(self) -> None:
        vendor = Vendor(
            lambda request: ok() if request.headers["authorization"] == "Bearer new" else status(401), auth=bearer
        )
        vendor.refused()
        vendor.refused()
        assert len(vendor.log) == 1
        vendor.around.environ["TOKEN"] = "new"  # type: ignore[index]
        vendor.got()

    def test_a_single_path_that_is_refused_does_not_lock_the_others(self) -> None:
        vendor = Vendor(lambda request: status(401) if "secret" in request.url.path else ok(), auth=bearer)
        for _ in range(3):
            vendor.got("/rows")
            vendor.refused("/secret")
        assert len(vendor.log) == 6

    def test_forbidden_does_not_lock_anything(self) -> None:
        vendor = Vendor(lambda request: status(403) if "secret" in request.url.path else ok([1]), auth=bearer)
        assert vendor.refused("/secret").reason is Reason.FORBIDDEN
        assert vendor.got("/rows") == [1]

    def test_a_token_that_ends_early_is_renewed_once_for_twenty_parallel_calls(self) -> None:
        good = 1

        async def obtain() -> Token:
            nonlocal good
            fetched.append(good)
            await asyncio.sleep(0)
            return Token(f"token-{good}", 3600)

        fetched: list[int] = []
        vendor = Vendor(
            lambda request: ok([1]) if request.headers["authorization"] == f"Bearer token-{good}" else status(401),
            auth=lambda around: TokenAuth(obtain, around),
        )

        async def work() -> list[Answer]:
            nonlocal good
            await vendor.get()
            good = 2
            return await asyncio.gather(*(vendor.get() for _ in range(20)))

        answers = run(work())
        assert [answer.body for answer in answers] == [[1]] * 20
        assert fetched == [1, 2]
        assert len(vendor.log) == 41

    def test_a_token_that_is_refused_though_new_is_not_renewed_again(self) -> None:
        fetched = []

        async def obtain() -> Token:
            fetched.append(1)
            return Token("worthless", 3600)

        vendor = Vendor(lambda _: status(401), auth=lambda around: TokenAuth(obtain, around))
        for _ in range(4):
            assert vendor.refused().reason is Reason.UNAUTHORIZED
        assert (len(vendor.log), len(fetched)) == (2, 2)

    def test_a_grant_that_is_refused_locks_the_token_endpoint_too(self) -> None:
        asked = []

        async def obtain() -> Token:
            asked.append(1)
            raise SourceRejectedError(Reason.UNAUTHORIZED, "invalid_grant")

        vendor = Vendor([], auth=lambda around: TokenAuth(obtain, around))
        for _ in range(4):
            vendor.refused()
        assert len(asked) == 1

    def test_a_renewal_that_is_refused_ends_the_call(self) -> None:
        tokens = iter([Token("one", 3600)])

        async def obtain() -> Token:
            try:
                return next(tokens)
            except StopIteration:
                raise SourceRejectedError(Reason.UNAUTHORIZED, "invalid_grant") from None

        vendor = Vendor(lambda _: status(401), auth=lambda around: TokenAuth(obtain, around))
        assert "invalid_grant" in str(vendor.refused())
        assert len(vendor.log) == 1


class TestBreaker:
    def test_after_five_failed_calls_there_is_one_probe_an_interval(self) -> None:
        vendor = Vendor(lambda _: status(500))
        for _ in range(5):
            assert vendor.refused().reason is Reason.SERVER_ERROR
        before = len(vendor.log)
        assert vendor.refused().reason is Reason.BREAKER_OPEN
        vendor.clock.go(61)
        assert vendor.refused().reason is Reason.SERVER_ERROR
        assert vendor.refused().reason is Reason.BREAKER_OPEN
        assert len(vendor.log) == before + 1

    def test_a_probe_that_succeeds_closes_it(self) -> None:
        down = True
        vendor = Vendor(lambda _: status(500) if down else ok([1]))
        for _ in range(5):
            vendor.refused()
        down = False
        vendor.clock.go(61)
        assert vendor.got() == [1]
        assert vendor.got() == [1]
