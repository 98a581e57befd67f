"""A push to a running Grafana creates missing objects, updates changed ones and deletes obsolete ones."""

from __future__ import annotations

from contextlib import closing

import httpx
import pytest

from dashboards.push.api import GrafanaApi, PushError
from dashboards.push.plan import PUSHED_TAG, Change, apply, plan
from dashboards.site import Site
from exporter.config.root import Config
from tests.dashboards.push.fake_grafana import TOKEN, FakeGrafana
from tests.dashboards.samples import full, kpi, small

URL = "https://grafana.example.com/sub"


def push(grafana: FakeGrafana, config: Config, token: str = TOKEN, *, dry_run: bool = False) -> list[Change]:
    with closing(GrafanaApi(URL, token, grafana.transport)) as api:
        changes = plan(api, Site(config))
        return changes if dry_run else list(apply(api, changes))


def with_rules(**changes: object) -> Config:
    return small(alerting={"engine": "grafana"}, **changes)


def counts_by_kind(changes: list[Change]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for change in changes:
        key = f"{change.action} {change.kind}"
        counts[key] = counts.get(key, 0) + 1
    return counts


def test_an_empty_grafana_gets_all_objects_with_folders_first() -> None:
    grafana = FakeGrafana()
    changes = push(grafana, full())
    assert counts_by_kind(changes)["create dashboard"] == 12
    assert set(grafana.folders) == {"kpi", "kpi-people", "kpi-alerts"}
    assert grafana.dashboards["kpi-person"]["meta"]["folderUid"] == "kpi-people"
    assert all(PUSHED_TAG in entry["dashboard"]["tags"] for entry in grafana.dashboards.values())
    assert all(rule["folderUID"] == "kpi-alerts" for rule in grafana.rules.values())
    assert len(grafana.rules) > 30
    paths = [line.split()[1] for line in grafana.log]
    assert paths.index("/sub/api/dashboards/db") > max(i for i, path in enumerate(paths) if path == "/sub/api/folders")


def test_the_second_push_changes_nothing() -> None:
    grafana = FakeGrafana()
    push(grafana, full())
    assert push(grafana, full()) == []


def test_keys_that_grafana_adds_to_a_stored_rule_are_no_change() -> None:
    grafana = FakeGrafana()
    push(grafana, with_rules())
    data = next(iter(grafana.rules.values()))["data"]
    (expression,) = [query for query in data if query["datasourceUid"] == "__expr__"]
    assert {query["queryType"] for query in data} == {""}
    assert expression["model"]["intervalMs"] == 1000
    assert expression["model"]["maxDataPoints"] == 43200
    assert push(grafana, with_rules()) == []


@pytest.mark.parametrize(("key", "value"), [("queryType", "range"), ("model", {"expr": "vector(1)"})])
def test_a_query_that_somebody_changed_in_grafana_is_pushed_again(key: str, value: object) -> None:
    grafana = FakeGrafana()
    push(grafana, with_rules())
    uid, rule = next(iter(grafana.rules.items()))
    rule["data"][0][key] = value
    assert [(change.action, change.uid) for change in push(grafana, with_rules())] == [("update", uid)]
    assert push(grafana, with_rules()) == []


def test_a_rule_without_queries_is_pushed_again() -> None:
    grafana = FakeGrafana()
    push(grafana, with_rules())
    uid = next(iter(grafana.rules))
    grafana.rules[uid]["data"] = None
    assert [change.uid for change in push(grafana, with_rules())] == [uid]


def test_a_dry_run_sends_nothing_and_shows_the_difference() -> None:
    grafana = FakeGrafana()
    push(grafana, with_rules())
    grafana.log.clear()
    changes = push(grafana, with_rules(kpis=[kpi("deals", title="Renamed")]), dry_run=True)
    assert grafana.log == []
    changed = {change.uid: change for change in changes}
    diff = changed["kpi-detail"].difference()
    assert '-          "text": "Deals",\n' in diff
    assert '+          "text": "Renamed",\n' in diff
    assert all(change.action == "update" for change in changes)


def test_obsolete_objects_are_deleted() -> None:
    grafana = FakeGrafana()
    push(grafana, with_rules(kpis=[kpi("deals"), kpi("orders", department="Service")]))
    changes = push(grafana, with_rules())
    assert [c.uid for c in changes if c.kind == "dashboard" and c.action == "delete"] == ["kpi-dept-service"]
    assert counts_by_kind(changes)["delete alert rule"] == 5
    assert "kpi-dept-service" not in grafana.dashboards


def test_a_switch_to_prometheus_deletes_only_the_rules() -> None:
    grafana = FakeGrafana()
    push(grafana, with_rules())
    changes = push(grafana, small())
    assert grafana.rules == {}
    assert "kpi-overview" in grafana.dashboards
    assert {change.action for change in changes if change.kind == "alert rule"} == {"delete"}


def test_objects_that_were_not_pushed_are_left_alone() -> None:
    grafana = FakeGrafana()
    grafana.rules["theirs"] = {"uid": "theirs", "title": "Disk full", "labels": {}}
    grafana.rules["bare"] = {"uid": "bare", "title": "No labels", "labels": None}
    grafana.dashboards["theirs"] = {"dashboard": {"uid": "theirs", "title": "T", "tags": []}, "meta": {}}
    push(grafana, with_rules())
    push(grafana, small())
    assert {"theirs", "bare"} == set(grafana.rules)
    assert "theirs" in grafana.dashboards


@pytest.mark.parametrize(
    ("tags", "provisioned", "message"),
    [([], False, "'Mine' .*was not pushed"), ([PUSHED_TAG], True, "is provisioned from files")],
)
def test_a_foreign_dashboard_with_a_generated_uid_stops_the_push(
    tags: list[str], provisioned: bool, message: str
) -> None:
    board = {"uid": "kpi-overview", "title": "Mine", "tags": tags}
    entry = {"dashboard": board, "meta": {"provisioned": provisioned}}
    grafana = FakeGrafana(dashboards={"kpi-overview": entry})
    with pytest.raises(PushError, match=message):
        push(grafana, small())
    assert grafana.log == []


def test_a_foreign_rule_with_a_generated_uid_stops_the_push_before_any_change() -> None:
    grafana = FakeGrafana()
    push(grafana, with_rules())
    uid = next(iter(grafana.rules))
    grafana.rules[uid]["labels"] = {}
    grafana.log.clear()
    with pytest.raises(PushError, match=f"{uid} was not pushed"):
        push(grafana, with_rules())
    assert grafana.log == []


def test_a_rule_has_the_form_of_the_api() -> None:
    grafana = FakeGrafana()
    push(grafana, with_rules(kpis=[kpi("deals", owner="$HOME")]))
    rule = next(rule for rule in grafana.rules.values() if rule["title"] == "KpiOffTrack deals")
    assert rule["labels"]["owner"] == "$HOME"
    assert (rule["ruleGroup"], rule["orgID"], rule["for"], rule["keep_firing_for"]) == ("kpi-alerts-1", 1, "30m", "15m")
    assert not {"dashboardUid", "panelId", "keepFiringFor"} & rule.keys()
    assert rule["annotations"]["__panelId__"] == "10"


def test_a_renamed_folder_is_renamed() -> None:
    grafana = FakeGrafana()
    push(grafana, small())
    grafana.folders["kpi"]["title"] = "Old"
    (change,) = push(grafana, small())
    assert (change.action, change.kind, grafana.folders["kpi"]["title"]) == ("update", "folder", "KPI")


def test_a_dashboard_that_was_moved_is_moved_back() -> None:
    grafana = FakeGrafana()
    push(grafana, small())
    grafana.dashboards["kpi-wall"]["meta"]["folderUid"] = "elsewhere"
    (change,) = push(grafana, small())
    assert (change.uid, change.action) == ("kpi-wall", "update")


def test_a_missing_data_source_is_reported_with_the_option_to_set() -> None:
    with pytest.raises(PushError, match="no data source kpi-prometheus: name yours with --datasource-uid"):
        push(FakeGrafana(sources=set()), small())


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (httpx.Response(403, json={"message": "Access denied"}), "lacks a permission.*403 Access denied"),
        (
            httpx.Response(412, json={"message": "name-exists"}),
            "another object in Grafana has that name.*412 name-exists",
        ),
        (
            httpx.Response(500, text="<html>oops</html>"),
            "rejects the request: GET /api/datasources/uid/.*: 500$",
        ),
        (httpx.Response(500, json=["odd"]), "Grafana rejects the request"),
        (httpx.Response(302, headers={"Location": "https://evil.example.com"}), "redirects to another address"),
        (httpx.Response(200, text="<html>login</html>"), "is not from Grafana's API"),
    ],
)
def test_a_rejection_says_what_to_do(response: httpx.Response, message: str) -> None:
    grafana = FakeGrafana(failure=lambda _: response)
    with pytest.raises(PushError, match=message):
        push(grafana, small())


def test_the_token_is_in_no_message_and_is_sent_to_one_address_only() -> None:
    requests: list[httpx.Request] = []

    def unreachable(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        raise httpx.ConnectError(f"cannot connect with {request.headers['Authorization']}", request=request)

    with pytest.raises(PushError) as rejected:
        push(FakeGrafana(failure=unreachable), small())
    assert TOKEN not in str(rejected.value)
    assert "ConnectError" in str(rejected.value)
    assert [request.url.host for request in requests] == ["grafana.example.com"]


def test_a_wrong_token_is_reported() -> None:
    with pytest.raises(PushError, match="Grafana rejects the token"):
        push(FakeGrafana(), small(), token="wrong")
