"""Notes beside statuses, as Prometheus itself writes them."""

from __future__ import annotations

from pathlib import Path

from dashboards.promql import equals
from dashboards.reasons import notes
from dashboards.selection import Selection
from exporter import naming
from exporter.config.fields import Scope, Status
from exporter.naming import scoped
from tests.dashboards.example_series import Series, query_failures, series

INFO = {
    "period": "month",
    "better": "higher",
    "objective": "grow",
    "department": "Sales",
    "owner": "me",
    "unit": "count",
}
KPIS = series(naming.INFO, 1, kpi="sales", title="Revenue", guard="rate", **INFO) | series(
    naming.INFO, 1, kpi="rate", title="Win rate", guard="", **INFO
)
PERSON = {"team": "North", "person": "Zoë"}
PEOPLE = Selection(Scope.PERSON, (equals("person", "Zoë"),))


def status(name: str, current: Status, scope: Scope = Scope.COMPANY, **identity: str) -> Series:
    statuses: Series = {}
    for other in Status:
        flag = float(other is current)
        statuses |= series(scoped(naming.STATUS, scope), flag, kpi=name, **identity, status=other.value)
    return statuses


def reasons(tmp_path: Path, numbers: Series, selection: Selection, *expected: Series) -> str:
    labels = ", ".join((*selection.labels, "why"))
    expr = f"max by ({labels}) ({notes(selection, 'why')})"
    return query_failures(tmp_path, KPIS | numbers, [(expr, expected)])


def test_a_person_held_back_by_a_guard_reads_which_one(tmp_path: Path) -> None:
    numbers = status("sales", Status.AT_RISK, Scope.PERSON, **PERSON)
    numbers |= status("rate", Status.OFF_TRACK, Scope.PERSON, **PERSON) | status("rate", Status.ON_TRACK)
    note = {'{kpi="sales",team="North",person="Zoë",why="guard Win rate is off track"}': "1"}
    failures = reasons(tmp_path, numbers, PEOPLE, note)
    assert not failures, failures


def test_a_guard_that_is_on_track_for_the_person_holds_nothing_back(tmp_path: Path) -> None:
    numbers = status("sales", Status.AT_RISK, Scope.PERSON, **PERSON)
    numbers |= status("rate", Status.ON_TRACK, Scope.PERSON, **PERSON) | status("rate", Status.OFF_TRACK)
    failures = reasons(tmp_path, numbers, PEOPLE)
    assert not failures, failures


def test_without_a_guard_of_the_person_that_of_the_company_counts(tmp_path: Path) -> None:
    numbers = status("sales", Status.AT_RISK, Scope.PERSON, **PERSON) | status("rate", Status.OFF_TRACK)
    note = {'{kpi="sales",team="North",person="Zoë",why="guard Win rate is off track"}': "1"}
    failures = reasons(tmp_path, numbers, PEOPLE, note)
    assert not failures, failures


def test_a_value_outside_the_range_says_on_which_side(tmp_path: Path) -> None:
    value = scoped(naming.VALUE, Scope.PERSON)
    numbers = series(naming.TARGET_LOW, 0.28, kpi="rate") | series(naming.TARGET_HIGH, 0.4, kpi="rate")
    above = series(value, 0.6, kpi="rate", **PERSON)
    below = series(value, 0.1, kpi="rate", team="North", person="Ann")
    selection = Selection(Scope.PERSON, (equals("kpi", "rate"),))
    expected: list[Series] = [
        {'{kpi="rate",team="North",person="Zoë",why="above the range"}': "1"},
        {'{kpi="rate",team="North",person="Ann",why="below the range"}': "1"},
    ]
    failures = reasons(tmp_path, numbers | above | below, selection, *expected)
    assert not failures, failures


def test_a_selection_by_objective_has_the_notes_of_its_kpis_alone(tmp_path: Path) -> None:
    numbers = status("sales", Status.AT_RISK) | status("rate", Status.OFF_TRACK)
    here, elsewhere = (Selection(where=(equals("objective", name),)) for name in ("grow", "serve"))
    failures = reasons(tmp_path, numbers, here, {'{kpi="sales",why="guard Win rate is off track"}': "1"})
    failures += reasons(tmp_path, numbers, elsewhere)
    assert not failures, failures
