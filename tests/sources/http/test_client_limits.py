"""Limits of vendors: waits that are asked for, and the pace that avoids them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from exporter.errors import RateLimitedError
from exporter.sources.http.client import SourceClient
from exporter.sources.http.rate_limit import Limits
from tests.fakes.raw import RawServer, json_response
from tests.sources.scripted import ScriptedVendor, ok, status
from tests.sources.source_context import NOW, http_options, run, source_context


class TestLimits:
    def test_a_short_wait_is_slept_in_full(self) -> None:
        vendor = ScriptedVendor([status(429, retry_after="7"), ok([1])])
        assert vendor.got() == [1]
        assert vendor.clock.slept == [7.0]

    @pytest.mark.parametrize(
        ("header", "wait"),
        [("120", 120.0), ("Mon, 02 Mar 2026 09:10:00 GMT", 600.0), ("99999999999", 365 * 86400.0)],
    )
    def test_a_long_wait_postpones_the_pass_and_blocks_requests(self, header: str, wait: float) -> None:
        vendor = ScriptedVendor([status(429, retry_after=header), ok()])
        error = vendor.refused()
        assert isinstance(error, RateLimitedError)
        assert error.retry_after == wait
        assert vendor.telemetry.attempts == [NOW + timedelta(seconds=wait)]
        vendor.clock.advance(wait - 20)
        again = vendor.refused()
        assert isinstance(again, RateLimitedError)
        assert again.retry_after == pytest.approx(20)
        assert (len(vendor.log), vendor.clock.slept) == (1, [])
        vendor.clock.advance(10)
        vendor.got()
        assert vendor.clock.slept == [pytest.approx(10)]

    def test_a_date_counts_from_the_vendors_own_clock(self) -> None:
        wait = {"retry_after": "Mon, 02 Mar 2026 10:02:00 GMT", "date": "Mon, 02 Mar 2026 10:00:00 GMT"}
        error = ScriptedVendor([status(429, **wait)]).refused()
        assert isinstance(error, RateLimitedError)
        assert error.retry_after == 120

    @pytest.mark.parametrize("header", ["0", "-5", "soon", "", "Mon, 02 Mar 2020 09:10:00 GMT", "1e3"])
    def test_an_invalid_retry_after_is_replaced_by_our_own_wait(self, header: str) -> None:
        vendor = ScriptedVendor([status(429, retry_after=header), status(429, retry_after=header), ok([1])])
        assert vendor.got() == [1]
        assert vendor.clock.slept == [0.5, 1.0]

    def test_repeated_rate_limits_without_a_wait_double_the_pause(self) -> None:
        vendor = ScriptedVendor(lambda _: status(429))
        waits = []
        for _ in range(9):
            error = vendor.refused()
            assert isinstance(error, RateLimitedError)
            waits.append(error.retry_after)
            vendor.clock.advance(error.retry_after)
        assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]

    def test_a_503_is_a_rate_limit_with_retry_after_and_a_failure_without(self) -> None:
        assert isinstance(ScriptedVendor([status(503, retry_after="900")]).refused(), RateLimitedError)
        assert not isinstance(ScriptedVendor(lambda _: status(503)).refused(), RateLimitedError)

    def test_an_exhausted_quota_header_delays_the_next_request_until_the_reset(self) -> None:
        limits = Limits(wait=lambda headers: float(headers["x-reset"]) if headers.get("x-left") == "0" else None)
        vendor = ScriptedVendor([ok(**{"x-left": "1"}), ok(**{"x-left": "0", "x-reset": "9"}), ok()], limits=limits)

        async def work() -> None:
            for _ in range(3):
                await vendor.get()

        run(work())
        assert vendor.clock.slept == [9.0]

    def test_a_wait_delays_all_tasks_of_the_credential(self) -> None:
        vendor = ScriptedVendor(lambda request: status(429, retry_after="5") if len(vendor.log) == 1 else ok())

        async def work() -> None:
            first = asyncio.ensure_future(vendor.get())
            await asyncio.sleep(0.01)
            await asyncio.gather(first, *(vendor.get() for _ in range(3)))

        run(work())
        assert vendor.clock.slept[0] == 5.0
        assert len(vendor.log) == 5

    def test_requests_are_spaced_below_the_vendors_rate(self) -> None:
        async def work() -> tuple[float, int]:
            async with RawServer(lambda _: [json_response([])]) as server:
                client = SourceClient(http_options(max_per_second=50), server.url, None, source_context())
                began = asyncio.get_running_loop().time()
                await asyncio.gather(*(client.get("/rows") for _ in range(30)))
                took = asyncio.get_running_loop().time() - began
                await client.close()
                return took, len(server.log)

        took, requests = run(work())
        burst = 5
        assert requests == 30
        assert took >= 0.99 * (30 - burst) / 50  # a lower bound: a slow machine only takes longer
