"""Teams of one person over time: from the sources, and from the config where it dates them."""

from __future__ import annotations

from datetime import datetime

from exporter.metrics.person_records import EarlierState, Human, PersonRecord
from exporter.metrics.team_spans import TeamSpan, home_spans, with_memberships
from exporter.metrics.values import FIRST, LAST
from tests.metrics.stores import at

MARCH, APRIL, MAY, JUNE = (at(f"2024-{month:02}-01") for month in (3, 4, 5, 6))


def human(*records: PersonRecord) -> Human:
    return Human(records, "Ann")


def moved(team: str, *earlier: tuple[datetime, str]) -> PersonRecord:
    return PersonRecord("crm", "1", "Ann", team=team, earlier=tuple(EarlierState(*state) for state in earlier))


def test_a_team_lasts_until_the_source_names_another() -> None:
    spans = home_spans(human(moved("south", (MARCH, "North"), (MAY, ""))), {"south": "South"})
    assert spans == (TeamSpan(FIRST, MARCH, "North"), TeamSpan(MARCH, MAY, None), TeamSpan(MAY, LAST, "South"))


def test_changes_of_other_columns_do_not_split_a_span() -> None:
    assert home_spans(human(moved("North", (MARCH, "north"), (MAY, "NORTH"))), {"north": "North"}) == (
        TeamSpan(FIRST, LAST, "North"),
    )


def test_at_each_instant_the_first_record_with_a_team_counts() -> None:
    other = PersonRecord("hr", "9", "Ann", team="East")
    spans = home_spans(human(moved("South", (MARCH, ""), (MAY, "North")), other), {})
    assert [(span.since, span.team) for span in spans] == [(FIRST, "East"), (MARCH, "North"), (MAY, "South")]


def test_the_dates_of_the_config_win_over_the_source() -> None:
    homes = (TeamSpan(FIRST, APRIL, "North"), TeamSpan(APRIL, JUNE, "South"), TeamSpan(JUNE, LAST, None))
    spans = with_memberships(homes, [TeamSpan(MARCH, MAY, "East")])
    assert [(span.since, span.team) for span in spans] == [
        (FIRST, "North"),
        (MARCH, "East"),
        (MAY, "South"),
        (JUNE, None),
    ]
    assert with_memberships(homes, [TeamSpan(FIRST, LAST, "East")]) == (TeamSpan(FIRST, LAST, "East"),)


def test_a_person_is_absent_while_no_record_is_active() -> None:
    left = PersonRecord("crm", "1", "Ann", active=False, earlier=(EarlierState(MARCH), EarlierState(MAY, active=False)))
    back = PersonRecord("hr", "9", "Ann", earlier=(EarlierState(APRIL, active=False),))
    assert human(left).absences == ((MARCH, MAY), (MAY, LAST))
    assert human(left, back).absences == ((MARCH, APRIL),)
    assert human(back).absences == ((FIRST, APRIL),)
