"""How a selection reads series: now, at the right edge of the time range, and at each step of it."""

from __future__ import annotations

import pytest

from dashboards.promql import equals
from dashboards.selection import Reading, Selection
from exporter import naming
from exporter.config.fields import Scope


def test_a_selection_reads_the_families_of_its_scope() -> None:
    team = Selection(Scope.TEAM, (equals("kpi", "deals"),))
    assert team.latest(naming.VALUE) == 'max by (kpi, team) (team_kpi_value{kpi="deals"})'


@pytest.mark.parametrize(
    ("reading", "expected"),
    [(Reading.NOW, "kpi_value"), (Reading.AT_END, "kpi_value @ ${__to:date:seconds}")],
)
def test_a_series_is_read_now_or_at_the_right_edge(reading: Reading, expected: str) -> None:
    assert Selection(reading=reading).series(naming.VALUE) == expected


def test_over_time_a_day_is_bridged_only_where_no_kpi_has_a_sample_within_two_hours() -> None:
    assert Selection().over_time.series(naming.VALUE) == (
        "(last_over_time(kpi_value[2h]) or last_over_time(kpi_value[26h])"
        ' unless on () group(last_over_time(kpi_status{status="no_data"}[2h])))'
    )


def test_what_stays_the_same_along_a_range_query_is_read_at_its_right_edge() -> None:
    assert Selection().over_time.at_end.reading is Reading.AT_END
    assert Selection().at_end.reading is Reading.NOW, "an instant query has one instant"
