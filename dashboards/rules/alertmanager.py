"""Alertmanager's configuration: a receiver and a route for each contact, what silences what, and quiet hours."""

from __future__ import annotations

from typing import Any

from dashboards.deployment import Places
from dashboards.quoting import template
from dashboards.rules import contacts, quiet_hours
from dashboards.rules.kpi_alerts import STATUS_ALERTS
from dashboards.timing import compact
from exporter.config.fields import Status
from exporter.config.organisation import Contact, Smtp
from exporter.config.root import Config

NOBODY = "nobody"
_THIS_MACHINE = ("localhost", "127.0.0.1", "[::1]")
_TITLE = '{{ .CommonLabels.alertname }}{{ if eq .Status "resolved" }} is over{{ end }}: {{ len .Alerts }}'
_TEXT = (
    '{{ range .Alerts }}{{ if eq .Status "resolved" }}Over: {{ end }}{{ .Annotations.summary }}\n'
    "{{ .Annotations.description }}\n"
    "{{ with .Labels.owner }}Owner: {{ . }}\n{{ end }}"
    "{{ .Annotations.dashboard_url }}\nWhat to do: {{ .Annotations.runbook_url }}\n\n{{ end }}"
)


def alertmanager(config: Config, places: Places) -> dict[str, Any]:
    """The content of alertmanager.yml."""
    intervals = _intervals(config)
    return {
        **_mail(config, places),
        "route": {
            "receiver": NOBODY,
            "group_by": ["alertname", "department", "owner"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": compact(config.alerting.repeat),
            "routes": [_route(contact, intervals) for contact in config.contacts],
        },
        "inhibit_rules": _inhibitions(),
        **({"time_intervals": intervals} if intervals else {}),
        "receivers": [{"name": NOBODY}, *(_receiver(contact, places) for contact in config.contacts)],
    }


def _intervals(config: Config) -> list[dict[str, Any]]:
    hours = quiet_hours.working_hours(config)
    if hours is None:
        return []
    off = quiet_hours.days_off(config)
    return [
        {"name": quiet_hours.WORKING, "time_intervals": quiet_hours.working(config, hours)},
        *([{"name": quiet_hours.DAYS_OFF, "time_intervals": off}] if off else []),
    ]


def _route(contact: Contact, intervals: list[dict[str, Any]]) -> dict[str, Any]:
    names = [interval["name"] for interval in intervals]
    return {
        "receiver": contact.name,
        "matchers": [f'{contacts.LABEL}=~"{contacts.pattern(contact.name)}"'],
        "continue": True,
        **({"active_time_intervals": [quiet_hours.WORKING]} if quiet_hours.WORKING in names else {}),
        **({"mute_time_intervals": [quiet_hours.DAYS_OFF]} if quiet_hours.DAYS_OFF in names else {}),
    }


def _inhibitions() -> list[dict[str, Any]]:
    """What speaks for another alert: the worse status, missing data, a refused password, an exporter that is gone."""
    of_status = "|".join(name for name, _ in STATUS_ALERTS.values())
    off_track, at_risk = (STATUS_ALERTS[status][0] for status in (Status.OFF_TRACK, Status.AT_RISK))
    return [
        _silences(f'alertname="{off_track}"', f'alertname="{at_risk}"', "kpi"),
        _silences('alertname="KpiDataStale"', f'alertname=~"{of_status}"', "kpi"),
        _silences('alertname="KpiSourceCredentialsRefused"', 'alertname="KpiSourceDown"', "source"),
        _silences('alertname="KpiExporterUnreachable"', 'alertname=~"Kpi(Data|Source|Evaluation|Scrape).*"'),
    ]


def _silences(source: str, target: str, *equal: str) -> dict[str, Any]:
    return {
        "source_matchers": [source],
        "target_matchers": [target],
        **({"equal": list(equal)} if equal else {}),
    }


def _mail(config: Config, places: Places) -> dict[str, Any]:
    """How mail is sent; by a server on the same machine where the config names none."""
    if not any(contact.email for contact in config.contacts):
        return {}
    server = config.alerting.smtp or Smtp(host="localhost", port=25, sender="kpi-exporter@localhost")
    sent: dict[str, Any] = {"smtp_smarthost": f"{server.host}:{server.port}", "smtp_from": server.sender}
    if server.host in _THIS_MACHINE:
        sent["smtp_require_tls"] = False
    if server.user:
        sent["smtp_auth_username"] = server.user
    if server.password is not None:
        sent["smtp_auth_password_file"] = places.secret_file(server.password)
    return {"global": sent}


def _receiver(contact: Contact, places: Places) -> dict[str, Any]:
    return {"name": contact.name, **_way(contact, places)}


def _way(contact: Contact, places: Places) -> dict[str, Any]:
    told = {"send_resolved": True}
    text = {"title": _TITLE, "text": _TEXT}
    if contact.slack is not None:
        channel = {"channel": template(contact.slack.channel)} if contact.slack.channel else {}
        url = places.secret_file(contact.slack.webhook)
        return {"slack_configs": [{**told, "api_url_file": url, **channel, **text}]}
    if contact.teams is not None:
        url = places.secret_file(contact.teams.webhook)
        return {"msteamsv2_configs": [{**told, "webhook_url_file": url, **text}]}
    if contact.webhook is not None:
        url = contact.webhook.url if isinstance(contact.webhook.url, str) else places.secret_file(contact.webhook.url)
        return {"webhook_configs": [{**told, "url" if url == contact.webhook.url else "url_file": url}]}
    mail = {"to": template(contact.email or ""), "headers": {"Subject": f"[KPI] {_TITLE}"}, "html": "", "text": _TEXT}
    return {"email_configs": [{**told, **mail}]}
