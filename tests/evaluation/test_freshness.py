"""How far metrics are known."""

from __future__ import annotations

from datetime import timedelta

import pytest

from exporter.errors import Reason
from exporter.evaluation.freshness import freshness, never_read, never_sent
from exporter.kpi.values import PEOPLE, Freshness
from exporter.store.state import Outcome
from tests.evaluation.records import NOW, small_config

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
EXPORT = {"name": "export", "provider": "csv", "path": "x.csv", "entity": "deals", "columns": {"id": "id"}}


def outcome(source: str, entity: str, age: timedelta, **overrides: object) -> Outcome:
    at = NOW - age
    return Outcome(source, entity, last_success=at, watermark=at, **overrides)  # type: ignore[arg-type]


def test_a_metric_of_a_source_that_was_never_read_completely_is_unknown() -> None:
    config = small_config()
    assert freshness(config, [outcome("crm", "deals", MINUTE)], NOW) == {
        "revenue": Freshness(NOW - MINUTE),
        "open_deals": Freshness(NOW - MINUTE),
        PEOPLE: Freshness(None, unread="people from hr are not known yet"),
    }
    failed_first = Outcome("crm", "deals", failures=3, reason=Reason.TOO_MANY_REJECTED)
    unread = "deals from crm are not known yet (too_many_rejected)"
    assert freshness(config, [failed_first], NOW)["revenue"] == Freshness(None, unread=unread)
    assert never_read(config, [failed_first, outcome("hr", "people", MINUTE)]) == ("crm",)
    assert never_read(config, [outcome("crm", "deals", MINUTE), outcome("hr", "people", MINUTE)]) == ()


def test_of_two_sources_the_slower_one_decides() -> None:
    source = {**EXPORT, "name": "a", "complete_until": "now"}
    config = small_config(sources=[source, {**source, "name": "b", "stale_after": "5m"}])
    outcomes = [outcome("a", "deals", MINUTE), outcome("b", "deals", 4 * MINUTE)]
    assert freshness(config, outcomes, NOW)["revenue"] == Freshness(NOW - 4 * MINUTE)
    assert freshness(config, outcomes, NOW + 2 * MINUTE)["revenue"].stale
    unread = freshness(config, outcomes[:1], NOW)["revenue"]
    assert unread == Freshness(None, unread="deals from b are not known yet")


def test_late_changes_alone_do_not_make_a_source_stale() -> None:
    late = Outcome("crm", "deals", last_success=NOW, watermark=NOW - timedelta(hours=6))
    assert freshness(small_config(), [late], NOW)["revenue"] == Freshness(NOW - timedelta(hours=6))


@pytest.mark.parametrize("complete_until", ["file", "newest"])
def test_a_file_ages_by_its_own_time_even_while_it_is_read(complete_until: str) -> None:
    config = small_config(sources=[{**EXPORT, "complete_until": complete_until}])
    written = NOW - 4 * DAY
    read_now = Outcome("export", "deals", last_success=NOW, watermark=written)
    assert freshness(config, [read_now], NOW)["revenue"] == Freshness(written)
    assert freshness(config, [read_now], NOW + MINUTE)["revenue"] == Freshness(written, stale=True)


def test_a_file_that_can_no_longer_be_read_is_as_old_as_it_is() -> None:
    lost = Outcome("export", "deals", last_success=NOW - DAY, watermark=NOW - DAY, failures=9)
    assert freshness(small_config(sources=[EXPORT]), [lost], NOW)["revenue"] == Freshness(NOW - DAY)


def test_a_push_source_is_listed_as_never_sent_rather_than_never_read() -> None:
    shop = {"name": "shop", "provider": "push", "token": {"env": "T"}, "entities": ["deals", "people"]}
    config = small_config(sources=[shop])
    assert never_read(config, []) == ()
    assert never_sent(config, []) == {"shop": ("deals", "people")}
    deals, people = outcome("shop", "deals", MINUTE), outcome("shop", "people", MINUTE)
    assert never_sent(config, [deals]) == {"shop": ("people",)}
    assert never_sent(config, [deals, people]) == {}
    assert freshness(config, [deals, people], NOW + 23 * 60 * MINUTE)["revenue"] == Freshness(NOW - MINUTE)
    assert freshness(config, [deals, people], NOW + 24 * 60 * MINUTE)["revenue"].stale


def _of_two_shops(where: dict[str, object]) -> dict[str, Freshness]:
    """Metrics over the deals of two sources, read one minute and five hours ago; `revenue` has this filter."""
    shop = {**EXPORT, "complete_until": "now"}
    calls = {**shop, "name": "phones", "entity": "calls"}
    revenue = {"name": "revenue", "title": "Revenue", "entity": "deals", "at": "closed_at", "sum": "amount"}
    everything = {**revenue, "name": "everything"}
    config = small_config(
        sources=[{**shop, "name": "online"}, {**shop, "name": "offline"}, calls],
        metrics=[{**revenue, "where": where}, everything],
        kpis=[],
    )
    return freshness(config, [outcome("online", "deals", MINUTE), outcome("offline", "deals", 300 * MINUTE)], NOW)


@pytest.mark.parametrize("where", ["online", ["online"], {"not": "offline"}, {"not": ["offline", "market"]}])
def test_a_quiet_source_does_not_age_a_metric_that_excludes_it(where: object) -> None:
    fresh = _of_two_shops({"source": where})
    assert fresh["revenue"] == Freshness(NOW - MINUTE)
    assert fresh["everything"] == Freshness(NOW - 300 * MINUTE, stale=True)


@pytest.mark.parametrize("where", [["online", "offline"], {"not": "market"}, {"present": True}, "offline"])
def test_a_metric_is_as_old_as_the_oldest_source_that_contributes_to_it(where: object) -> None:
    assert _of_two_shops({"source": where})["revenue"] == Freshness(NOW - 300 * MINUTE, stale=True)


def test_a_metric_without_a_contributing_source_is_unknown() -> None:
    assert _of_two_shops({"source": "market"})["revenue"] == Freshness(None)
    assert _of_two_shops({"source": "phones"})["revenue"] == Freshness(None)


def test_rejected_records_add_up_over_the_sources_of_a_metric() -> None:
    shop = {**EXPORT, "complete_until": "now"}
    revenue = {"name": "revenue", "title": "Revenue", "entity": "deals", "at": "closed_at", "sum": "amount"}
    metrics = [{**revenue, "where": {"source": "online"}}, {**revenue, "name": "everything"}]
    config = small_config(sources=[{**shop, "name": "online"}, {**shop, "name": "offline"}], metrics=metrics, kpis=[])
    outcomes = [outcome("online", "deals", MINUTE, rejected=2), outcome("offline", "deals", MINUTE, rejected=3)]
    fresh = freshness(config, outcomes, NOW)
    assert (fresh["revenue"].rejected, fresh["everything"].rejected) == (2, 5)
