"""Whatever would keep Grafana or Prometheus from starting is found before it is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import yaml

from tests.dashboards.checks.validate import InvalidOutputError, problems, validate
from tests.dashboards.samples import files_of, full

ALERTING = "grafana/provisioning/alerting/kpi.yaml"
SOURCES = "grafana/provisioning/datasources/kpi.yaml"
PROVIDERS = "grafana/provisioning/dashboards/kpi.yaml"
OVERVIEW = "grafana/dashboards/kpi/overview.json"
RULES = "prometheus/rules/kpi-alerts.yml"
PROMETHEUS = "prometheus/prometheus.yml"
ALERTMANAGER = "alertmanager/alertmanager.yml"

Json = dict[str, Any]
Spoil = Callable[[Any], object]


@cache
def good() -> dict[str, str]:
    return files_of(full())


def spoilt(path: str, spoil: Spoil) -> list[str]:
    """The problems once a file's content was changed."""
    is_json = path.endswith(".json")
    content = json.loads(good()[path]) if is_json else yaml.safe_load(good()[path])
    spoil(content)
    text = json.dumps(content) if is_json else yaml.safe_dump(content)
    return list(problems({**good(), path: text}))


def rule(content: Json) -> Json:
    found: Json = content["groups"][0]["rules"][0]
    return found


def tree(content: Json) -> Json:
    found: Json = content["policies"][0]
    return found


ALERTING_FAULTS: dict[str, Spoil] = {
    "title is missing": lambda c: rule(c).pop("title"),
    "title is empty": lambda c: rule(c).update(title=""),
    "the title is too long": lambda c: rule(c).update(title="x" * 191),
    "rule title 'again' is there twice": lambda c: [r.update(title="again") for r in c["groups"][0]["rules"]],
    "uid is missing": lambda c: rule(c).pop("uid"),
    "is not 1 to 40 of": lambda c: rule(c).update(uid="with blank"),
    "rule uid 'again' is there twice": lambda c: [r.update(uid="again") for r in c["groups"][0]["rules"]],
    "for is not a duration": lambda c: rule(c).update({"for": "soon"}),
    "for is missing": lambda c: rule(c).pop("for"),
    "unknown key grafana_alert": lambda c: rule(c).update(grafana_alert={}),
    "noDataState or execErrState": lambda c: rule(c).update(noDataState="No Data"),
    "no panel 99 on dashboard kpi-detail": lambda c: rule(c).update(panelId=99),
    "no panel 10 on dashboard nowhere": lambda c: rule(c).update(dashboardUid="nowhere"),
    "go together": lambda c: rule(c)["annotations"].pop("__panelId__"),
    "an annotation holds a variable": lambda c: rule(c)["annotations"].update(summary="${HOME}"),
    "'$HOME' holds a variable": lambda c: rule(c)["labels"].update(owner="$HOME"),
    "priority is not text": lambda c: rule(c)["labels"].update(priority=1),
    "no data source gone": lambda c: rule(c)["data"][0].update(datasourceUid="gone"),
    "no expression": lambda c: rule(c)["data"][0]["model"].update(expr=""),
    "is not two whole numbers": lambda c: rule(c)["data"][0].update(relativeTimeRange={"from": "1m", "to": 0}),
    "X is not asked before it": lambda c: rule(c)["data"][1]["model"].update(expression="$X > 1"),
    "the condition Z is not among": lambda c: rule(c).update(condition="Z"),
    "interval is not a multiple of 10s": lambda c: c["groups"][0].update(interval="15s"),
    "must not hold / or _": lambda c: c["groups"][0].update(folder="a/b"),
    "the name is too long": lambda c: c["groups"][0].update(name="x" * 191),
    "is made and deleted": lambda c: c.update(deleteRules=[{"orgId": 1, "uid": rule(c)["uid"]}]),
    "contact point 'same' is there twice": lambda c: [p.update(name="same") for p in c["contactPoints"]],
    "type email without its addresses": lambda c: c["contactPoints"][0]["receivers"][0].update(settings={"x": 1}),
    "type pigeon without its settings": lambda c: c["contactPoints"][0]["receivers"][0].update(type="pigeon"),
    "no contact point gone": lambda c: tree(c).update(receiver="gone"),
    "there is no such contact point": lambda c: tree(c)["routes"][1].update(receiver="gone"),
    "no mute timing gone": lambda c: tree(c)["routes"][1].update(mute_time_intervals=["gone"]),
    "a matcher is not three texts": lambda c: tree(c)["routes"][1].update(object_matchers=[["a", "="]]),
    "an interval is zero": lambda c: tree(c).update(group_interval="0s"),
    "mute timing 'same' is there twice": lambda c: [t.update(name="same") for t in c["muteTimes"]],
    "unknown key days": lambda c: c["muteTimes"][0]["time_intervals"].append({"days": ["monday"]}),
    "unknown key folders": lambda c: c.update(folders=[]),
    "orgId is str": lambda c: c["groups"][0].update(orgId="1"),
    "not a mapping": lambda c: c["muteTimes"][0].update(time_intervals=["x"]),
}  # fmt: skip


@pytest.mark.parametrize("said", ALERTING_FAULTS)
def test_faults_of_the_alerting_file(said: str) -> None:
    found = spoilt(ALERTING, ALERTING_FAULTS[said])
    assert any(said in problem for problem in found), found


def panel(content: Json) -> Json:
    found: Json = content["panels"][1]
    return found


BOARD_FAULTS: dict[str, Spoil] = {
    "no title": lambda c: c.update(title=""),
    "is not 1 to 40 of": lambda c: c.update(uid="a b"),
    "panel id 3 is there twice": lambda c: panel(c).update(id=3),
    "unknown type graph": lambda c: panel(c).update(type="graph"),
    "not on the grid": lambda c: panel(c)["gridPos"].update(x=20),
    "overlap": lambda c: panel(c)["gridPos"].update(w=12),
    "without description, unit or noValue": lambda c: panel(c).update(description=""),
    "asks nothing": lambda c: panel(c).update(targets=[]),
    "query 'A' is there twice": lambda c: panel(c)["targets"].append(panel(c)["targets"][0]),
    "without expression or data source": lambda c: panel(c)["targets"][0].update(datasource="Prometheus"),
    "$team is no variable": lambda c: panel(c)["targets"][0].update(expr='up{team="$team"}'),
    "$person is no variable": lambda c: panel(c)["targets"][0].update(expr="up{p=`${person:raw}`}"),
    "unknown transformation joinByField": lambda c: panel(c).update(transformations=[{"id": "joinByField"}]),
    "decimals is null": lambda c: panel(c)["fieldConfig"]["defaults"].update(decimals=None),
    "leads to kpi-gone, which does not exist": lambda c: panel(c).update(links=[{"title": "x", "url": "/d/kpi-gone"}]),
    "sets $team, which kpi-detail does not have": lambda c: panel(c).update(
        links=[{"title": "x", "url": "/d/kpi-detail?var-team=x"}]
    ),
}


@pytest.mark.parametrize("said", BOARD_FAULTS)
def test_faults_of_a_dashboard(said: str) -> None:
    found = spoilt(OVERVIEW, BOARD_FAULTS[said])
    assert any(said in problem for problem in found), found


OTHER_FAULTS: dict[str, tuple[str, Spoil]] = {
    "uid 'kpi-detail' is there twice": (OVERVIEW, lambda c: c.update(uid="kpi-detail")),
    "title ('grafana/dashboards/kpi', 'Wall')": (OVERVIEW, lambda c: c.update(title="Wall")),
    "two data sources are the default": (SOURCES, lambda c: [d.update(isDefault=True) for d in c["datasources"]]),
    "without a usable uid, url or type": (SOURCES, lambda c: c["datasources"][0].update(url="")),
    "name 'same' is there twice": (SOURCES, lambda c: [d.update(name="same") for d in c["datasources"]]),
    "or is that of a folder of alerts": (PROVIDERS, lambda c: c["providers"][0].update(folder="KPI alerts")),
    "without a path": (PROVIDERS, lambda c: c["providers"][0].update(options={})),
    "folderUid 'kpi' is there twice": (PROVIDERS, lambda c: [p.update(folderUid="kpi") for p in c["providers"]]),
    "group 'kpi-alerts-1' is there twice": (RULES, lambda c: c["groups"].append(c["groups"][0])),
    "summary is not a closed template": (RULES, lambda c: rule(c)["annotations"].update(summary="{{ $x")),
    "is no name of a label": (RULES, lambda c: rule(c)["labels"].update({"a-b": "c"})),
    "keep_firing_for is not a duration": (RULES, lambda c: rule(c).update(keep_firing_for="long")),
    "is no name of a series": (RULES, lambda c: c["groups"][0]["rules"].append({"record": "a b", "expr": "1"})),
    "job 'kpi' is there twice": (PROMETHEUS, lambda c: c["scrape_configs"].append({"job_name": "kpi"})),
    "scrape_interval is not a duration": (PROMETHEUS, lambda c: c["global"].update(scrape_interval="x")),
    "no receiver gone": (ALERTMANAGER, lambda c: c["route"]["routes"][0].update(receiver="gone")),
    "no time interval gone": (ALERTMANAGER, lambda c: c["route"]["routes"][0].update(active_time_intervals=["gone"])),
    "receiver 'same' is there twice": (ALERTMANAGER, lambda c: [r.update(name="same") for r in c["receivers"]]),
    "unknown key pager_configs": (ALERTMANAGER, lambda c: c["receivers"][0].update(pager_configs=[])),
}  # fmt: skip


@pytest.mark.parametrize("said", OTHER_FAULTS)
def test_faults_of_other_files(said: str) -> None:
    path, spoil = OTHER_FAULTS[said]
    found = spoilt(path, spoil)
    assert any(said in problem for problem in found), found


@pytest.mark.parametrize("path", [ALERTING, OVERVIEW, RULES])
def test_a_file_that_cannot_be_parsed_is_a_fault(path: str) -> None:
    found = list(problems({**good(), path: "{ broken: ["}))
    assert any(problem.startswith(path) for problem in found)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(InvalidOutputError) as refused:
        validate({**good(), ALERTING: "[", OVERVIEW: "["})
    assert len(refused.value.problems) >= 2
    assert "generated files would not load" in str(refused.value)


def test_nothing_generated_is_a_fault_too() -> None:
    with pytest.raises(InvalidOutputError, match="nothing was generated"):
        validate({})


def test_good_files_have_no_fault() -> None:
    validate(good())
