"""Grafana's alerting file. If Grafana rejects it, Grafana does not start."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from dashboards.site import UID
from tests.dashboards.checks.shape import duplicates, duration, duration_problems, key_problems

_SECTIONS = (
    "groups",
    "templates",
    "contactPoints",
    "muteTimes",
    "policies",
    "deleteRules",
    "deleteContactPoints",
    "deleteMuteTimes",
    "deleteTemplates",
)
_NO_DATA, _ON_ERROR = ("NoData", "Alerting", "OK"), ("Error", "Alerting", "OK")
_SETTINGS = {"email": "addresses", "slack": "url", "teams": "url", "webhook": "url"}
_OPERATORS = ("=", "!=", "=~", "!~")
_LONGEST = 190
_BASE_INTERVAL = 10
_EXPANDED = re.compile(r"\$")
_BRACED = re.compile(r"\$(__\w+)?\{")
_SPAN_KEYS = ("times", "weekdays", "days_of_month", "months", "years", "location")
_RULE: dict[str, type | tuple[type, ...]] = {
    "uid": str,
    "title": str,
    "condition": str,
    "for": str,
    "noDataState": str,
    "execErrState": str,
    "dashboardUid": str,
    "panelId": int,
    "annotations": dict,
    "labels": dict,
    "data": list,
}
_ROUTE: dict[str, type | tuple[type, ...]] = {"receiver": str, "object_matchers": list}


def alerting_problems(
    location: str, content: Mapping[str, Any], sources: Iterable[str], panels: Mapping[str, Collection[Any]]
) -> Iterator[str]:
    """Problems of the file. `sources` are uids of data sources, `panels` the panel ids by dashboard uid."""
    yield from key_problems(location, content, {"apiVersion": int}, dict.fromkeys(_SECTIONS, list))
    rules = [rule for group in content.get("groups", ()) for rule in group.get("rules", ())]
    yield from duplicates(location, "rule uid", (rule.get("uid") for rule in rules))
    yield from duplicates(location, "rule title", (rule.get("title") for rule in rules))
    for group in content.get("groups", ()):
        yield from _group(f"{location}: group {group.get('name')}", group, set(sources), panels)
    yield from _notifications(location, content)
    current = {rule.get("uid") for rule in rules}
    for entry in content.get("deleteRules", ()):
        if entry.get("uid") in current:
            yield f"{location}: rule {entry['uid']} is both created and deleted"


def _group(
    location: str, group: Mapping[str, Any], sources: set[str], panels: Mapping[str, Collection[Any]]
) -> Iterator[str]:
    yield from key_problems(location, group, {"orgId": int, "name": str, "folder": str, "interval": str, "rules": list})
    if len(str(group.get("name"))) > _LONGEST:
        yield f"{location}: the name is too long"
    if set("/_") & set(str(group.get("folder"))):
        yield f"{location}: a folder title must not contain / or _"
    if (duration(group.get("interval")) or 1) % _BASE_INTERVAL:
        yield f"{location}: interval is not a multiple of {_BASE_INTERVAL}s"
    for rule in group.get("rules", ()):
        yield from _rule(f"{location}: rule {rule.get('title')}", rule, sources, panels)


def _rule(
    location: str, rule: Mapping[str, Any], sources: set[str], panels: Mapping[str, Collection[Any]]
) -> Iterator[str]:
    yield from key_problems(location, rule, _RULE, {"isPaused": bool, "keepFiringFor": str})
    yield from duration_problems(location, rule, "for", "keepFiringFor")
    if not UID.fullmatch(str(rule.get("uid"))):
        yield f"{location}: uid {rule.get('uid')!r} is not 1 to 40 of A-Z a-z 0-9 _ -"
    if len(str(rule.get("title"))) > _LONGEST:
        yield f"{location}: the title is too long"
    if rule.get("noDataState") not in _NO_DATA or rule.get("execErrState") not in _ON_ERROR:
        yield f"{location}: noDataState or execErrState is unknown to Grafana"
    if rule.get("panelId") not in panels.get(str(rule.get("dashboardUid")), ()):
        yield f"{location}: no panel {rule.get('panelId')} on dashboard {rule.get('dashboardUid')}"
    yield from _texts(location, rule)
    yield from _data(location, rule, sources)


def _texts(location: str, rule: Mapping[str, Any]) -> Iterator[str]:
    annotations, labels = rule.get("annotations", {}), rule.get("labels", {})
    for name, value in {**annotations, **labels}.items():
        if not isinstance(value, str):
            yield f"{location}: {name} is not a string"
    if ("__dashboardUid__" in annotations) != ("__panelId__" in annotations):
        yield f"{location}: __dashboardUid__ and __panelId__ belong together"
    if any(_BRACED.search(str(value)) for value in annotations.values()):
        yield f"{location}: an annotation contains a variable that Grafana would expand"
    for value in (*labels.values(), rule.get("title"), rule.get("uid")):
        if _EXPANDED.search(str(value).replace("$$", "")):
            yield f"{location}: {value!r} contains a variable that Grafana would expand"


def _data(location: str, rule: Mapping[str, Any], sources: set[str]) -> Iterator[str]:
    queries_so_far: set[str] = set()
    for entry in rule.get("data", ()):
        query = f"{location}: query {entry.get('refId')}"
        yield from key_problems(
            query, entry, {"refId": str, "datasourceUid": str, "relativeTimeRange": dict, "model": dict}
        )
        span, model = entry.get("relativeTimeRange", {}), entry.get("model", {})
        if not all(isinstance(span.get(end), int) for end in ("from", "to")):
            yield f"{query}: relativeTimeRange is not two integers"
        if entry.get("datasourceUid") == "__expr__":
            missing = set(re.findall(r"\$(\w+)", str(model.get("expression")))) - queries_so_far
            yield from (f"{query}: no query {name} before it" for name in sorted(missing))
        elif entry.get("datasourceUid") not in sources:
            yield f"{query}: no data source {entry.get('datasourceUid')}"
        elif not model.get("expr") or _BRACED.search(str(model["expr"])):
            yield f"{query}: no expression, or one with a variable that Grafana would expand"
        queries_so_far.add(str(entry.get("refId")))
    if rule.get("condition") not in queries_so_far:
        yield f"{location}: the condition {rule.get('condition')} is not among its queries"


def _notifications(location: str, content: Mapping[str, Any]) -> Iterator[str]:
    points = [point.get("name") for point in content.get("contactPoints", ())]
    timings = [timing.get("name") for timing in content.get("muteTimes", ())]
    yield from duplicates(location, "contact point", points)
    yield from duplicates(location, "mute timing", timings)
    for point in content.get("contactPoints", ()):
        yield from _contact_point(f"{location}: contact point {point.get('name')}", point)
    for timing in content.get("muteTimes", ()):
        for span in timing.get("time_intervals", ()):
            yield from key_problems(
                f"{location}: {timing.get('name')}", span, {}, dict.fromkeys(_SPAN_KEYS, (list, str))
            )
    for tree in content.get("policies", ()):
        yield from _policies(location, tree, set(points), set(timings))


def _contact_point(location: str, point: Mapping[str, Any]) -> Iterator[str]:
    yield from key_problems(location, point, {"orgId": int, "name": str, "receivers": list})
    for receiver in point.get("receivers", ()):
        keys: dict[str, type | tuple[type, ...]] = {"uid": str, "type": str, "settings": dict}
        yield from key_problems(location, receiver, keys, {"disableResolveMessage": bool})
        if not UID.fullmatch(str(receiver.get("uid"))):
            yield f"{location}: uid {receiver.get('uid')!r} is not 1 to 40 of A-Z a-z 0-9 _ -"
        needed = _SETTINGS.get(str(receiver.get("type")))
        if needed is None or not receiver.get("settings", {}).get(needed):
            yield f"{location}: type {receiver.get('type')} without its {needed or 'settings'}"


def _policies(location: str, tree: Mapping[str, Any], points: set[Any], timings: set[Any]) -> Iterator[str]:
    root: dict[str, type | tuple[type, ...]] = {"orgId": int, "receiver": str, "group_by": list, "routes": list}
    waits = ("group_wait", "group_interval", "repeat_interval")
    yield from key_problems(f"{location}: policies", tree, root, dict.fromkeys(waits, str))
    yield from duration_problems(f"{location}: policies", tree, *waits)
    if any(duration(tree.get(wait)) == 0 for wait in waits[1:]):
        yield f"{location}: policies: an interval is zero"
    if tree.get("receiver") not in points:
        yield f"{location}: policies: no contact point {tree.get('receiver')}"
    for route in tree.get("routes", ()):
        at = f"{location}: route to {route.get('receiver')}"
        yield from key_problems(at, route, _ROUTE, {"continue": bool, "mute_time_intervals": list})
        if route.get("receiver") not in points:
            yield f"{at}: no such contact point"
        yield from (
            f"{at}: no mute timing {name}" for name in route.get("mute_time_intervals", ()) if name not in timings
        )
        for matcher in route.get("object_matchers", ()):
            if len(matcher) != 3 or not all(isinstance(text, str) for text in matcher) or matcher[1] not in _OPERATORS:
                yield f"{at}: a matcher is not three strings: {matcher!r}"
