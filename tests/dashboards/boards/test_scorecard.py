"""The scorecard's queries as Prometheus answers them, and its transformations and columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dashboards.boards.scorecard import (
    bullet_column,
    kpi_column,
    number_text_column,
    percent_column,
    score_queries,
    scorecard,
    status_column,
    table_height,
    text_column,
    trend_column,
)
from dashboards.grafana_model import to_json
from dashboards.panels import Header
from dashboards.promql import equals
from dashboards.selection import Selection
from dashboards.site import Site
from exporter import naming
from exporter.config.fields import Scope, Status
from exporter.naming import scoped
from tests.dashboards.example_series import Series, query_failures, series
from tests.dashboards.samples import kpi, metric, small
from tests.dashboards.selectors import with_variables

INFO = {"period": "month", "better": "higher", "objective": "grow", "owner": "me", "unit": "count"}
SITE = Site(small(kpis=[kpi("a", scopes=["company", "team", "person"])]))


def states(statuses: dict[str, str], pace: dict[str, float]) -> Series:
    """KPIs with these statuses and ratios to plan, from two exporters."""
    kpi_series: Series = {}
    for name, current in statuses.items():
        kpi_series |= series(naming.INFO, 1, kpi=name, title=name.upper(), department="Sales", **INFO)
        for status in Status:
            kpi_series |= series(naming.STATUS, float(status == current), kpi=name, status=status.value)
        if name in pace:
            kpi_series |= series(naming.PACE_RATIO, pace[name], kpi=name)
    return kpi_series


def query(ref: str, selection: Selection = Selection(), key: str = "kpi") -> str:  # noqa: B008  # immutable
    (found,) = score_queries(SITE, selection, key, ref)
    return with_variables(str(found.expr))


def table() -> dict[str, Any]:
    columns = [
        *kpi_column(), status_column(SITE), number_text_column("v", "Value"), percent_column(), bullet_column(),
        trend_column(), text_column("department", "Department"),
    ]  # fmt: skip
    panel = scorecard(Header(1, "All", "All KPIs."), "kpi", score_queries(SITE, Selection(), "kpi"), columns)
    content: dict[str, Any] = to_json(panel)
    return content


def test_the_worst_verdict_comes_first_within_it_the_furthest_behind_and_no_data_last(tmp_path: Path) -> None:
    statuses = {"a": "no_data", "b": "on_track", "c": "off_track", "d": "off_track", "e": "at_risk", "f": "too_early"}
    kpi_series = states(statuses, {"b": 1, "c": 0.84, "d": 0.63, "e": 2.1, "f": -0.5})
    ranks = {"a": 9, "b": 3.1, "c": 1.084, "d": 1.063, "e": 2.21, "f": 5}
    labels = 'title="{}",department="Sales",objective="grow"'
    expected = [
        {f'{{kpi="{name}",status="{statuses[name]}",{labels.format(name.upper())}}}': str(rank)}
        for name, rank in ranks.items()
    ]
    failures = query_failures(tmp_path, kpi_series, [(query("S"), expected)])
    assert not failures, failures


def test_a_kpi_has_one_row_while_exporters_disagree_and_the_worse_status_counts(tmp_path: Path) -> None:
    kpi_series = states({"a": "on_track"}, {"a": 1})
    for name in kpi_series:
        if 'status="at_risk"' in name and 'instance="b' in name:
            kpi_series[name] = "1x300"
    expected = [{'{kpi="a",status="at_risk",title="A",department="Sales",objective="grow"}': "2.1"}]
    failures = query_failures(tmp_path, kpi_series, [(query("S"), expected)])
    assert not failures, failures


def test_the_ratio_to_plan_is_never_below_zero(tmp_path: Path) -> None:
    kpi_series = states({"a": "off_track", "b": "off_track"}, {"a": -3})
    kpi_series |= series(naming.TARGET_RATIO, 0.5, kpi="b")
    failures = query_failures(tmp_path, kpi_series, [(query("P"), [{'{kpi="a"}': "0"}, {'{kpi="b"}': "0.5"}])])
    assert not failures, failures


def test_a_selection_of_the_worst_of_a_department_keeps_the_same_rows_in_every_query(tmp_path: Path) -> None:
    kpi_series = states({"a": "on_track", "b": "off_track", "c": "at_risk"}, {"a": 1, "b": 0.5, "c": 0.9})
    for family in (naming.VALUE, naming.TARGET):
        for name in "abc":
            kpi_series |= series(family, 7, kpi=name)
    worst = Selection(where=(equals("department", "Sales"),), worst=2)
    both = [{'{kpi="b"}': "1"}, {'{kpi="c"}': "1"}]
    queries = [(f"count by (kpi) ({query(ref, worst)})", both) for ref in "SPVTF"]
    elsewhere = Selection(where=(equals("department", "Service"),))
    queries += [(query(ref, elsewhere), []) for ref in "SPVTF"]
    failures = query_failures(tmp_path, kpi_series, queries)
    assert not failures, failures


def test_texts_of_a_department_are_scaled_as_those_of_the_company(tmp_path: Path) -> None:
    site = Site(small(metrics=[metric("won", unit="currency")], kpis=[kpi("a", unit="currency")]))
    kpi_series = {name.replace('"count"', '"currency"'): v for name, v in states({"a": "on_track"}, {"a": 1}).items()}
    kpi_series |= series(naming.VALUE, 1_278_000, kpi="a")
    (text,) = score_queries(site, Selection(where=(equals("department", "Sales"),)), "kpi", "V")
    failures = query_failures(tmp_path, kpi_series, [(text.expr, [{'{kpi="a",v="CHF 1.28M"}': "1"}])])
    assert not failures, failures


def test_trends_leave_out_the_time_before_there_was_a_verdict(tmp_path: Path) -> None:
    kpi_series = states({"a": "too_early", "b": "on_track"}, {"a": 9, "b": 1})
    failures = query_failures(tmp_path, kpi_series, [(query("F"), [{'{kpi="b"}': "1"}])])
    assert not failures, failures


def test_a_text_of_digits_is_shown_unchanged() -> None:
    for override in table()["fieldConfig"]["overrides"]:
        if override["matcher"]["options"] in ("KPI", "Value", "Target", "Department"):
            assert {"id": "unit", "value": "string"} in override["properties"]


def test_no_decimals_flatten_a_trend() -> None:
    assert "decimals" not in table()["fieldConfig"]["defaults"]


def test_people_of_one_kpi_have_one_row_each_with_their_team(tmp_path: Path) -> None:
    identity = {"kpi": "a", "team": "North", "person": "Zoë"}
    kpi_series = states({"a": "on_track"}, {})
    for status in Status:
        kpi_series |= series(
            scoped(naming.STATUS, Scope.PERSON), float(status is Status.AT_RISK), **identity, status=status.value
        )
    for family in (naming.PACE_RATIO, naming.VALUE, naming.TARGET):
        kpi_series |= series(scoped(family, Scope.PERSON), 2, **identity)
    people = Selection(Scope.PERSON, (equals("kpi", "a"),))
    row = 'kpi="a",team="North",person="Zoë",status="at_risk",title="A",department="Sales",objective="grow"'
    queries: list[tuple[str, list[Series]]] = [
        (query("S", people, "person"), [{f"{{{row}}}": "2.2"}]),
        (query("P", people, "person"), [{'{person="Zoë"}': "2"}]),
        (query("V", people, "person"), [{'{person="Zoë",v="2"}': "1"}]),
        (query("T", people, "person"), [{'{person="Zoë",g="2"}': "1"}]),
        (query("F", people, "person"), [{'{person="Zoë"}': "2"}]),
    ]
    failures = query_failures(tmp_path, kpi_series, queries)
    assert not failures, failures


def test_grafana_joins_the_queries_by_their_key_and_sorts_by_rank() -> None:
    steps = {entry["id"]: entry["options"] for entry in table()["transformations"]}
    assert list(steps) == [
        "timeSeriesTable", "joinByField", "calculateField", "sortBy", "filterFieldsByName", "organize",
    ]  # fmt: skip
    assert steps["joinByField"] == {"byField": "kpi", "mode": "outer"}
    assert steps["sortBy"]["sort"] == [{"field": "Value #S", "desc": False}]
    assert steps["organize"]["renameByName"]["Value #P"] == "\u00a0"


def test_trends_show_thirty_days_whatever_the_time_range() -> None:
    assert (table()["timeFrom"], table()["hideTimeOverride"]) == ("30d", True)
    trend = table()["targets"][-1]
    assert (trend["refId"], trend["interval"], trend["instant"]) == ("F", "6h", False)


def test_only_the_last_column_takes_the_remaining_width() -> None:
    headings = [entry["matcher"]["options"] for entry in table()["fieldConfig"]["overrides"]]
    widths = {
        entry["matcher"]["options"]
        for entry in table()["fieldConfig"]["overrides"]
        if any(prop["id"] == "custom.width" for prop in entry["properties"])
    }
    assert [heading for heading in headings if heading not in widths] == ["kpi", "Department"]


def test_a_column_that_only_a_link_needs_is_hidden_in_every_version() -> None:
    (hidden,) = [o for o in table()["fieldConfig"]["overrides"] if o["matcher"]["options"] == "kpi"]
    assert {"id": "custom.hideFrom.viz", "value": True} in hidden["properties"]
    assert {"id": "custom.hidden", "value": True} in hidden["properties"]


def test_a_status_is_a_pill_with_symbol_word_and_colour() -> None:
    (status,) = [o for o in table()["fieldConfig"]["overrides"] if o["matcher"]["options"] == "Status"]
    properties = {prop["id"]: prop["value"] for prop in status["properties"]}
    texts = properties["mappings"][0]["options"]
    assert properties["custom.cellOptions"] == {"type": "pill"}
    assert texts["off_track"]["text"] == "▼ off track"
    assert texts["▼ off track"]["color"] == texts["off_track"]["color"]
    assert len(texts) == 2 * len(Status)


def test_no_cell_without_a_number_is_coloured() -> None:
    for override in table()["fieldConfig"]["overrides"]:
        ids = {prop["id"] for prop in override["properties"]}
        assert "thresholds" not in ids
        assert {"type": "color-background", "mode": "basic"} not in [p["value"] for p in override["properties"]]


@pytest.mark.parametrize(("rows", "height"), [(0, 4), (1, 4), (12, 16), (15, 20)])
def test_the_height_follows_the_rows(rows: int, height: int) -> None:
    assert table_height(rows) == height


def test_a_department_with_a_hostile_name_is_matched_exactly() -> None:
    site = Site(small(kpis=[kpi("deals")]))
    selection = Selection(where=(equals("department", '"} or vector(1) #'),))
    for found in score_queries(site, selection, "kpi"):
        assert r"\"} or vector(1) #" in found.expr
