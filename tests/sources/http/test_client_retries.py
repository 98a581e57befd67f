"""Requests that fail: which are repeated, how often, and when it is given up."""

from __future__ import annotations

import random
from typing import Any

import httpx
import pytest

from exporter.errors import Reason, SourceUnavailableError
from exporter.sources.http.client import SourceClient
from tests.fakes.raw import RESET, RawServer, json_response
from tests.sources.scripted import ScriptedVendor, ok, status
from tests.sources.source_context import http_options, run, source_context


class TestRetries:
    def test_a_transient_failure_is_retried(self) -> None:
        vendor = ScriptedVendor([status(500), status(502), ok([7])])
        assert vendor.got() == [7]
        assert vendor.clock.slept == [0.5, 1.0]

    def test_waits_are_jittered(self) -> None:
        gaps = set()
        for seed in range(5):
            vendor = ScriptedVendor(lambda _: status(503))
            object.__setattr__(vendor.context, "jitter", random.Random(seed).random)
            vendor.refused()
            gaps.add(tuple(vendor.clock.slept))
        assert len(gaps) == 5
        assert all(0 <= first <= 1 and 0 <= second <= 2 for first, second in gaps)

    @pytest.mark.parametrize("code", [408, 425, 500, 502, 503, 504, 530])
    def test_a_call_fails_after_three_attempts(self, code: int) -> None:
        vendor = ScriptedVendor(lambda _: status(code))
        assert vendor.refused().reason is Reason.SERVER_ERROR
        assert len(vendor.log) == 3

    def test_a_reset_in_the_middle_is_retried(self) -> None:
        async def work() -> Any:
            count = iter(range(10))
            async with RawServer(lambda _: [RESET] if next(count) == 0 else [json_response([1])]) as server:
                client = SourceClient(http_options(), server.url, None, source_context())
                answer = await client.get("/rows")
                await client.close()
                return answer.body

        assert run(work()) == [1]

    def test_a_refused_certificate_is_not_retried(self) -> None:
        def broken(request: httpx.Request) -> httpx.Response:
            import ssl

            raise httpx.ConnectError("no") from ssl.SSLError("certificate")

        vendor = ScriptedVendor(broken)
        assert vendor.refused().reason is Reason.TLS
        assert len(vendor.log) == 1

    def test_retries_stay_within_a_fifth_of_the_requests(self) -> None:
        chance = random.Random(7)
        vendor = ScriptedVendor(lambda _: status(500) if chance.random() < 0.3 else ok())
        calls, finished = 0, 0

        async def work() -> None:
            nonlocal calls, finished
            while finished < 1000:
                calls += 1
                try:
                    await vendor.get()
                    finished += 1
                except SourceUnavailableError:
                    vendor.clock.advance(60)

        run(work())
        assert len(vendor.log) - calls <= 0.2 * calls + 10


class TestBreaker:
    def test_after_five_failed_calls_there_is_one_probe_an_interval(self) -> None:
        vendor = ScriptedVendor(lambda _: status(500))
        for _ in range(5):
            assert vendor.refused().reason is Reason.SERVER_ERROR
        before = len(vendor.log)
        assert vendor.refused().reason is Reason.BREAKER_OPEN
        vendor.clock.advance(61)
        assert vendor.refused().reason is Reason.SERVER_ERROR
        assert vendor.refused().reason is Reason.BREAKER_OPEN
        assert len(vendor.log) == before + 1

    def test_a_successful_probe_closes_the_breaker(self) -> None:
        down = True
        vendor = ScriptedVendor(lambda _: status(500) if down else ok([1]))
        for _ in range(5):
            vendor.refused()
        down = False
        vendor.clock.advance(61)
        assert vendor.got() == [1]
        assert vendor.got() == [1]
