"""Compares generated dashboards, folders and alert rules with those in a running Grafana, and makes the changes.

A tag on dashboards and a label on alert rules mark what was pushed. Everything else in Grafana is left alone: a
dashboard or rule that has a generated uid but not the mark stops the push before it changes anything.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from dashboards.encoding import Json, json_text
from dashboards.generate import dashboard_files
from dashboards.push.api import GrafanaApi, PushError
from dashboards.rules.grafana import GENERATED_LABEL, rule_groups
from dashboards.rules.groups import alert_groups
from dashboards.site import ALERTS_FOLDER, Site, folder_title, folder_uid

PUSHED_TAG = "made-by-kpi-exporter"
_ASSIGNED_KEYS = ("id", "version")
"""Keys of a dashboard that Grafana sets."""
_FILE_KEYS = ("keepFiringFor", "dashboardUid", "panelId")
"""Keys of a rule in provisioning files that the API does not have."""
_QUERY_DEFAULTS: Mapping[str, object] = MappingProxyType({"queryType": ""})
"""What Grafana adds to each query of a stored rule."""
_MODEL_DEFAULTS: Mapping[str, object] = MappingProxyType({"intervalMs": 1000, "maxDataPoints": 43200})
"""What Grafana adds to the `model` of a query or expression that does not set it."""

Action = Literal["create", "update", "delete"]
GrafanaKind = Literal["folder", "dashboard", "alert rule"]


@dataclass(frozen=True, slots=True)
class Change:
    """One change to make in Grafana."""

    action: Action
    kind: GrafanaKind
    uid: str
    title: str
    folder: str = ""
    before: Json | None = None
    after: Json | None = None

    def difference(self) -> str:
        """A unified diff from the object in Grafana to the generated one."""
        before, after = (
            json_text(content).splitlines(keepends=True) if content else [] for content in (self.before, self.after)
        )
        return "".join(difflib.unified_diff(before, after, f"grafana/{self.uid}", f"generated/{self.uid}", n=2))


def plan(api: GrafanaApi, site: Site) -> list[Change]:
    """The changes to make, in order. Raises PushError if one would affect an object that was not pushed."""
    if api.data_source(site.datasource) is None:
        raise PushError(f"Grafana has no data source {site.datasource}: name yours with --datasource-uid")
    return [*_folders(api, site), *_dashboards(api, site), *_alert_rules(api, site)]


def apply(api: GrafanaApi, changes: Iterable[Change]) -> Iterator[Change]:
    """Makes the changes one after the other. Yields each after it is made."""
    for change in changes:
        content = change.after or {}
        if change.kind == "folder":
            (api.create_folder if change.action == "create" else api.rename_folder)(change.uid, change.title)
        elif change.kind == "dashboard":
            if change.action == "delete":
                api.delete_dashboard(change.uid)
            else:
                api.save_dashboard(content, change.folder)
        elif change.action == "delete":
            api.delete_alert_rule(change.uid)
        else:
            api.save_alert_rule(content, exists=change.action == "update")
        yield change


def _folders(api: GrafanaApi, site: Site) -> Iterator[Change]:
    kinds = list(dict.fromkeys(board.folder for board in dashboard_files(site)))
    if site.grafana_alerts:
        kinds.append(ALERTS_FOLDER)
    for kind in kinds:
        title = folder_title(site.config, kind)
        uid = folder_uid(title)
        folder = api.folder(uid)
        if folder is None:
            yield Change("create", "folder", uid, title)
        elif folder.get("title") != title:
            yield Change("update", "folder", uid, title, before={"title": folder.get("title")}, after={"title": title})


def _dashboards(api: GrafanaApi, site: Site) -> Iterator[Change]:
    generated = set()
    for board in dashboard_files(site):
        content = board.json
        content["tags"] = [*content["tags"], PUSHED_TAG]
        uid, folder = content["uid"], folder_uid(folder_title(site.config, board.folder))
        generated.add(uid)
        existing = api.dashboard(uid)
        if existing is None:
            yield Change("create", "dashboard", uid, content["title"], folder, None, content)
            continue
        before = {key: value for key, value in existing["dashboard"].items() if key not in _ASSIGNED_KEYS}
        _require_pushed(existing["meta"], before)
        if before != content or existing["meta"].get("folderUid") != folder:
            yield Change("update", "dashboard", uid, content["title"], folder, before, content)
    for entry in api.dashboards(PUSHED_TAG):
        if entry["uid"] not in generated:
            yield Change("delete", "dashboard", entry["uid"], entry.get("title", ""))


def _require_pushed(meta: Json, dashboard: Json) -> None:
    name = f"the dashboard {dashboard.get('title')!r} ({dashboard.get('uid')})"
    if meta.get("provisioned"):
        raise PushError(f"{name} is provisioned from files of that Grafana: change the files instead")
    if PUSHED_TAG not in dashboard.get("tags", ()):
        raise PushError(
            f"{name} was not pushed: it lacks the tag {PUSHED_TAG}. Delete it, or add the tag to replace it"
        )


def _alert_rules(api: GrafanaApi, site: Site) -> Iterator[Change]:
    generated = {rule["uid"]: rule for rule in api_rules(site)} if site.grafana_alerts else {}
    existing = {rule["uid"]: rule for rule in api.alert_rules()}
    for uid, rule in generated.items():
        current = existing.get(uid)
        if current is None:
            yield Change("create", "alert rule", uid, rule["title"], after=rule)
            continue
        if not _was_pushed(current):
            label = ", ".join(f"{name}={value}" for name, value in GENERATED_LABEL.items())
            raise PushError(f"the alert rule {uid} was not pushed: it lacks the label {label}")
        before = {key: current.get(key) for key in rule}
        if _with_defaults(before) != _with_defaults(rule):
            yield Change("update", "alert rule", uid, rule["title"], before=before, after=rule)
    for uid, rule in existing.items():
        if uid not in generated and _was_pushed(rule):
            yield Change("delete", "alert rule", uid, rule.get("title", ""))


def _with_defaults(rule: Json) -> Json:
    """The rule with what Grafana adds when it stores it, so that a stored and a generated rule can be compared."""
    data = [
        {**_QUERY_DEFAULTS, **query, "model": {**_MODEL_DEFAULTS, **query["model"]}} for query in rule["data"] or ()
    ]
    return {**rule, "data": data}


def _was_pushed(rule: Json) -> bool:
    return GENERATED_LABEL.items() <= (rule.get("labels") or {}).items()


def api_rules(site: Site) -> Iterator[Json]:
    """The alert rules as the API has them: without surrounding groups, and with `$` unescaped in labels."""
    folder = folder_uid(folder_title(site.config, ALERTS_FOLDER))
    for group in rule_groups(site, alert_groups(site.config)):
        for rule in group["rules"]:
            yield {
                **{key: value for key, value in rule.items() if key not in _FILE_KEYS},
                "keep_firing_for": rule["keepFiringFor"],
                "labels": {name: value.replace("$$", "$") for name, value in rule["labels"].items()},
                "folderUID": folder,
                "ruleGroup": group["name"],
                "orgID": 1,
            }
