"""Templates of notifications for Alertmanager and Grafana: they lay out the sentences that the alerts bring along.

The texts are the files in the folder `templates`; only the colours and the company's name come from the config.
"""

from __future__ import annotations

from pathlib import Path

from dashboards.encoding import Json, escape_template
from dashboards.rules.model import SEVERITY_MARK, Severity
from exporter.config.fields import Status
from exporter.config.root import Config
from exporter.statuses import BY_RANK, GREY, STATUSES, colours

SUBJECT = '{{ template "kpi.subject" . }}'
MAIL_HTML, MAIL_TEXT = '{{ template "kpi.mail" . }}', '{{ template "kpi.text" . }}'
DIGEST_SUBJECT = '{{ template "kpi.digest.subject" . }}'
DIGEST_HTML, DIGEST_TEXT = '{{ template "kpi.digest" . }}', '{{ template "kpi.digest.text" . }}'
SLACK_TITLE, SLACK_TEXT = '{{ template "kpi.slack.title" . }}', '{{ template "kpi.slack.text" . }}'
TEAMS_TITLE, TEAMS_TEXT = '{{ template "kpi.teams.title" . }}', '{{ template "kpi.teams.text" . }}'
FIRST_COLOUR = (
    '{{ if .Alerts.Firing }}{{ with index .Alerts.Firing 0 }}{{ template "kpi.colour" . }}{{ end }}'
    '{{ else }}{{ with index .Alerts.Resolved 0 }}{{ template "kpi.colour" . }}{{ end }}{{ end }}'
)
"""The colour of the first alert, the one that the subject names."""
FIRST_BOARD = "{{ with index .Alerts 0 }}{{ .Annotations.dashboard_url }}{{ end }}"
GRAFANA_NAME = "kpi-exporter"
"""The name of the group of templates in Grafana."""

_FOLDER = Path(__file__).with_name("templates")
_STATUS_WORDS = '"STATUS WORDS"'
_LIKE = {Severity.CRITICAL: Status.OFF_TRACK, Severity.WARNING: Status.AT_RISK}
"""Severities with the colour of a status. Information is grey."""


def alertmanager_templates(config: Config) -> str:
    """The template file of Alertmanager."""
    return "\n".join((_text("texts"), _colour(config), _company(config), _text("mail"), _digest()))


def grafana_templates() -> list[Json]:
    """Grafana's templates, for its provisioning file. Grafana lays out mail itself, so they have the texts alone."""
    return [{"orgId": 1, "name": GRAFANA_NAME, "template": _text("texts")}]


def _text(name: str) -> str:
    return (_FOLDER / f"{name}.tmpl").read_text(encoding="utf-8")


def _digest() -> str:
    """The templates of digests, with the statuses worst first, and in the end alerts that name none."""
    words = " ".join(f'"{text}"' for text in (*(spec.words for spec in BY_RANK), ""))
    return _text("digest").replace(_STATUS_WORDS, words)


def _company(config: Config) -> str:
    return f'{{{{ define "kpi.company" }}}}{escape_template(config.company.name)}{{{{ end }}}}\n'


def _colour(config: Config) -> str:
    """The template for the colour of an alert: that of its status, or of a status as serious as the alert."""
    palette = colours(config)
    by_words = {spec.words: palette[status].light for status, spec in STATUSES.items()}
    by_words |= {f"{SEVERITY_MARK} {severity}": palette[status].light for severity, status in _LIKE.items()}
    branches = "".join(
        f'{{{{ else if eq .Annotations.status "{words}" }}}}{colour}'
        for words, colour in by_words.items()
        if colour != GREY.light
    )
    resolved = palette[Status.ON_TRACK].light
    chain = f'{{{{ if eq .Status "resolved" }}}}{resolved}{branches}{{{{ else }}}}{GREY.light}{{{{ end }}}}'
    return f'{{{{ define "kpi.colour" }}}}{chain}{{{{ end }}}}\n'
