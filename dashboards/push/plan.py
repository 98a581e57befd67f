"""Sending dashboards, folders and alert rules to a Grafana that runs, and removing what was sent once and is gone.

What was sent is known by a tag on dashboards and a label on alert rules. Anything else in Grafana is left alone:
a dashboard or rule that has our uid but not our mark stops the push before it changes anything.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from dashboards.defaults import Site
from dashboards.documents import json_text
from dashboards.generate import boards
from dashboards.provisioning import folder_title, folder_uid
from dashboards.push.api import GrafanaApi, Json, PushError
from dashboards.rules.alerting import alert_groups
from dashboards.rules.grafana import MADE_BY, rule_groups

TAG = "made-by-kpi-exporter"
_ASSIGNED = ("id", "version")
"""What Grafana sets itself in a dashboard."""

Action = Literal["create", "update", "delete"]
Kind = Literal["folder", "dashboard", "alert rule"]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to do in Grafana."""

    action: Action
    kind: Kind
    uid: str
    title: str
    folder: str = ""
    before: Json | None = None
    after: Json | None = None

    def difference(self) -> str:
        """A unified diff of what Grafana has and what it will have."""
        before, after = (
            json_text(side).splitlines(keepends=True) if side else [] for side in (self.before, self.after)
        )
        return "".join(difflib.unified_diff(before, after, f"grafana/{self.uid}", f"generated/{self.uid}", n=2))


def plan(api: GrafanaApi, site: Site) -> list[Change]:
    """What has to be done, in order. Raises PushError where that would touch what is not ours."""
    if api.data_source(site.datasource) is None:
        raise PushError(f"Grafana has no data source {site.datasource}: name yours with --datasource-uid")
    return [*_folders(api, site), *_dashboards(api, site), *_alert_rules(api, site)]


def apply(api: GrafanaApi, changes: Iterable[Change]) -> Iterator[Change]:
    """Does the changes one after the other, giving each once it is done."""
    for change in changes:
        _apply(api, change)
        yield change


def _apply(api: GrafanaApi, change: Change) -> None:
    content = change.after or {}
    if change.kind == "folder":
        (api.make_folder if change.action == "create" else api.rename_folder)(change.uid, change.title)
    elif change.kind == "dashboard":
        if change.action == "delete":
            api.delete_dashboard(change.uid)
        else:
            api.save_dashboard(content, change.folder)
    elif change.action == "delete":
        api.delete_alert_rule(change.uid)
    else:
        api.save_alert_rule(content, exists=change.action == "update")


def _folders(api: GrafanaApi, site: Site) -> Iterator[Change]:
    kinds = list(dict.fromkeys(board.folder for board in boards(site)))
    titles = [folder_title(site.config, kind) for kind in kinds]
    if site.grafana_alerts:
        titles.append(alert_folder(site))
    for title in titles:
        uid = folder_uid(title)
        found = api.folder(uid)
        if found is None:
            yield Change("create", "folder", uid, title)
        elif found.get("title") != title:
            yield Change("update", "folder", uid, title, before={"title": found.get("title")}, after={"title": title})


def alert_folder(site: Site) -> str:
    """The folder of alert rules."""
    return f"{site.config.dashboards.folder} alerts"


def _dashboards(api: GrafanaApi, site: Site) -> Iterator[Change]:
    current = set()
    for board in boards(site):
        content = board.json
        content["tags"] = [*content["tags"], TAG]
        uid, folder = content["uid"], folder_uid(folder_title(site.config, board.folder))
        current.add(uid)
        found = api.dashboard(uid)
        if found is None:
            yield Change("create", "dashboard", uid, content["title"], folder, None, content)
            continue
        before = {key: value for key, value in found["dashboard"].items() if key not in _ASSIGNED}
        _require_ours(found, before)
        if before != content or found["meta"].get("folderUid") != folder:
            yield Change("update", "dashboard", uid, content["title"], folder, before, content)
    for entry in api.dashboards(TAG):
        if entry["uid"] not in current:
            yield Change("delete", "dashboard", entry["uid"], entry.get("title", ""))


def _require_ours(found: Json, dashboard: Json) -> None:
    name = f"the dashboard {dashboard.get('title')!r} ({dashboard.get('uid')})"
    if found["meta"].get("provisioned"):
        raise PushError(f"{name} comes from files of that Grafana: change those instead")
    if TAG not in dashboard.get("tags", ()):
        raise PushError(f"{name} is not ours: it lacks the tag {TAG}. Delete it, or add the tag to let us replace it")


def _alert_rules(api: GrafanaApi, site: Site) -> Iterator[Change]:
    wanted = {rule["uid"]: rule for rule in api_rules(site)} if site.grafana_alerts else {}
    existing = {rule["uid"]: rule for rule in api.alert_rules()}
    for uid, rule in wanted.items():
        found = existing.get(uid)
        if found is None:
            yield Change("create", "alert rule", uid, rule["title"], after=rule)
            continue
        if not _is_ours(found):
            raise PushError(f"the alert rule {uid} is not ours: it lacks the label {_mark()}")
        before = {key: found.get(key) for key in rule}
        if before != rule:
            yield Change("update", "alert rule", uid, rule["title"], before=before, after=rule)
    for uid, found in existing.items():
        if uid not in wanted and _is_ours(found):
            yield Change("delete", "alert rule", uid, found.get("title", ""))


def _is_ours(rule: Json) -> bool:
    return MADE_BY.items() <= (rule.get("labels") or {}).items()


def _mark() -> str:
    return ", ".join(f"{name}={value}" for name, value in MADE_BY.items())


def api_rules(site: Site) -> Iterator[Json]:
    """The alert rules as the API has them: no groups around them, and `$` written once."""
    folder = folder_uid(alert_folder(site))
    for group in rule_groups(site, alert_groups(site.config)):
        for rule in group["rules"]:
            place = {"folderUID": folder, "ruleGroup": group["name"], "orgID": 1}
            labels = {name: value.replace("$$", "$") for name, value in rule["labels"].items()}
            renamed = {"keep_firing_for": rule["keepFiringFor"], "labels": labels}
            files_only = ("keepFiringFor", "dashboardUid", "panelId")
            kept = {key: value for key, value in rule.items() if key not in files_only}
            yield {**kept, **renamed, **place}
