"""As of when a KPI is evaluated, and whether it may be shown (reliability P1, P3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exporter.config.fields import Scope, Status
from exporter.kpi.moment import Moment, as_of, moment_of, people_known
from exporter.kpi.plan import Plan
from exporter.kpi.values import Freshness
from exporter.metrics.values import Window
from tests.kpi.companies import calendar, config, kpi

NOW = datetime(2021, 2, 15, 12, tzinfo=UTC)
EARLIER, LATER = NOW - timedelta(hours=3), NOW + timedelta(hours=3)
BOTH = frozenset({"deals", "calls"})


def moment(fresh: dict[str, Freshness], now: datetime = NOW, **settings: Any) -> Moment:
    told = config(kpi(**settings))
    return moment_of(Plan.of(told, told.kpis[0], calendar()), fresh, now)


@pytest.mark.parametrize(
    ("deals", "calls", "found"),
    [
        (Freshness(NOW), Freshness(NOW), (NOW, False)),
        (Freshness(LATER), Freshness(LATER), (NOW, False)),
        (Freshness(EARLIER), Freshness(NOW), (EARLIER, False)),
        (Freshness(LATER), Freshness(EARLIER, stale=True), (EARLIER, True)),
        (Freshness(LATER, stale=True), Freshness(EARLIER), (EARLIER, False)),
        (Freshness(None), Freshness(NOW), None),
        (Freshness(NOW), Freshness(None, stale=True), None),
    ],
)
def test_the_oldest_input_decides(deals: Freshness, calls: Freshness, found: tuple[datetime, bool] | None) -> None:
    assert as_of(BOTH, {"deals": deals, "calls": calls}, NOW) == found


def test_an_entity_that_no_source_reads_was_never_read() -> None:
    assert as_of(BOTH, {"deals": Freshness(NOW)}, NOW) is None


def test_others_do_not_matter() -> None:
    assert as_of(frozenset({"deals"}), {"deals": Freshness(NOW), "calls": Freshness(None)}, NOW) == (NOW, False)


def test_people_are_known_unless_a_source_has_yet_to_list_them() -> None:
    assert people_known({})
    assert people_known({"people": Freshness(EARLIER, stale=True)})
    assert not people_known({"people": Freshness(None)})


def test_today_is_not_shown_before_a_sync_covers_it() -> None:
    fresh = {"deals": Freshness(datetime(2021, 2, 14, 22, 59, tzinfo=UTC))}
    found = moment(fresh, datetime(2021, 2, 15, 3, tzinfo=UTC), period="day")
    assert found.period == Window(datetime(2021, 2, 13, 23, tzinfo=UTC), datetime(2021, 2, 14, 23, tzinfo=UTC))
    assert found.windows[0].end == fresh["deals"].complete_until


def test_a_window_never_passes_its_period() -> None:
    found = moment({"deals": Freshness(LATER)})
    assert found.windows[0] == Window(found.period.start, NOW)
    assert found.windows[1].end == found.period.start
    assert len(found.windows) == 2


def test_growth_asks_for_its_reference_too() -> None:
    found = moment({"deals": Freshness(NOW)}, target={"growth": "5%", "over": "same_last_year"})
    assert found.windows[2] == Window(datetime(2020, 1, 31, 23, tzinfo=UTC), datetime(2020, 2, 29, 23, tzinfo=UTC))


def test_what_was_never_read_is_withheld_and_not_asked_for() -> None:
    found = moment({"deals": Freshness(None)})
    assert (found.withheld, list(found.questions())) == (Status.NO_DATA, [])
    assert found.clock.as_of == NOW


def test_what_is_stale_is_withheld_and_still_asked_for_its_groups() -> None:
    found = moment({"deals": Freshness(EARLIER, stale=True)}, scopes=["company", "team"])
    assert found.withheld is Status.STALE
    assert {question.scope for question in found.questions()} == {Scope.COMPANY, Scope.TEAM}


def test_scopes_of_people_wait_for_the_people() -> None:
    fresh = {"deals": Freshness(NOW), "people": Freshness(None)}
    assert moment(fresh, scopes=["company", "team", "person"]).scopes == (Scope.COMPANY,)
    assert moment(fresh, scopes=["team"]).scopes == ()
