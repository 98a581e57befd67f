"""Teams and people of a KPI are read a page at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.config.fields import Scope, Status
from exporter.kpi.values import Evaluation
from exporter.web.members import MembersIndex, MembersQuery
from exporter.web.status_page import PageData, render
from tests.exposition.sample import NOW, kpi_value, sample_config, sample_evaluation

KPI = "win_rate"


def many(count: int) -> Evaluation:
    """An evaluation with so many people of a KPI, the last one first."""
    people = [
        kpi_value(KPI, Status.ON_TRACK, 1, scope=Scope.PERSON, person=f"Person {number:06}")
        for number in reversed(range(count))
    ]
    return replace(sample_evaluation(), kpis=(kpi_value(KPI, Status.ON_TRACK, 1), *people))


def page(evaluation: Evaluation, query: MembersQuery | None = None, **changes: object) -> str:
    return render(PageData(sample_config(**changes), evaluation, {}, NOW, query=query))


def test_a_page_has_its_rows_in_order_and_the_nearest_page_stands_in_for_one_that_is_not_there() -> None:
    index = MembersIndex.of(many(450))
    pages = [index.read(KPI, Scope.PERSON, number, 200) for number in (0, 1, 2, 3, 9)]
    assert [(part.number, part.pages, part.total, len(part.values)) for part in pages] == [
        (1, 3, 450, 200), (1, 3, 450, 200), (2, 3, 450, 200), (3, 3, 450, 50), (3, 3, 450, 50),
    ]  # fmt: skip
    assert pages[2].values[0].person == "Person 000200"
    assert index.read("another", Scope.TEAM, 1, 200).total == 0


@pytest.mark.parametrize(
    ("parameters", "query"),
    [
        ({}, None),
        ({"kpi": "a"}, MembersQuery("a", Scope.TEAM, 1)),
        ({"kpi": "a", "scope": "person", "page": "7"}, MembersQuery("a", Scope.PERSON, 7)),
        ({"kpi": "a", "scope": "<b>", "page": "-1"}, MembersQuery("a", Scope.TEAM, 1)),
        ({"kpi": "a", "page": "9" * 5000}, MembersQuery("a", Scope.TEAM, 1)),
        ({"kpi": "a", "page": "²"}, MembersQuery("a", Scope.TEAM, 1)),
    ],
)
def test_parameters_of_any_kind_are_a_query_or_none(parameters: dict[str, str], query: MembersQuery | None) -> None:
    assert MembersQuery.parse(parameters) == query


def test_the_page_says_how_many_people_there_are_and_shows_the_first() -> None:
    html = page(many(10_000))
    assert "By person (10,000)" in html
    assert "The first 25 are shown, " in html
    assert f'href="/?kpi={KPI}&amp;scope=person&amp;page=1"' in html
    assert html.count("Person 0") == 25
    assert len(html) < 60_000


def test_few_people_are_all_shown_without_a_link() -> None:
    html = page(many(3))
    assert "By person (3)" in html
    assert "are shown" not in html


def test_a_page_of_people_links_to_the_others() -> None:
    html = page(many(450), MembersQuery(KPI, Scope.PERSON, 2))
    assert "page 2 of 3, 450 in all" in html
    assert html.count("Person 0") == 200
    assert [name for name in ("first", "previous", "next", "last") if f">{name}</a>" in html] == [
        "first", "previous", "next", "last",
    ]  # fmt: skip
    assert ">next</a>" not in page(many(450), MembersQuery(KPI, Scope.PERSON, 3))


def test_people_are_not_listed_where_they_have_a_page_of_their_own_or_the_kpi_is_unknown() -> None:
    query = MembersQuery(KPI, Scope.PERSON)
    assert "Person 0" not in page(many(450), query, privacy={"people": "separate"})
    assert page(many(450), MembersQuery("<script>", Scope.PERSON)) == page(many(450))
