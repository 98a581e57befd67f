"""Tiles, counts and charts of a set of KPIs: their queries on a real Prometheus, and their look."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dashboards.boards.kpi_panels import kpi_tiles, on_plan_tile, plan_lines, status_bands, status_counts
from dashboards.grafana_model import to_json
from dashboards.panels import Header
from dashboards.promql import equals
from dashboards.selection import Selection
from dashboards.site import Site
from exporter import naming
from exporter.config.fields import Scope, Status
from exporter.naming import scoped
from tests.dashboards.example_series import SAMPLES, Series, query_failures, series
from tests.dashboards.samples import full, kpi, small
from tests.dashboards.selectors import with_variables

SITE = Site(small(kpis=[kpi("a", title="A"), kpi("b", title="B", value="won / closed", unit="ratio")]))
HEADER = Header(1, "Tiles", "KPIs.")
INFO = {"period": "month", "better": "higher", "objective": "grow", "owner": "me", "guard": ""}


def states(statuses: dict[str, str], pace: dict[str, float], unit: str = "count") -> Series:
    """KPIs of the value 7 with these statuses and ratios to plan, from two exporters."""
    kpi_series: Series = {}
    for name, current in statuses.items():
        department = "Sales" if name < "m" else "Service"
        kpi_series |= series(naming.INFO, 1, kpi=name, title=name.upper(), department=department, unit=unit, **INFO)
        for status in Status:
            kpi_series |= series(naming.STATUS, float(status == current), kpi=name, status=status.value)
        kpi_series |= series(naming.VALUE, 7, kpi=name)
        if name in pace:
            kpi_series |= series(naming.PACE_RATIO, pace[name], kpi=name)
    return kpi_series


def json_of(panel: Any) -> dict[str, Any]:
    content: dict[str, Any] = to_json(panel)
    return content


def expr(panel: Any) -> str:
    (query,) = json_of(panel)["targets"]
    return with_variables(query["expr"])


def tile(name: str, order: int, symbol: str, value: float = 7) -> Series:
    return {f'{{A="{order}",kpi="{name}",mark="{symbol}",title="{name.upper()}"}}': str(value)}


STATES = states(
    {"a": "on_track", "b": "off_track", "c": "at_risk", "d": "off_track", "e": "no_data", "z": "exceeded"},
    {"a": 1, "b": 0.84, "c": 2.1, "d": 0.63, "z": 1.2},
)


def test_tiles_are_ordered_by_a_label_worst_first_because_series_over_time_come_in_label_order(tmp_path: Path) -> None:
    every = [
        tile("d", 11063, "▼"),
        tile("b", 11084, "▼"),
        tile("c", 12210, "◆"),
        tile("a", 13100, "●"),
        tile("z", 14120, "▲"),
        tile("e", 19000, "○"),
    ]
    failures = query_failures(tmp_path, STATES, [(expr(kpi_tiles(SITE, HEADER, Selection())), every)])
    assert not failures, failures
    assert sorted(every, key=lambda sample: next(iter(sample))) == every


def test_needs_attention_shows_the_worst_of_those_at_risk_or_off_track(tmp_path: Path) -> None:
    bad = (Status.OFF_TRACK, Status.AT_RISK)
    panel = kpi_tiles(SITE, HEADER, Selection(), statuses=bad, places=(1, 2))
    failures = query_failures(tmp_path, STATES, [(expr(panel), [tile("d", 11063, "▼"), tile("b", 11084, "▼")])])
    assert not failures, failures


def test_a_second_panel_goes_on_where_the_first_ended(tmp_path: Path) -> None:
    panel = kpi_tiles(SITE, HEADER, Selection(), places=(3, 4))
    failures = query_failures(tmp_path, STATES, [(expr(panel), [tile("c", 12210, "◆"), tile("a", 13100, "●")])])
    assert not failures, failures


def test_a_department_shows_its_own_kpis(tmp_path: Path) -> None:
    panel = kpi_tiles(SITE, HEADER, Selection(where=(equals("department", "Service"),)))
    failures = query_failures(tmp_path, STATES, [(expr(panel), [tile("z", 14120, "▲")])])
    assert not failures, failures


def test_a_ratio_is_shown_in_percent(tmp_path: Path) -> None:
    ratio = states({"a": "on_track"}, {"a": 1}, unit="ratio")
    failures = query_failures(
        tmp_path, ratio, [(expr(kpi_tiles(SITE, HEADER, Selection())), [tile("a", 13100, "●", 700)])]
    )
    assert not failures, failures


def test_a_tile_of_a_person_has_the_number_and_status_of_that_person(tmp_path: Path) -> None:
    identity = {"kpi": "a", "team": "North", "person": "Zoë"}
    own = states({"a": "on_track"}, {"a": 1})
    for status in Status:
        own |= series(
            scoped(naming.STATUS, Scope.PERSON), float(status is Status.AT_RISK), **identity, status=status.value
        )
    own |= series(scoped(naming.VALUE, Scope.PERSON), 3, **identity) | series(
        scoped(naming.PACE_RATIO, Scope.PERSON), 2, **identity
    )
    person = Selection(Scope.PERSON, (equals("person", "Zoë"),))
    expected = [{'{A="12200",kpi="a",team="North",person="Zoë",mark="◆",title="A"}': "3"}]
    failures = query_failures(tmp_path, own, [(expr(kpi_tiles(SITE, HEADER, person)), expected)])
    assert not failures, failures


def test_two_exporters_that_disagree_make_one_tile_with_the_worse_status(tmp_path: Path) -> None:
    exporters = states({"a": "on_track"}, {"a": 1})
    for name in exporters:
        if 'status="at_risk"' in name and 'instance="b' in name:
            exporters[name] = "1x300"
    panel = kpi_tiles(SITE, HEADER, Selection())
    failures = query_failures(tmp_path, exporters, [(expr(panel), [tile("a", 12100, "◆")])])
    assert not failures, failures


def test_a_tile_shows_thirty_days_on_a_scale_of_its_own_whatever_the_time_range() -> None:
    panel = json_of(kpi_tiles(SITE, HEADER, Selection()))
    assert (panel["timeFrom"], panel["hideTimeOverride"]) == ("30d", True)
    assert panel["targets"][0]["interval"] == "6h"
    assert panel["fieldConfig"]["defaults"]["fieldMinMax"] is True
    assert panel["options"]["graphMode"] == "area"


def test_names_have_a_size_and_numbers_are_as_large_as_they_fit() -> None:
    panel = json_of(kpi_tiles(SITE, HEADER, Selection()))
    assert panel["options"]["text"] == {"titleSize": 14}


def test_only_the_status_is_coloured_and_only_its_number_not_the_tile() -> None:
    panel = json_of(kpi_tiles(SITE, HEADER, Selection()))
    assert panel["options"]["colorMode"] == "value"
    assert panel["fieldConfig"]["defaults"]["color"] == {"mode": "fixed", "fixedColor": "text"}
    colours = {
        o["matcher"]["options"]: p["value"]["fixedColor"]
        for o in panel["fieldConfig"]["overrides"]
        for p in o["properties"]
        if p["id"] == "color"
    }
    assert colours == {"/^▼/": "red", "/^◆/": "orange", "/^●/": "blue", "/^▲/": "blue", "/^○/": "#8e8e8e"}


def test_the_legend_is_words_and_never_a_label_set() -> None:
    for panel in (
        kpi_tiles(SITE, HEADER, Selection()), on_plan_tile(2, Selection()), status_counts(SITE, 3, Selection()),
        status_bands(SITE, HEADER, Selection()), plan_lines(HEADER, Selection(), ["A"]),
    ):  # fmt: skip
        for query in json_of(panel)["targets"]:
            assert query["legendFormat"] != "__auto"


def test_kpis_are_counted_by_status_in_a_fixed_order_worst_first(tmp_path: Path) -> None:
    counts = {"▼ off track": 2, "◆ at risk": 1, "● on track": 1, "▲ exceeded": 1, "○ no verdict": 1}
    query = expr(status_counts(SITE, 3, Selection()))
    positions = [query.index(words) for words in counts]
    assert positions == sorted(positions)
    failures = query_failures(
        tmp_path, STATES, [(query, [{f'{{words="{words}"}}': str(n)} for words, n in counts.items()])]
    )
    assert not failures, failures


def test_a_status_that_no_kpi_has_counts_zero_and_is_grey(tmp_path: Path) -> None:
    panel = status_counts(SITE, 3, Selection())
    one = states({"a": "on_track"}, {"a": 1})
    counts = {"▼ off track": 0, "◆ at risk": 0, "● on track": 1, "▲ exceeded": 0, "○ no verdict": 0}
    failures = query_failures(
        tmp_path, one, [(expr(panel), [{f'{{words="{words}"}}': str(n)} for words, n in counts.items()])]
    )
    assert not failures, failures
    (mapping,) = json_of(panel)["fieldConfig"]["defaults"]["mappings"]
    assert mapping["options"] == {"0": {"text": "0", "index": 0, "color": "#8e8e8e"}}


def test_bands_tell_a_day_off_from_a_period_that_is_too_young(tmp_path: Path) -> None:
    both = states({"a": "day_off", "b": "too_early"}, {})
    expected = [{'{kpi="a",title="A"}': "0"}, {'{kpi="b",title="B"}': "2"}]
    failures = query_failures(tmp_path, both, [(expr(status_bands(SITE, HEADER, Selection())), expected)])
    assert not failures, failures


def test_bands_have_a_legend_of_words_and_no_pager() -> None:
    panel = json_of(status_bands(SITE, HEADER, Selection()))
    assert "perPage" not in panel["options"]
    assert (panel["options"]["showValue"], panel["options"]["legend"]["showLegend"]) == ("never", True)
    assert panel["fieldConfig"]["defaults"]["color"] == {"mode": "palette-classic"}, "thresholds would win over words"


def test_lines_against_plan_are_in_percent_and_limited(tmp_path: Path) -> None:
    panel = plan_lines(HEADER, Selection(), ["A", "B"])
    ratios = states({"a": "on_track", "b": "on_track", "c": "off_track"}, {"a": 1, "b": 7, "c": -4})
    expected: list[Series] = [
        {f'{{kpi="{name}",title="{name.upper()}"}}': value}
        for name, value in {"a": "100", "b": "150", "c": "50"}.items()
    ]
    failures = query_failures(tmp_path, ratios, [(expr(panel), expected)])
    assert not failures, failures
    defaults = json_of(panel)["fieldConfig"]["defaults"]
    assert defaults["unit"] == "percent"
    assert defaults["thresholds"]["steps"] == [
        {"color": "transparent", "value": None},
        {"color": "#8e8e8e", "value": 100.0},
    ]
    assert defaults["custom"]["thresholdsStyle"] == {"mode": "dashed"}
    assert json_of(panel)["options"]["legend"]["displayMode"] == "list"


@pytest.mark.parametrize("distance", ["1h", "1d"])
def test_lines_and_bands_have_a_point_at_every_step_of_history(tmp_path: Path, distance: str) -> None:
    """The answer thirty minutes after a full hour, as steps in zones with a half hour fall."""
    step = {"1h": 12, "1d": 288}[distance]
    sparse = states({"a": "on_track"}, {"a": 1})
    first = 288 - step - 6  # of 288 samples of five minutes; the last one is half an hour before a full step
    notation = "_ " * first + "{}" + " _" * 200
    sparse = {name: notation.format(values.split("x")[0]) for name, values in sparse.items()}
    info = {name: "1x300" for name in sparse if name.startswith("kpi_info")}
    expected_line: list[Series] = [{'{kpi="a",title="A"}': "100"}]
    expected_band: list[Series] = [{'{kpi="a",title="A"}': "8"}]
    failures = query_failures(
        tmp_path, sparse | info,
        [(expr(plan_lines(HEADER, Selection(), ["A"])), expected_line), (expr(status_bands(SITE, HEADER, Selection())), expected_band)],
    )  # fmt: skip
    assert not failures, failures


def test_a_kpi_without_a_value_now_has_no_tile_with_an_older_one(tmp_path: Path) -> None:
    numbers = states({"a": "on_track", "e": "no_data"}, {"a": 1})
    friday = {name: f"7x{SAMPLES - 36}" for name in numbers if name.startswith('kpi_value{kpi="e"')}
    assert friday
    query = expr(kpi_tiles(SITE, HEADER, Selection()))
    expected: list[Series] = [{'{kpi="a"}': "7"}]
    failures = query_failures(
        tmp_path, numbers | friday, [(f"max by (kpi) (max_over_time(({query})[5h:1m]))", expected)]
    )
    assert not failures, failures


def test_two_hundred_kpis_need_one_query_and_few_overrides() -> None:
    site = Site(full(kpis=[kpi(f"kpi_{number}") for number in range(200)]))
    panel = json_of(kpi_tiles(site, HEADER, Selection()))
    assert len(panel["targets"]) == 1
    assert len(panel["targets"][0]["expr"]) < 8000
    assert len(panel["fieldConfig"]["overrides"]) <= 12
