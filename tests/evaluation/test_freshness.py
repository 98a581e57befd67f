"""How far entities are known."""

from __future__ import annotations

from datetime import timedelta

from exporter.evaluation.freshness import freshness, never_read, never_sent
from exporter.kpi.values import Freshness
from exporter.store.state import Outcome
from tests.evaluation.records import NOW, small_config

MINUTE = timedelta(minutes=1)


def outcome(source: str, entity: str, age: timedelta, **overrides: object) -> Outcome:
    at = NOW - age
    return Outcome(source, entity, last_success=at, watermark=at, **overrides)  # type: ignore[arg-type]


def test_an_entity_that_was_never_read_completely_is_unknown() -> None:
    config = small_config()
    assert freshness(config, [outcome("crm", "deals", MINUTE)], NOW) == {
        "deals": Freshness(NOW - MINUTE),
        "people": Freshness(None),
    }
    failed_first = Outcome("crm", "deals", failures=3)
    assert freshness(config, [failed_first], NOW)["deals"] == Freshness(None)
    assert never_read(config, [failed_first, outcome("hr", "people", MINUTE)]) == ("crm",)
    assert never_read(config, [outcome("crm", "deals", MINUTE), outcome("hr", "people", MINUTE)]) == ()


def test_of_two_sources_the_slower_one_decides() -> None:
    source = {"name": "a", "provider": "csv", "path": "x.csv", "entity": "deals", "columns": {"id": "id"}}
    config = small_config(sources=[source, {**source, "name": "b", "stale_after": "5m"}])
    outcomes = [outcome("a", "deals", MINUTE), outcome("b", "deals", 4 * MINUTE)]
    assert freshness(config, outcomes, NOW)["deals"] == Freshness(NOW - 4 * MINUTE)
    assert freshness(config, outcomes, NOW + 2 * MINUTE)["deals"].stale
    assert freshness(config, outcomes[:1], NOW)["deals"] == Freshness(None)


def test_late_changes_alone_do_not_make_a_source_stale() -> None:
    late = Outcome("crm", "deals", last_success=NOW, watermark=NOW - timedelta(hours=6))
    assert freshness(small_config(), [late], NOW)["deals"] == Freshness(NOW - timedelta(hours=6))


def test_a_push_source_is_listed_as_never_sent_rather_than_never_read() -> None:
    shop = {"name": "shop", "provider": "push", "token": {"env": "T"}, "entities": ["deals", "people"]}
    config = small_config(sources=[shop])
    assert never_read(config, []) == ()
    assert never_sent(config, []) == {"shop": ("deals", "people")}
    deals, people = outcome("shop", "deals", MINUTE), outcome("shop", "people", MINUTE)
    assert never_sent(config, [deals]) == {"shop": ("people",)}
    assert never_sent(config, [deals, people]) == {}
    assert freshness(config, [deals, people], NOW + 23 * 60 * MINUTE)["deals"] == Freshness(NOW - MINUTE)
    assert freshness(config, [deals, people], NOW + 24 * 60 * MINUTE)["deals"].stale
