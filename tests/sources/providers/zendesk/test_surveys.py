"""Passes over ratings."""

from __future__ import annotations

from tests.sources.providers.zendesk.passes import later, read
from tests.sources.providers.zendesk.vendor import Zendesk
from tests.sources.source_context import NOW, by_id


def test_a_lookback_of_zero_still_covers_the_lag() -> None:
    vendor = Zendesk()
    vendor.rating(1)
    read(vendor, "surveys", NOW.isoformat(), lookback="0s")
    (request,) = vendor.requests_to("satisfaction")
    assert request.url.params["start_time"] == str(int(NOW.timestamp()) - 60)


def test_answered_ratings_are_surveys() -> None:
    vendor = Zendesk(page=2)
    vendor.rating(1)
    vendor.rating(2, score="offered")
    vendor.rating(3, score="bad_with_comment")
    pages = read(vendor, "surveys")
    assert {key: survey.score for key, survey in by_id(pages).items()} == {"1": 1.0, "3": 0.0}
    later(vendor, 30)
    vendor.rating(2, score="good")
    assert by_id(read(vendor, "surveys", pages[-1].cursor))["2"].score == 1.0
