"""Every key and value of every dashboard is one that Grafana 11, 12 and 13 know, or ignore in a way that is listed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from dashboards.grafana_model import PLUGIN_VERSION, SCHEMA_VERSION
from tests.dashboards.checks.boards import panels_of
from tests.dashboards.checks.grafana_versions import VersionCheck, grafana_facts
from tests.dashboards.generated import CONFIGS, Json, dashboards

DEMO = Path(__file__).resolve().parents[2] / "dashboards/generated/grafana/dashboards"
VERSIONS = tuple(grafana_facts().packages)
OLDEST, NEWEST = VERSIONS[0], VERSIONS[-1]

every_version = pytest.mark.parametrize("version", VERSIONS)


def boards() -> Iterator[tuple[str, Json]]:
    """All dashboards of the demo and of the sample configs, with their names."""
    for path in sorted(DEMO.glob("*/*.json")):
        yield f"demo {path.stem}", json.loads(path.read_text(encoding="utf-8"))
    for name in CONFIGS:
        for uid, board in dashboards(name).items():
            yield f"{name} {uid}", board


@cache
def unknown(version: str) -> dict[str, str]:
    """Facts that the version does not know, each with a dashboard that has it."""
    check = VersionCheck(grafana_facts(), version)
    return {fact: name for name, board in boards() for fact in check.dashboard(board)}


def test_the_versions_are_of_grafana_11_12_and_13() -> None:
    assert {version.split(".")[0] for version in VERSIONS} == {"11", "12", "13"}
    assert len(list(boards())) > 40


@every_version
def test_a_version_knows_every_key_and_value_except_for_those_that_are_listed(version: str) -> None:
    ignored = grafana_facts().ignored(version)
    assert {fact: name for fact, name in unknown(version).items() if fact not in ignored} == {}


@every_version
def test_every_listed_fact_is_still_generated_and_still_unknown(version: str) -> None:
    assert grafana_facts().ignored(version) <= set(unknown(version))


def test_the_list_says_what_one_sees_instead() -> None:
    for fact, entry in grafana_facts().shown.items():
        assert entry["seen"], fact
        assert set(entry["without"]) == set(VERSIONS) - set(grafana_facts().only[fact])


def test_what_only_some_versions_know_is_among_what_is_known() -> None:
    facts = grafana_facts()
    for fact in facts.only:
        section, _, rest = fact.partition(" ")
        path, _, value = rest.partition("=")
        values = facts.known[section][path]
        assert not value or value in map(str, values), fact


def test_the_schema_version_is_the_newest_and_the_plugin_version_one_of_those_checked() -> None:
    versions = grafana_facts().schema_versions
    assert set(versions) == set(VERSIONS)
    assert max(versions.values()) == versions[NEWEST] == SCHEMA_VERSION
    assert PLUGIN_VERSION.rsplit(".", 1)[0] in VERSIONS


def overview() -> Json:
    """A copy of a dashboard."""
    copy: Json = json.loads(json.dumps(dashboards("full")["kpi-overview"]))
    return copy


def of_type(board: Json, kind: str) -> Any:
    """Its first panel of a type."""
    return next(panel for panel in panels_of(board) if panel["type"] == kind)


def defaults(board: Json, kind: str = "table") -> Any:
    return of_type(board, kind)["fieldConfig"]["defaults"]


def override(board: Json, id_: str, value: object) -> None:
    """Adds an override of one property to the first table."""
    added = {"matcher": {"id": "byName", "options": "x"}, "properties": [{"id": id_, "value": value}]}
    of_type(board, "table")["fieldConfig"]["overrides"].append(added)


CORRUPTIONS: dict[str, Callable[[Json], object]] = {
    "dashboard style": lambda b: b.update(style="dark"),
    "dashboard editable=no": lambda b: b.update(editable="no"),
    "dashboard timepicker.hide": lambda b: b["timepicker"].update(hide=True),
    "link newTab": lambda b: b["links"][0].update(newTab=True),
    "link type=page": lambda b: b["links"][0].update(type="page"),
    "variable multiple": lambda b: b["templating"]["list"].append({"name": "x", "multiple": True}),
    "annotation expr": lambda b: b["annotations"]["list"].append({"name": "x", "expr": "up"}),
    "panel span": lambda b: of_type(b, "stat").update(span=4),
    "row repeatBy": lambda b: b["panels"].append({"type": "row", "repeatBy": "team", "panels": []}),
    "stat.options spark": lambda b: of_type(b, "stat")["options"].update(spark=True),
    "stat.options colorMode=vivid": lambda b: of_type(b, "stat")["options"].update(colorMode="vivid"),
    "stat.options wideLayout=1": lambda b: of_type(b, "stat")["options"].update(wideLayout=1),
    "stat.options text.size": lambda b: of_type(b, "stat")["options"].update(text={"size": 12}),
    "names reducers=newest": lambda b: of_type(b, "stat")["options"]["reduceOptions"].update(calcs=["newest"]),
    "names transformations=smooth": lambda b: of_type(b, "table")["transformations"].append({"id": "smooth"}),
    "names matchers=byTitle": lambda b: of_type(b, "table")["fieldConfig"]["overrides"].append(
        {"matcher": {"id": "byTitle"}, "properties": []}
    ),
    "names color_modes=gradient": lambda b: defaults(b)["color"].update(mode="gradient"),
    "field thresholds.mode=relative": lambda b: defaults(b)["thresholds"].update(mode="relative"),
    "field noData": lambda b: defaults(b).update(noData="-"),
    "field decimals=two": lambda b: override(b, "decimals", "two"),
    "field colour": lambda b: override(b, "colour", "red"),
    "table.custom wrap": lambda b: override(b, "custom.wrap", True),
    "table.custom align=middle": lambda b: override(b, "custom.align", "middle"),
    "table.custom hideFrom.all": lambda b: override(b, "custom.hideFrom.all", True),
    "table.custom cellOptions.type=badge": lambda b: override(b, "custom.cellOptions", {"type": "badge"}),
    "cell.sparkline lineColour": lambda b: override(
        b, "custom.cellOptions", {"type": "sparkline", "lineColour": "red"}
    ),
    "graph.options": lambda b: of_type(b, "stat").update(type="graph"),
}  # fmt: skip


@pytest.mark.parametrize("fact", CORRUPTIONS)
def test_an_unknown_key_value_or_name_is_reported(fact: str) -> None:
    board = overview()
    assert [f for f in VersionCheck(grafana_facts(), NEWEST).dashboard(board) if f.startswith(fact)] == []
    CORRUPTIONS[fact](board)
    reported = list(VersionCheck(grafana_facts(), NEWEST).dashboard(board))
    assert any(entry.startswith(fact) for entry in reported), reported


def test_what_came_later_is_reported_for_the_older_version_only() -> None:
    board = overview()
    of_type(board, "table")["options"]["frozenColumns"] = {"left": 1}
    fact = "table.options frozenColumns.left"
    assert fact in set(VersionCheck(grafana_facts(), OLDEST).dashboard(board))
    assert fact not in set(VersionCheck(grafana_facts(), NEWEST).dashboard(board))


def test_what_has_gone_is_reported_for_the_newer_version_only() -> None:
    board = overview()
    of_type(board, "table")["options"]["footer"] = {"show": True}
    fact = "table.options footer.show"
    assert fact not in set(VersionCheck(grafana_facts(), OLDEST).dashboard(board))
    assert fact in set(VersionCheck(grafana_facts(), NEWEST).dashboard(board))
