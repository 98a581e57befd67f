"""Guards from one evaluation to the next."""

from __future__ import annotations

from exporter.config.fields import Scope, Status
from exporter.kpi.calendar import TimeLeft
from exporter.kpi.guards import Guards
from exporter.kpi.values import KpiRun, KpiValue
from tests.kpi.configs import config_of, kpi
from tests.kpi.scenario import AT

CONFIG = config_of(kpi("speed", guard="quality"), kpi("quality"))


def run(name: str, revision: int, *statuses: Status) -> KpiRun:
    values = [KpiValue(name, Scope.COMPANY, AT, AT, AT, status, 0.5, TimeLeft(2, "days")) for status in statuses]
    return KpiRun(name, Scope.COMPANY, tuple(values), revision)


def speeds(guards: Guards, *runs: KpiRun) -> list[Status]:
    return [value.status for each in guards.applied(runs) if each.kpi == "speed" for value in each.values]


def test_a_kpi_follows_its_guard_from_one_evaluation_to_the_next() -> None:
    guards = Guards(CONFIG)
    fast = run("speed", 0, Status.EXCEEDED)
    assert speeds(guards, fast, run("quality", 0, Status.ON_TRACK)) == [Status.EXCEEDED]
    assert speeds(guards, fast, run("quality", 1, Status.OFF_TRACK)) == [Status.AT_RISK]
    assert speeds(guards, fast, run("quality", 1, Status.OFF_TRACK)) == [Status.AT_RISK]
    assert speeds(guards, run("speed", 1, Status.ON_TRACK), run("quality", 2, Status.AT_RISK)) == [Status.ON_TRACK]


def test_a_kpi_that_its_guard_holds_back_says_so_and_one_that_is_late_itself_does_not() -> None:
    guards = Guards(config_of(kpi("speed", guard="quality"), kpi("quality", title="Quality of work")))
    late = run("quality", 0, Status.OFF_TRACK)
    for revision, (own, reason) in enumerate(
        {
            Status.EXCEEDED: "guard Quality of work is off track",
            Status.ON_TRACK: "guard Quality of work is off track",
            Status.AT_RISK: None,
            Status.OFF_TRACK: None,
            Status.TOO_EARLY: None,
        }.items()
    ):
        (speed,) = guards.applied([run("speed", revision, own), late])[0].values
        assert (own, speed.reason) == (own, reason)


def test_a_kpi_whose_guard_is_missing_keeps_its_status() -> None:
    guards = Guards(CONFIG)
    fast = run("speed", 0, Status.EXCEEDED)
    assert speeds(guards, fast, run("quality", 0, Status.OFF_TRACK)) == [Status.AT_RISK]
    assert speeds(guards, fast) == [Status.EXCEEDED]
