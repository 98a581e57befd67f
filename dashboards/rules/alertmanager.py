"""Alertmanager's configuration: a receiver and a route for each contact, inhibitions, and quiet hours."""

from __future__ import annotations

from typing import Any

from dashboards.encoding import duration_text, escape_template
from dashboards.rules import digests, notifications
from dashboards.rules.kpi_alerts import STATUS_ALERTS
from dashboards.rules.notification_templates import (
    DIGEST_HTML,
    DIGEST_SUBJECT,
    DIGEST_TEXT,
    FIRST_BOARD,
    FIRST_COLOUR,
    MAIL_HTML,
    MAIL_TEXT,
    SLACK_TEXT,
    SLACK_TITLE,
    SUBJECT,
    TEAMS_TEXT,
    TEAMS_TITLE,
)
from dashboards.rules.notifications import CONTACTS_LABEL, DAYS_OFF, DIGEST_HOUR, WORKING
from dashboards.site import Deployment
from exporter.config.fields import Status
from exporter.config.organisation import Contact, Smtp
from exporter.config.root import Config

_NO_RECEIVER = "nobody"
_THIS_MACHINE = ("localhost", "127.0.0.1", "[::1]")
TEMPLATES = "templates/kpi.tmpl"
"""The file with the templates of notifications, beside alertmanager.yml."""


def alertmanager(config: Config, deployment: Deployment) -> dict[str, Any]:
    """The content of alertmanager.yml."""
    intervals = _intervals(config)
    return {
        **_mail_settings(config, deployment),
        "templates": [TEMPLATES, f"{deployment.own_templates}/*.tmpl"],
        "route": {
            "receiver": _NO_RECEIVER,
            "group_by": ["alertname", "department", "owner"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": duration_text(config.alerting.repeat),
            "routes": [
                *(_route(contact, intervals) for contact in config.contacts),
                *digests.routes(config, muted=[DAYS_OFF] if DAYS_OFF in intervals else []),
            ],
        },
        "inhibit_rules": _inhibitions(),
        **(
            {"time_intervals": [{"name": name, "time_intervals": spans} for name, spans in intervals.items()]}
            if intervals
            else {}
        ),
        "receivers": [
            {"name": _NO_RECEIVER},
            *({"name": contact.name, **_receiver(contact, deployment)} for contact in config.contacts),
            *({"name": name, **_digest(to)} for name, to in digests.receivers(config).items()),
        ],
    }


def _intervals(config: Config) -> dict[str, list[dict[str, Any]]]:
    """Time intervals by name; empty if notifications are always sent."""
    hours = notifications.notification_hours(config)
    has_digests = bool(digests.receivers(config))
    days_off = notifications.days_off_intervals(config) if hours is not None or has_digests else []
    return {
        **({WORKING: notifications.working_intervals(config, hours)} if hours is not None else {}),
        **({DIGEST_HOUR: notifications.digest_intervals(config)} if has_digests else {}),
        **({DAYS_OFF: days_off} if days_off else {}),
    }


def _route(contact: Contact, intervals: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    return {
        "receiver": contact.name,
        "matchers": [f'{CONTACTS_LABEL}=~"{notifications.contact_pattern(contact.name)}"'],
        "continue": True,
        **({"active_time_intervals": [WORKING]} if WORKING in intervals else {}),
        **({"mute_time_intervals": [DAYS_OFF]} if WORKING in intervals and DAYS_OFF in intervals else {}),
    }


def _inhibitions() -> list[dict[str, Any]]:
    """Alerts that silence others, which follow from the same cause."""
    of_status = "|".join(name for name, _ in STATUS_ALERTS.values())
    off_track, at_risk = (STATUS_ALERTS[status][0] for status in (Status.OFF_TRACK, Status.AT_RISK))
    return [
        _inhibition(f'alertname="{off_track}"', f'alertname="{at_risk}"', "kpi", "team", "person"),
        _inhibition('alertname="KpiDataStale"', f'alertname=~"{of_status}"', "kpi"),
        _inhibition('alertname="KpiDataStale"', 'alertname="KpiSlackSpentFast"', "kpi"),
        _inhibition('alertname="KpiSourceCredentialsRefused"', 'alertname="KpiSourceDown"', "source"),
        _inhibition('alertname="KpiExporterUnreachable"', 'alertname=~"Kpi(Data|Source|Evaluation|Scrape).*"'),
    ]


def _inhibition(source: str, target: str, *equal: str) -> dict[str, Any]:
    return {
        "source_matchers": [source],
        "target_matchers": [target],
        **({"equal": list(equal)} if equal else {}),
    }


def _mail_settings(config: Config, deployment: Deployment) -> dict[str, Any]:
    """How mail is sent: through the config's SMTP server, or one on the same machine."""
    if not any(contact.email for contact in config.contacts) and not digests.receivers(config):
        return {}
    server = config.alerting.smtp or Smtp(host="localhost", port=25, sender="kpi-exporter@localhost")
    settings: dict[str, Any] = {"smtp_smarthost": f"{server.host}:{server.port}", "smtp_from": server.sender}
    if server.host in _THIS_MACHINE:
        settings["smtp_require_tls"] = False
    if server.user:
        settings["smtp_auth_username"] = server.user
    if server.password is not None:
        settings["smtp_auth_password_file"] = deployment.secret_file(server.password)
    return {"global": settings}


def _receiver(contact: Contact, deployment: Deployment) -> dict[str, Any]:
    resolved = {"send_resolved": True}
    if contact.slack is not None:
        channel = {"channel": escape_template(contact.slack.channel)} if contact.slack.channel else {}
        url = deployment.secret_file(contact.slack.webhook)
        text = {"title": SLACK_TITLE, "title_link": FIRST_BOARD, "text": SLACK_TEXT, "color": FIRST_COLOUR}
        return {"slack_configs": [{**resolved, "api_url_file": url, **channel, **text, "fallback": SUBJECT}]}
    if contact.teams is not None:
        url = deployment.secret_file(contact.teams.webhook)
        text = {"title": TEAMS_TITLE, "text": TEAMS_TEXT}
        return {"msteamsv2_configs": [{**resolved, "webhook_url_file": url, **text}]}
    if contact.webhook is not None:
        address = contact.webhook.url
        location = {"url": address} if isinstance(address, str) else {"url_file": deployment.secret_file(address)}
        return {"webhook_configs": [{**resolved, **location}]}
    to = escape_template(contact.email or "")
    mail = {"to": to, "headers": {"Subject": SUBJECT}, "html": MAIL_HTML, "text": MAIL_TEXT}
    return {"email_configs": [{**resolved, **mail}]}


def _digest(to: str) -> dict[str, Any]:
    """A receiver of mail about what fires; `to` is a template."""
    mail = {"to": to, "headers": {"Subject": DIGEST_SUBJECT}, "html": DIGEST_HTML, "text": DIGEST_TEXT}
    return {"email_configs": [{"send_resolved": False, **mail}]}
