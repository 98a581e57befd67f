"""Emails of people are exposed for alerts that notify persons, and for nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from exporter.config.root import Config
from exporter.evaluation.evaluator import Evaluator
from exporter.exposition.families import kpi_samples
from exporter.exposition.render import Renderer
from exporter.exposition.snapshot import take
from exporter.records import Person
from exporter.store.store import Store
from tests.evaluation.records import ADA, NOW, deal, put, small_config

PEOPLE = [
    replace(ADA, email="ada@example.com"),
    Person(id="bob", name="Bob", email="bob@example.com", team="North", active=True),
    Person(id="cleo", name="Cleo", email="cleo@example.com", team="North", active=False),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Ada and Cleo, who left, won a deal; Bob did not."""
    opened = Store.open(tmp_path)
    put(opened, "hr", "people", PEOPLE)
    won = NOW - timedelta(days=2)
    put(opened, "crm", "deals", [deal(1, 700, won), deal(2, 700, won, owner="cleo"), deal(3, 1, won, owner="zoe")])
    yield opened
    opened.close()


def config(people: str = "included", **alerts: Any) -> Config:
    kpi = small_config().kpis[0].model_dump(by_alias=True, mode="json", exclude_none=True)
    return small_config(kpis=[{**kpi, "value": "revenue", "alerts": alerts}], privacy={"people": people})


def emails(store: Store, settings: Config) -> dict[str, str]:
    return dict(Evaluator(settings, store).evaluate(NOW, None).evaluation.signals.emails)


def test_only_active_people_with_a_value_are_named(store: Store) -> None:
    assert emails(store, config(scopes=["person"])) == {"Ada Lovelace": "ada@example.com"}


@pytest.mark.parametrize("alerts", [{}, {"scopes": ["company", "team"]}, {"scopes": ["person"], "people_to": ["lead"]}])
def test_nobody_is_named_if_no_person_is_notified(store: Store, alerts: dict[str, Any]) -> None:
    assert emails(store, config(**alerts)) == {}


@pytest.mark.parametrize("people", ["included", "separate"])
def test_emails_are_where_the_values_of_people_are(store: Store, people: str) -> None:
    settings = config(people, scopes=["person"])
    evaluation = Evaluator(settings, store).evaluate(NOW, None).evaluation
    snapshot = take(Renderer().render(kpi_samples(settings, evaluation)), NOW, separate=people == "separate")
    shared = b"".join(snapshot.shared.text.plain)
    own = b"".join(snapshot.people.text.plain) if snapshot.people else b""
    line = b'person_email_info{email="ada@example.com",person="Ada Lovelace"} 1.0'
    assert (line in shared) is (people == "included")
    assert (line in own) is (people == "separate")
    assert b"@" not in shared.replace(b"a@example.com", b"").replace(line, b"")
