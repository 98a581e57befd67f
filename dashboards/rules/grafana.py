"""The alert rules for Grafana's own engine, with contact points, policies and mute timings, as provisioning files.

A mistake in such a file prevents Grafana from starting, so the tests validate every form of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from grafanalib import core

from dashboards.encoding import Json, duration_text, escape_environment, escape_grafana_template, escape_template
from dashboards.grafana_model import Query, to_json
from dashboards.rules import notifications
from dashboards.rules.model import AlertRule, RuleGroup
from dashboards.rules.notification_templates import MAIL_TEXT, SLACK_TEXT, SLACK_TITLE, SUBJECT, TEAMS_TEXT, TEAMS_TITLE
from dashboards.rules.notifications import CONTACTS_LABEL
from dashboards.rules.texts import for_grafana, text_queries
from dashboards.site import ALERTS_FOLDER, Deployment, Site, contact_uid, folder_title
from exporter.config.organisation import Contact
from exporter.config.root import Config

GENERATED_LABEL = {"generated_by": "kpi-exporter"}
"""The label that marks generated rules in a Grafana with other rules."""
NEVER = "kpi-never"
"""The mute timing for alerts without contacts: it mutes at all times."""
_EXPRESSION = "__expr__"


class MathExpression(core.AlertExpression):  # type: ignore[misc]
    """A server-side math expression without grafanalib's other keys, which fail when they are evaluated."""

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


class GrafanaRule(core.AlertRulev9):  # type: ignore[misc]
    """A rule in the flat form of provisioning files, with keys in camelCase."""

    def __init__(self, keep_firing_for: str, **common: Any) -> None:
        super().__init__(**common)
        self.keep_firing_for = keep_firing_for

    def to_json_data(self) -> Json:
        """The entry of a group's `rules`."""
        return {
            "uid": self.uid,
            "title": self.title,
            "condition": self.condition,
            "for": self.evaluateFor,
            "keepFiringFor": self.keep_firing_for,
            "noDataState": self.noDataAlertState,
            "execErrState": self.errorAlertState,
            "dashboardUid": self.dashboard_uid,
            "panelId": self.panel_id,
            "annotations": self.annotations,
            "labels": self.labels,
            "isPaused": False,
            "data": [self._data(trigger) for trigger in self.triggers],
        }

    def _data(self, trigger: Any) -> Json:
        if isinstance(trigger, MathExpression):
            return trigger.to_json_data()
        query = {"refId": trigger.refId, "expr": trigger.expr, "instant": True, "range": False, "intervalMs": 60000}
        return {
            "refId": trigger.refId,
            "datasourceUid": trigger.datasource["uid"],
            "relativeTimeRange": {"from": self.timeRangeFrom, "to": self.timeRangeTo},
            "model": {**query, "maxDataPoints": 43200, "datasource": trigger.datasource},
        }


def rule_groups(site: Site, groups: Iterable[RuleGroup]) -> list[Json]:
    """The rule groups of a provisioning file."""
    folder = escape_environment(folder_title(site.config, ALERTS_FOLDER))
    return [
        {
            "orgId": 1,
            **to_json(
                core.AlertGroup(
                    name=group.name,
                    rules=[_rule(site, rule) for rule in group.rules],
                    folder=folder,
                    evaluateInterval="1m",
                )
            ),
        }
        for group in groups
        if group.rules
    ]


def _rule(site: Site, rule: AlertRule) -> GrafanaRule:
    query = _query(site, "A", rule.condition.expr)
    texts = text_queries(sentence for sentences in rule.texts.values() for sentence in sentences)
    labels = rule.all_labels | GENERATED_LABEL
    return GrafanaRule(
        keep_firing_for=duration_text(rule.keep_firing_for),
        uid=rule.uid,
        title=f"{rule.name} {rule.subject}".strip(),
        triggers=[
            query,
            MathExpression("B", rule.condition.expression, expressionType=core.EXP_TYPE_MATH),
            *(_query(site, name, expr) for expr, name in texts.items()),
        ],
        condition="B",
        evaluateFor=duration_text(rule.for_),
        noDataAlertState=rule.condition.no_data,
        errorAlertState=core.ALERTRULE_STATE_DATA_ERROR,
        timeRangeFrom=600,
        dashboard_uid=rule.link.dashboard,
        panel_id=rule.link.panel,
        annotations={
            **{name: for_grafana(sentences, texts) for name, sentences in rule.texts.items()},
            **{name: escape_grafana_template(url) for name, url in rule.links(site.config).items()},
            "__dashboardUid__": rule.link.dashboard,
            "__panelId__": str(rule.link.panel),
        },
        labels={name: escape_environment(escape_template(value)) for name, value in labels.items()},
    )


def _query(site: Site, name: str, expr: str) -> Query:
    query = Query(expr, name)
    query.datasource = site.datasource_ref
    return query


def contact_points(config: Config, deployment: Deployment) -> list[Json]:
    """A contact point for each contact."""
    points = []
    for contact in config.contacts:
        kind, settings = _receiver(contact, deployment)
        receiver = {
            "uid": contact_uid(contact.name),
            "type": kind,
            "disableResolveMessage": False,
            "settings": settings,
        }
        points.append({"orgId": 1, "name": contact.name, "receivers": [receiver]})
    return points


def _receiver(contact: Contact, deployment: Deployment) -> tuple[str, Json]:
    """The receiver's type and settings."""
    if contact.slack is not None:
        channel = {"recipient": escape_environment(contact.slack.channel)} if contact.slack.channel else {}
        text = {"title": SLACK_TITLE, "text": SLACK_TEXT}
        return "slack", {"url": f"$__file{{{deployment.secret_file(contact.slack.webhook)}}}", **channel, **text}
    if contact.teams is not None:
        text = {"title": TEAMS_TITLE, "message": TEAMS_TEXT}
        return "teams", {"url": f"$__file{{{deployment.secret_file(contact.teams.webhook)}}}", **text}
    if contact.webhook is not None:
        url = contact.webhook.url
        address = escape_environment(url) if isinstance(url, str) else f"$__file{{{deployment.secret_file(url)}}}"
        return "webhook", {"url": address, "httpMethod": "POST", "title": SUBJECT, "message": MAIL_TEXT}
    mail = {"addresses": escape_environment(contact.email or ""), "singleEmail": True}
    return "email", {**mail, "subject": SUBJECT, "message": MAIL_TEXT}


def policies(config: Config) -> list[Json]:
    """The notification policy tree, which replaces the organisation's; empty if the config has no contacts."""
    if not config.contacts:
        return []
    timings = [timing["name"] for timing in mute_timings(config) if timing["name"] != NEVER]
    without_contacts = {
        "receiver": config.contacts[0].name,
        "object_matchers": [
            *([name, "=", value] for name, value in GENERATED_LABEL.items()),
            [CONTACTS_LABEL, "=", ""],
        ],
        "mute_time_intervals": [NEVER],
    }
    routes = [
        {
            "receiver": contact.name,
            "object_matchers": [[CONTACTS_LABEL, "=~", notifications.contact_pattern(contact.name)]],
            "continue": True,
            **({"mute_time_intervals": timings} if timings else {}),
        }
        for contact in config.contacts
    ]
    return [
        {
            "orgId": 1,
            "receiver": config.contacts[0].name,
            "group_by": ["grafana_folder", "alertname", "department", "owner"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": duration_text(config.alerting.repeat),
            "routes": [without_contacts, *routes],
        }
    ]


def mute_timings(config: Config) -> list[Json]:
    """When routes are muted: outside working hours, on days off, and always for alerts without contacts."""
    if not config.contacts:
        return []
    hours = notifications.notification_hours(config)
    timings = {NEVER: [{"times": [{"start_time": "00:00", "end_time": "24:00"}]}]}
    if hours is not None:
        timings[f"kpi-{notifications.QUIET}"] = notifications.quiet_intervals(config, hours)
        timings[f"kpi-{notifications.DAYS_OFF}"] = notifications.days_off_intervals(config)
    return [{"orgId": 1, "name": name, "time_intervals": spans} for name, spans in timings.items() if spans]
