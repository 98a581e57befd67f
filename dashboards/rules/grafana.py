"""The same alert rules for Grafana's own engine, in the flat file shape that it loads, and who is told how.

A mistake in this file keeps Grafana from starting, so the tests validate it in every form.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from grafanalib import core

from dashboards.defaults import Site
from dashboards.deployment import Places
from dashboards.grafana_model import Json, Query, to_json
from dashboards.quoting import expanded, grafana_template, template
from dashboards.rules import contacts, quiet_hours
from dashboards.rules.links import dashboard_url, panel_url, runbook_url
from dashboards.rules.model import AlertRule, RuleGroup
from dashboards.rules.texts import for_grafana
from dashboards.timing import compact
from exporter.config.organisation import Contact
from exporter.config.root import Config

MADE_BY = {"generated_by": "kpi-exporter"}
"""The label by which our rules are told from others in the same Grafana."""
NEVER = "kpi-never"
_EXPRESSION = "__expr__"
_LONGEST_UID = 40


class Expression(core.AlertExpression):  # type: ignore[misc]
    """A server-side expression with the keys of its type alone; grafanalib's others fail when they are evaluated."""

    def to_json_data(self) -> Json:
        """The entry of a rule's `data`."""
        return {
            "refId": self.refId,
            "datasourceUid": _EXPRESSION,
            "relativeTimeRange": {"from": 0, "to": 0},
            "model": {
                "refId": self.refId,
                "type": self.expressionType,
                "expression": self.expression,
                "datasource": {"type": _EXPRESSION, "uid": _EXPRESSION},
            },
        }


class Rule(core.AlertRulev9):  # type: ignore[misc]
    """A rule as provisioning files have it: flat, in camelCase."""

    def __init__(self, keep: str, **common: Any) -> None:
        super().__init__(**common)
        self.keep = keep

    def to_json_data(self) -> Json:
        """The entry of a group's `rules`."""
        return {
            "uid": self.uid,
            "title": self.title,
            "condition": self.condition,
            "for": self.evaluateFor,
            "keepFiringFor": self.keep,
            "noDataState": self.noDataAlertState,
            "execErrState": self.errorAlertState,
            "dashboardUid": self.dashboard_uid,
            "panelId": self.panel_id,
            "annotations": self.annotations,
            "labels": self.labels,
            "isPaused": False,
            "data": [self._asked(trigger) for trigger in self.triggers],
        }

    def _asked(self, trigger: Any) -> Json:
        if isinstance(trigger, Expression):
            return trigger.to_json_data()
        asked = {"refId": trigger.refId, "expr": trigger.expr, "instant": True, "range": False, "intervalMs": 60000}
        return {
            "refId": trigger.refId,
            "datasourceUid": trigger.datasource["uid"],
            "relativeTimeRange": {"from": self.timeRangeFrom, "to": self.timeRangeTo},
            "model": {**asked, "maxDataPoints": 43200, "datasource": trigger.datasource},
        }


def rule_groups(site: Site, groups: Iterable[RuleGroup]) -> list[Json]:
    """The groups of a provisioning file."""
    folder = expanded(f"{site.config.dashboards.folder} alerts")
    return [{"orgId": 1, **to_json(_group(site, group, folder))} for group in groups if group.rules]


def _group(site: Site, group: RuleGroup, folder: str) -> core.AlertGroup:
    rules = [_rule(site, rule) for rule in group.rules]
    return core.AlertGroup(name=group.name, rules=rules, folder=folder, evaluateInterval="1m")


def _rule(site: Site, rule: AlertRule) -> Rule:
    query = Query(rule.condition.expr)
    query.datasource = {"type": "prometheus", "uid": site.datasource}
    return Rule(
        keep=compact(rule.keep),
        uid=rule.uid,
        title=f"{rule.name} {rule.subject}".strip(),
        triggers=[query, Expression("B", rule.condition.holds, expressionType=core.EXP_TYPE_MATH)],
        condition="B",
        evaluateFor=compact(rule.hold),
        noDataAlertState=rule.condition.no_data,
        errorAlertState=core.ALERTRULE_STATE_DATA_ERROR,
        timeRangeFrom=600,
        dashboard_uid=rule.place.dashboard,
        panel_id=rule.place.panel,
        annotations=_annotations(site.config, rule),
        labels={name: expanded(template(value)) for name, value in (rule.all_labels | MADE_BY).items()},
    )


def _annotations(config: Config, rule: AlertRule) -> dict[str, str]:
    return {
        "summary": for_grafana([rule.summary], rule.own),
        "description": for_grafana(rule.description, rule.own),
        "dashboard_url": grafana_template(dashboard_url(config, rule.place)),
        "panel_url": grafana_template(panel_url(config, rule.place)),
        "runbook_url": grafana_template(runbook_url(config, rule.name)),
        "__dashboardUid__": rule.place.dashboard,
        "__panelId__": str(rule.place.panel),
    }


def contact_points(config: Config, places: Places) -> list[Json]:
    """A contact point for each contact."""
    return [
        {"orgId": 1, "name": contact.name, "receivers": [_receiver(contact, places)]} for contact in config.contacts
    ]


def contact_uid(name: str) -> str:
    """The uid of a contact point."""
    uid = f"kpi-{name}"
    return uid if len(uid) <= _LONGEST_UID else f"{uid[:31]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _receiver(contact: Contact, places: Places) -> Json:
    kind, settings = _way(contact, places)
    return {"uid": contact_uid(contact.name), "type": kind, "disableResolveMessage": False, "settings": settings}


def _way(contact: Contact, places: Places) -> tuple[str, Json]:
    if contact.slack is not None:
        channel = {"recipient": expanded(contact.slack.channel)} if contact.slack.channel else {}
        return "slack", {"url": f"$__file{{{places.secret_file(contact.slack.webhook)}}}", **channel}
    if contact.teams is not None:
        return "teams", {"url": f"$__file{{{places.secret_file(contact.teams.webhook)}}}"}
    if contact.webhook is not None:
        url = contact.webhook.url
        address = expanded(url) if isinstance(url, str) else f"$__file{{{places.secret_file(url)}}}"
        return "webhook", {"url": address, "httpMethod": "POST"}
    return "email", {"addresses": expanded(contact.email or ""), "singleEmail": True}


def policies(config: Config) -> list[Json]:
    """The tree of notification policies, which replaces the organisation's; none where the config has no contacts."""
    if not config.contacts:
        return []
    quiet = [entry["name"] for entry in mute_timings(config) if entry["name"] != NEVER]
    routes = [_route(contact, quiet) for contact in config.contacts]
    ours = [[name, "=", value] for name, value in MADE_BY.items()]
    unheard = {
        "receiver": config.contacts[0].name,
        "object_matchers": [*ours, [contacts.LABEL, "=", ""]],
        "mute_time_intervals": [NEVER],
    }
    return [
        {
            "orgId": 1,
            "receiver": config.contacts[0].name,
            "group_by": ["grafana_folder", "alertname", "department", "owner"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": compact(config.alerting.repeat),
            "routes": [unheard, *routes],
        }
    ]


def _route(contact: Contact, quiet: list[str]) -> Json:
    return {
        "receiver": contact.name,
        "object_matchers": [[contacts.LABEL, "=~", contacts.pattern(contact.name)]],
        "continue": True,
        **({"mute_time_intervals": quiet} if quiet else {}),
    }


def mute_timings(config: Config) -> list[Json]:
    """When routes are silent: outside working hours, on days off, and always for alerts that nobody asked to hear."""
    if not config.contacts:
        return []
    hours = quiet_hours.working_hours(config)
    timings = {NEVER: [{"times": [{"start_time": "00:00", "end_time": "24:00"}]}]}
    if hours is not None:
        timings[f"kpi-{quiet_hours.QUIET}"] = quiet_hours.quiet(config, hours)
        timings[f"kpi-{quiet_hours.DAYS_OFF}"] = quiet_hours.days_off(config)
    return [{"orgId": 1, "name": name, "time_intervals": spans} for name, spans in timings.items() if spans]
