"""The validation of generated files finds everything that would prevent Grafana or Prometheus from starting."""

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
Corruption = Callable[[Any], object]


@cache
def valid_files() -> dict[str, str]:
    return files_of(full())


def problems_after(path: str, corrupt: Corruption) -> list[str]:
    """The problems after a file's content was changed."""
    is_json = path.endswith(".json")
    content = json.loads(valid_files()[path]) if is_json else yaml.safe_load(valid_files()[path])
    corrupt(content)
    text = json.dumps(content) if is_json else yaml.safe_dump(content)
    return list(problems({**valid_files(), path: text}))


def rule(content: Json) -> Json:
    first: Json = content["groups"][0]["rules"][0]
    return first


def tree(content: Json) -> Json:
    policies: Json = content["policies"][0]
    return policies


ALERTING_CORRUPTIONS: dict[str, Corruption] = {
    "title is missing": lambda c: rule(c).pop("title"),
    "title is empty": lambda c: rule(c).update(title=""),
    "the title is too long": lambda c: rule(c).update(title="x" * 191),
    "rule title 'again' occurs twice": lambda c: [r.update(title="again") for r in c["groups"][0]["rules"]],
    "uid is missing": lambda c: rule(c).pop("uid"),
    "is not 1 to 40 of": lambda c: rule(c).update(uid="with blank"),
    "rule uid 'again' occurs twice": lambda c: [r.update(uid="again") for r in c["groups"][0]["rules"]],
    "for is not a duration": lambda c: rule(c).update({"for": "soon"}),
    "for is missing": lambda c: rule(c).pop("for"),
    "unknown key grafana_alert": lambda c: rule(c).update(grafana_alert={}),
    "noDataState or execErrState": lambda c: rule(c).update(noDataState="No Data"),
    "no panel 99 on dashboard kpi-detail": lambda c: rule(c).update(panelId=99),
    "no panel 10 on dashboard nowhere": lambda c: rule(c).update(dashboardUid="nowhere"),
    "belong together": lambda c: rule(c)["annotations"].pop("__panelId__"),
    "an annotation contains a variable": lambda c: rule(c)["annotations"].update(summary="${HOME}"),
    "'$HOME' contains a variable": lambda c: rule(c)["labels"].update(owner="$HOME"),
    "priority is not a string": lambda c: rule(c)["labels"].update(priority=1),
    "no data source gone": lambda c: rule(c)["data"][0].update(datasourceUid="gone"),
    "no expression": lambda c: rule(c)["data"][0]["model"].update(expr=""),
    "is not two integers": lambda c: rule(c)["data"][0].update(relativeTimeRange={"from": "1m", "to": 0}),
    "no query X before it": lambda c: rule(c)["data"][1]["model"].update(expression="$X > 1"),
    "the condition Z is not among": lambda c: rule(c).update(condition="Z"),
    "interval is not a multiple of 10s": lambda c: c["groups"][0].update(interval="15s"),
    "must not contain / or _": lambda c: c["groups"][0].update(folder="a/b"),
    "the name is too long": lambda c: c["groups"][0].update(name="x" * 191),
    "is both created and deleted": lambda c: c.update(deleteRules=[{"orgId": 1, "uid": rule(c)["uid"]}]),
    "contact point 'same' occurs twice": lambda c: [p.update(name="same") for p in c["contactPoints"]],
    "type email without its addresses": lambda c: c["contactPoints"][0]["receivers"][0].update(settings={"x": 1}),
    "type pigeon without its settings": lambda c: c["contactPoints"][0]["receivers"][0].update(type="pigeon"),
    "no contact point gone": lambda c: tree(c).update(receiver="gone"),
    "no such contact point": lambda c: tree(c)["routes"][1].update(receiver="gone"),
    "no mute timing gone": lambda c: tree(c)["routes"][1].update(mute_time_intervals=["gone"]),
    "a matcher is not three strings": lambda c: tree(c)["routes"][1].update(object_matchers=[["a", "="]]),
    "an interval is zero": lambda c: tree(c).update(group_interval="0s"),
    "mute timing 'same' occurs twice": lambda c: [t.update(name="same") for t in c["muteTimes"]],
    "unknown key days": lambda c: c["muteTimes"][0]["time_intervals"].append({"days": ["monday"]}),
    "unknown key folders": lambda c: c.update(folders=[]),
    "orgId is str": lambda c: c["groups"][0].update(orgId="1"),
    "not a mapping": lambda c: c["muteTimes"][0].update(time_intervals=["x"]),
}  # fmt: skip


@pytest.mark.parametrize("message", ALERTING_CORRUPTIONS)
def test_problems_of_the_alerting_file(message: str) -> None:
    reported = problems_after(ALERTING, ALERTING_CORRUPTIONS[message])
    assert any(message in problem for problem in reported), reported


def panel(content: Json) -> Json:
    first: Json = content["panels"][0]
    return first


BOARD_CORRUPTIONS: dict[str, Corruption] = {
    "no title": lambda c: c.update(title=""),
    "is not 1 to 40 of": lambda c: c.update(uid="a b"),
    "panel id 3 occurs twice": lambda c: panel(c).update(id=3),
    "unknown type graph": lambda c: panel(c).update(type="graph"),
    "not on the grid": lambda c: panel(c)["gridPos"].update(x=20),
    "overlap": lambda c: panel(c)["gridPos"].update(w=12),
    "without description, unit or noValue": lambda c: panel(c).update(description=""),
    "has no queries": lambda c: panel(c).update(targets=[]),
    "query 'A' occurs twice": lambda c: panel(c)["targets"].append(panel(c)["targets"][0]),
    "without expression or data source": lambda c: panel(c)["targets"][0].update(datasource="Prometheus"),
    "$team is not a variable": lambda c: panel(c)["targets"][0].update(expr='up{team="$team"}'),
    "$person is not a variable": lambda c: panel(c)["targets"][0].update(expr="up{p=`${person:raw}`}"),
    "unknown transformation smooth": lambda c: panel(c).update(transformations=[{"id": "smooth"}]),
    "decimals is null": lambda c: panel(c)["fieldConfig"]["defaults"].update(decimals=None),
    "a link to kpi-gone, which does not exist": lambda c: panel(c).update(links=[{"title": "x", "url": "/d/kpi-gone"}]),
    "sets $team, which kpi-detail does not have": lambda c: panel(c).update(
        links=[{"title": "x", "url": "/d/kpi-detail?var-team=x"}]
    ),
}


@pytest.mark.parametrize("message", BOARD_CORRUPTIONS)
def test_problems_of_a_dashboard(message: str) -> None:
    reported = problems_after(OVERVIEW, BOARD_CORRUPTIONS[message])
    assert any(message in problem for problem in reported), reported


OTHER_CORRUPTIONS: dict[str, tuple[str, Corruption]] = {
    "uid 'kpi-detail' occurs twice": (OVERVIEW, lambda c: c.update(uid="kpi-detail")),
    "title ('grafana/dashboards/kpi', 'Wall')": (OVERVIEW, lambda c: c.update(title="Wall")),
    "two data sources are the default": (SOURCES, lambda c: [d.update(isDefault=True) for d in c["datasources"]]),
    "without a usable uid, url or type": (SOURCES, lambda c: c["datasources"][0].update(url="")),
    "name 'same' occurs twice": (SOURCES, lambda c: [d.update(name="same") for d in c["datasources"]]),
    "or is that of an alert folder": (PROVIDERS, lambda c: c["providers"][0].update(folder="KPI alerts")),
    "without a path": (PROVIDERS, lambda c: c["providers"][0].update(options={})),
    "folderUid 'kpi' occurs twice": (PROVIDERS, lambda c: [p.update(folderUid="kpi") for p in c["providers"]]),
    "group 'kpi-alerts-1' occurs twice": (RULES, lambda c: c["groups"].append(c["groups"][0])),
    "summary is not a closed template": (RULES, lambda c: rule(c)["annotations"].update(summary="{{ $x")),
    "is not a label name": (RULES, lambda c: rule(c)["labels"].update({"a-b": "c"})),
    "keep_firing_for is not a duration": (RULES, lambda c: rule(c).update(keep_firing_for="long")),
    "is not a series name": (RULES, lambda c: c["groups"][0]["rules"].append({"record": "a b", "expr": "1"})),
    "job 'kpi' occurs twice": (PROMETHEUS, lambda c: c["scrape_configs"].append({"job_name": "kpi"})),
    "scrape_interval is not a duration": (PROMETHEUS, lambda c: c["global"].update(scrape_interval="x")),
    "no receiver gone": (ALERTMANAGER, lambda c: c["route"]["routes"][0].update(receiver="gone")),
    "no time interval gone": (ALERTMANAGER, lambda c: c["route"]["routes"][0].update(active_time_intervals=["gone"])),
    "receiver 'same' occurs twice": (ALERTMANAGER, lambda c: [r.update(name="same") for r in c["receivers"]]),
    "unknown key pager_configs": (ALERTMANAGER, lambda c: c["receivers"][0].update(pager_configs=[])),
}  # fmt: skip


@pytest.mark.parametrize("message", OTHER_CORRUPTIONS)
def test_problems_of_other_files(message: str) -> None:
    path, corrupt = OTHER_CORRUPTIONS[message]
    reported = problems_after(path, corrupt)
    assert any(message in problem for problem in reported), reported


@pytest.mark.parametrize("path", [ALERTING, OVERVIEW, RULES])
def test_a_file_that_cannot_be_parsed_is_a_problem(path: str) -> None:
    reported = list(problems({**valid_files(), path: "{ broken: ["}))
    assert any(problem.startswith(path) for problem in reported)


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(InvalidOutputError) as rejected:
        validate({**valid_files(), ALERTING: "[", OVERVIEW: "["})
    assert len(rejected.value.problems) >= 2
    assert "generated files would not load" in str(rejected.value)


def test_an_empty_output_is_a_problem() -> None:
    with pytest.raises(InvalidOutputError, match="nothing was generated"):
        validate({})


def test_valid_files_have_no_problem() -> None:
    validate(valid_files())
