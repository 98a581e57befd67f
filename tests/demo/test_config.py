"""The demo config uses every feature and has no warnings."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from exporter.config.fields import Better, Period, Scope
from exporter.config.loader import CheckedConfig, load
from exporter.config.practice import problems
from exporter.config.targets import Band, Entry, Goal, Growth, Reference
from exporter.demo.company.staff import TEAMS, Staff

CONFIG = Path(__file__).parents[2] / "config"
REVIEWED = date(2026, 11, 22)


@pytest.fixture(scope="module")
def loaded() -> CheckedConfig:
    return load(CONFIG / "kpis.yaml", {})


def test_the_demo_config_has_no_problems_or_warnings(loaded: CheckedConfig) -> None:
    assert loaded.warnings == ()
    assert problems(loaded.config, REVIEWED) == ()


def test_every_direction_period_unit_and_scope_is_used(loaded: CheckedConfig) -> None:
    config = loaded.config
    assert {kpi.better for kpi in config.kpis} == set(Better)
    assert {kpi.period for kpi in config.kpis} == set(Period)
    assert {scope for kpi in config.kpis for scope in kpi.scopes} == set(Scope)
    assert {config.unit(kpi) for kpi in config.kpis} >= {"count", "ratio", "currency", "seconds", "score", "hours"}
    assert 8 <= len(config.kpis) <= 12
    assert len(config.objectives) == 3


def test_every_form_of_target_is_used(loaded: CheckedConfig) -> None:
    targets = [kpi.target for kpi in loaded.config.kpis]
    assert {type(target) for target in targets} >= {float, Band, Goal, Growth, tuple}
    assert {target.over for target in targets if isinstance(target, Growth)} == set(Reference)
    entries = [entry for target in targets if isinstance(target, tuple) for entry in target]
    assert all(isinstance(entry, Entry) for entry in entries)
    assert any(entry.team for entry in entries)
    assert any(entry.person for entry in entries)
    assert any(entry.since > date.min for entry in entries)


def test_teams_and_people_are_those_of_the_company(loaded: CheckedConfig) -> None:
    config, staff = loaded.config, Staff(7)
    assert [(team.name, team.department) for team in config.teams] == [(name, dept) for name, dept, _ in TEAMS]
    sellers = {member.name for member in staff.sellers if member.last_day is None}
    revenue = config.kpi_by_name["monthly_revenue"].target
    assert isinstance(revenue, tuple)
    assert {entry.person for entry in revenue if entry.person} == sellers
    addresses = {member.email for member in staff.members}
    assert {member.person for team in config.teams for member in team.members} <= addresses


def test_targets_of_people_and_teams_add_up_to_the_companys(loaded: CheckedConfig) -> None:
    staff = Staff(7)
    revenue = loaded.config.kpi_by_name["monthly_revenue"].target
    assert isinstance(revenue, tuple)
    people = {entry.person: entry.value or 0 for entry in revenue if entry.person}
    teams = {entry.team: entry.value or 0 for entry in revenue if entry.team}
    for name, value in teams.items():
        team_total = sum(
            people[member.name] for member in staff.sellers if member.team == name and member.last_day is None
        )
        assert team_total == pytest.approx(value, rel=0.05), name
    assert sum(teams.values()) == 1_600_000


@pytest.mark.parametrize("name", ["hubspot", "aircall"])
def test_examples_load(name: str) -> None:
    example = load(CONFIG / "examples" / f"{name}.yaml", {"HUBSPOT_TOKEN": "x", "AIRCALL_TOKEN": "x"})
    assert example.warnings == ()
    assert [source.provider for source in example.config.sources] == [name]
