"""The boards of one person and one team: whom they offer, and what they show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exporter import naming
from exporter.config.fields import Scope
from exporter.naming import scoped
from tests.dashboards.example_series import SAMPLES, Series, query_failures, series
from tests.dashboards.generated import dashboards, panel

BOARDS = {"kpi-person": ("person", Scope.PERSON), "kpi-team": ("team", Scope.TEAM)}


@pytest.mark.parametrize("uid", BOARDS)
def test_only_those_are_offered_who_have_numbers_now(tmp_path: Path, uid: str) -> None:
    name, scope = BOARDS[uid]
    (variable,) = dashboards("full")[uid]["templating"]["list"]
    expr = re.fullmatch(r"query_result\((.*)\)", variable["query"]["query"])
    assert expr
    value, status = scoped(naming.VALUE, scope), scoped(naming.STATUS, scope)
    names = {"team": "North"} if scope is Scope.TEAM else {"team": "North", "person": "Zoë"}
    gone = dict.fromkeys(names, "Gone")
    stopped = f"1x{SAMPLES // 2} _x{SAMPLES // 2} stale"
    numbers: Series = series(value, 1, kpi="a", **names) | series(value, stopped, kpi="a", **gone)
    numbers |= series(status, 1, kpi="a", **dict.fromkeys(names, "1520040"), status="no_data")
    failures = query_failures(tmp_path, numbers, [(expr[1], [{f'{{{name}="{names[name]}"}}': "1"}])])
    assert not failures, failures


@pytest.mark.parametrize("uid", BOARDS)
def test_a_name_is_read_from_the_answer_whatever_it_contains(uid: str) -> None:
    name, _ = BOARDS[uid]
    (variable,) = dashboards("full")[uid]["templating"]["list"]
    match = re.search(variable["regex"].strip("/").replace("?<", "?P<"), f'{{{name}="Zoë O\'Brien"}} 1 1700000000000')
    assert match
    assert match["value"] == "Zoë O'Brien"


def test_a_person_has_tiles_of_all_own_kpis_and_a_table_with_the_mean_of_the_team() -> None:
    board = dashboards("full")["kpi-person"]
    assert [entry["title"] for entry in board["panels"]] == [
        "On plan", "Now", "Own KPIs", "Against plan", "Status history",
    ]  # fmt: skip
    headings = [o["matcher"]["options"] for o in panel(board, 3)["fieldConfig"]["overrides"]]
    assert headings[:1] + headings[2:] == [
        "KPI", "Status", "Value", "Against plan", "\u00a0", "Team mean", "30 days", "Target", "Note",
    ]  # fmt: skip


def test_a_board_says_in_words_that_nothing_is_measured() -> None:
    for uid, text in {
        "kpi-person": "no KPI of this person has a value now",
        "kpi-team": "no KPI of this team has a value now",
    }.items():
        assert panel(dashboards("full")[uid], 2)["fieldConfig"]["defaults"]["noValue"] == text
