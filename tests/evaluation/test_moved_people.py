"""A person whose team changes at the source leaves their past figures with the team of then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exporter.config.fields import Scope
from exporter.evaluation.evaluator import Evaluator
from exporter.metrics.people import Directory
from exporter.records import Person
from exporter.store.store import Store
from tests.evaluation.records import deal, put, small_config

MOVED = datetime(2025, 10, 15, 8, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
END = datetime(2025, 10, 31, 12, tzinfo=UTC)


BOB = Person(id="bob", name="Bob", team="South")


def anna(team: str, **fields: Any) -> Person:
    return Person(id="anna", name="Anna", team=team, **fields)


DEALS = [deal(1, 400, MOVED - 10 * DAY, owner="anna"), deal(2, 100, MOVED + 5 * DAY, owner="anna")]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Anna wins 400 in North on 5 October and 100 in South on 20 October; she moves on the 15th."""
    opened = Store.open(tmp_path)
    put(opened, "hr", "people", [anna("North")], datetime(2025, 10, 1, tzinfo=UTC))
    put(opened, "hr", "people", [anna("South")], MOVED)
    put(opened, "hr", "people", [anna("South")], END)
    put(opened, "crm", "deals", DEALS, END)
    yield opened
    opened.close()


def revenue(
    store: Store, at: datetime, scope: Scope = Scope.TEAM, known_at: datetime | None = None
) -> dict[str, float]:
    """Revenue of the month by team, or by team and person."""
    values = Evaluator(small_config(), store, known_at).evaluate(at, None).evaluation.kpis
    return {"/".join(filter(None, (v.team, v.person))): v.value for v in values if v.scope is scope and v.value}


@pytest.mark.parametrize(
    ("at", "teams", "person"),
    [
        (MOVED - 5 * DAY, {"North": 400}, {"North/Anna": 400}),
        (MOVED - HOUR, {"North": 400}, {"North/Anna": 400}),
        (MOVED, {"North": 400}, {"South/Anna": 400}),
        (END, {"North": 400, "South": 100}, {"South/Anna": 500}),
    ],
)
def test_records_count_for_the_team_of_then(
    store: Store, at: datetime, teams: dict[str, float], person: dict[str, float]
) -> None:
    assert (revenue(store, at), revenue(store, at, Scope.PERSON)) == (teams, person)


def test_a_move_that_was_read_late_is_unknown_before(tmp_path: Path) -> None:
    """The vendor dates the move to the 12th, and the exporter reads it on the 15th. A deal is won on the 13th."""
    store = Store.open(tmp_path)
    put(store, "hr", "people", [anna("North", updated_at=MOVED - 20 * DAY)], MOVED - 10 * DAY)
    put(store, "crm", "deals", [deal(1, 400, MOVED - 2 * DAY, owner="anna")], MOVED - DAY)
    put(store, "hr", "people", [anna("South", updated_at=MOVED - 3 * DAY)], MOVED)
    assert revenue(store, MOVED - DAY) == {"South": 400}
    assert revenue(store, MOVED - DAY, known_at=MOVED - HOUR) == {"North": 400}
    store.close()


def test_a_kept_evaluator_sees_a_move_whose_time_comes_later(store: Store) -> None:
    """People are read ahead of the deals: their move counts once the deals are known that far."""
    put(store, "hr", "people", [anna("East")], END + HOUR)
    every = Evaluator(small_config(), store)
    seen = []
    for minutes in (0, 30, 60, 90):
        put(store, "crm", "deals", DEALS, END + timedelta(minutes=minutes))
        values = every.evaluate(END + timedelta(minutes=minutes), None).evaluation.kpis
        seen += [value.team for value in values if value.scope is Scope.PERSON]
    assert seen == ["South", "South", "East", "East"]


def test_roster_of_a_past_instant_has_those_who_left_since(store: Store) -> None:
    put(store, "hr", "people", [anna("South", active=False), BOB], END)
    with store.reading() as reader:
        directory = Directory.load(reader, small_config())
    rosters = [directory.roster(at).members for at in (MOVED - HOUR, END - HOUR, END)]
    assert rosters == [
        {"north": {"Anna"}, "south": {"Bob"}},
        {"south": {"Anna", "Bob"}},
        {"south": {"Bob"}},
    ]


def test_who_left_keeps_past_figures(store: Store) -> None:
    put(store, "hr", "people", [anna("South", active=False)], END)
    assert revenue(store, END) == {"North": 400, "South": 100}
