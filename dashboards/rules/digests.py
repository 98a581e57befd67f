"""Mails to the leads of teams and to persons, one a day at most, as routes and receivers of Alertmanager.

All that fires for one recipient is one group. A group is looked at once an hour, and mail is sent within one hour of a
workday only: so exactly one look of a day can send mail, whatever fires and resolves in between. What is resolved by
then is left out, and nothing is sent about it.

The address of a lead is in Alertmanager's config alone. That of a person comes with the alert, as a label.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from dashboards.encoding import escape_template
from dashboards.rules.notifications import DIGEST_HOUR, contact_pattern
from exporter.config.fields import Recipient
from exporter.config.kpis import Alerts
from exporter.config.root import Config

DIGEST_LABEL = "digest"
"""The label that these routes match, with the value `,RECIPIENT,` or `,RECIPIENT,RECIPIENT,`."""
PERSONS = "each person"
"""The receiver of mail to persons. It has a space, as those of leads, which no name of a contact has."""

_ONE_GROUP = ["no_such_label"]
"""Groups all alerts of a route: none has this label. An empty list would take over the groups of the root."""

_TIMES = {"group_wait": "5m", "group_interval": "1h", "repeat_interval": "119h"}
"""Forty alerts that begin within five minutes make one mail. While nothing changes it is repeated about once a week: a
longer time than 120 hours would exceed what Alertmanager remembers by default."""


def digest_label(recipients: Iterable[Recipient]) -> dict[str, str]:
    """The label of alerts for these recipients."""
    return {DIGEST_LABEL: f",{','.join(recipients)},"}


def receivers(config: Config) -> dict[str, str]:
    """The template of the address by the name of each receiver; empty if no KPI notifies leads or persons."""
    named = {_lead_receiver(email): escape_template(email) for email in _teams_by_lead(config)}
    return named | ({PERSONS: "{{ .GroupLabels.email }}"} if any(a.emails_persons() for a in _alerts(config)) else {})


def routes(config: Config, muted: list[str]) -> list[dict[str, Any]]:
    """A route for each lead, and one for persons, who are told apart by their address."""
    leads = [
        _route(_lead_receiver(email), Recipient.LEAD, [f"team=~{_quoted('|'.join(map(re.escape, teams)))}"], muted)
        for email, teams in _teams_by_lead(config).items()
    ]
    persons = _route(PERSONS, Recipient.PERSON, ['email!=""'], muted) | {"group_by": ["email"]}
    return [*leads, persons] if PERSONS in receivers(config) else leads


def _route(receiver: str, recipient: Recipient, matchers: list[str], muted: list[str]) -> dict[str, Any]:
    return {
        "receiver": receiver,
        "matchers": [f'{DIGEST_LABEL}=~"{contact_pattern(recipient)}"', *matchers],
        "continue": True,
        "group_by": _ONE_GROUP,
        **_TIMES,
        "active_time_intervals": [DIGEST_HOUR],
        **({"mute_time_intervals": muted} if muted else {}),
    }


def _alerts(config: Config) -> list[Alerts]:
    return [kpi.alerts for kpi in config.kpis if kpi.alerts is not None]


def _teams_by_lead(config: Config) -> dict[str, list[str]]:
    """The teams of each lead; none if no KPI notifies leads."""
    teams: dict[str, list[str]] = {}
    if any(alerts.emails_leads() for alerts in _alerts(config)):
        for team in config.teams:
            if team.lead is not None:
                teams.setdefault(team.lead, []).append(team.name)
    return teams


def _lead_receiver(email: str) -> str:
    return f"lead {email}"


def _quoted(text: str) -> str:
    """A text as Alertmanager's matchers write it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
