"""What files are generated for (a config and its deployment), and how generated objects are identified.

Dashboards and alert rules link to each other through the uids and panel ids defined here. A uid or panel id stays the
same while the name it is made from stays, so that links and Grafana's own state survive a changed config.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from exporter.config.expression import metrics_of
from exporter.config.fields import Scope, Secret
from exporter.config.kpis import Kpi
from exporter.config.root import Config
from exporter.config.sources import AnySource

DATASOURCE_UID = "kpi-prometheus"
PEOPLE_DATASOURCE_UID = "kpi-prometheus-people"
OVERVIEW, DETAIL, WALL, HEALTH, RUNBOOK = "kpi-overview", "kpi-detail", "kpi-wall", "kpi-exporter", "kpi-runbook"
PEOPLE, PERSON, LEADERBOARD = "kpi-people", "kpi-person", "kpi-leaderboard"
TEAM, OBJECTIVE = "kpi-team", "kpi-objective"

MAIN_PANEL = 10
"""The chart on the KPI detail dashboard that KPI alerts link to."""
SOURCES_PANEL = 1
"""The panel on the exporter health dashboard that alerts about sources and the exporter link to."""

MAIN_FOLDER, PEOPLE_FOLDER, ALERTS_FOLDER = "kpi", "people", "alerts"
"""Kinds of folders. People have their own, so that Grafana's folder permissions can protect it."""

_LONGEST_UID = 40
UID = re.compile(rf"[A-Za-z0-9_-]{{1,{_LONGEST_UID}}}")
"""What Grafana accepts as a uid."""


@dataclass(frozen=True, slots=True)
class Site:
    """A config, and the uid of the data source that has its series."""

    config: Config
    datasource: str = DATASOURCE_UID

    @property
    def datasource_ref(self) -> dict[str, str]:
        """The data source as queries refer to it."""
        return {"type": "prometheus", "uid": self.datasource}

    @property
    def for_people(self) -> Site | None:
        """The site whose data source has the series of people; None if nothing scrapes them."""
        if self.config.privacy.people == "included":
            return self
        return replace(self, datasource=PEOPLE_DATASOURCE_UID) if self.config.dashboards.people else None

    @property
    def departments(self) -> tuple[str, ...]:
        """The departments that have KPIs, in the config's order."""
        return tuple(dict.fromkeys(kpi.department for kpi in self.config.kpis))

    def kpis(self, scope: Scope | None = None, department: str | None = None) -> tuple[Kpi, ...]:
        """The KPIs, limited to a scope and a department if given."""
        return tuple(
            kpi
            for kpi in self.config.kpis
            if (scope is None or scope in kpi.scopes) and department in (None, kpi.department)
        )

    def most_kpis(self, scope: Scope) -> int:
        """The number of KPIs at the scope in the department that has most: about what one team or person has."""
        return max((len(self.kpis(scope, department)) for department in self.departments), default=0)

    @property
    def prometheus_alerts(self) -> bool:
        """True if Prometheus evaluates the alert rules."""
        return self.config.alerting.engine != "grafana"

    @property
    def grafana_alerts(self) -> bool:
        """True if Grafana evaluates the alert rules."""
        return self.config.alerting.engine != "prometheus"


@dataclass(frozen=True, slots=True)
class Deployment:
    """Addresses (HOST:PORT) by which the programs reach each other, and folders as they see them.

    `own_templates` is the folder in which Alertmanager looks for templates that replace the generated ones.

    Secret files are relative to `config_dir`, which has the folder `secrets` beside it. The defaults are those of the
    compose file.
    """

    exporter: str = "exporter:9940"
    alertmanager: str = "alertmanager:9093"
    prometheus: str = "localhost:9090"
    config_dir: str = "/app/config"
    dashboards_dir: str = "/etc/kpi/grafana/dashboards"
    own_templates: str = "/etc/alertmanager/templates"

    def secret_file(self, secret: Secret) -> str:
        """The path of a secret: its own file, or one named after its variable in `secrets/contacts`."""
        relative = f"../secrets/contacts/{secret.env}" if secret.env else str(secret.file)
        return posixpath.normpath(posixpath.join(self.config_dir, relative))


def contributing(config: Config, kpis: Iterable[Kpi]) -> tuple[AnySource, ...]:
    """The sources that can contribute to the numbers of the KPIs; all if there are none."""
    names = {name for kpi in kpis for name in metrics_of(kpi.value)}
    metrics = [metric for metric in config.metrics if metric.name in names]
    return tuple(source for metric in metrics for source in config.sources_of(metric)) or config.sources


def oldest_shown(sources: Iterable[AnySource]) -> timedelta:
    """The age of the data at which numbers that rest on all these sources are withheld.

    It is the lowest of the sources. If there are files among them it is theirs: data from a file ages until somebody
    replaces it, even while every source is read as it should be.
    """
    sources = tuple(sources)
    files = tuple(source for source in sources if source.ages_by_watermark)
    return min(source.withheld_after for source in files or sources)


def late_after(withheld_after: timedelta) -> timedelta:
    """The age at which data counts as late: two thirds of the age at which its numbers are withheld."""
    return withheld_after * 2 / 3


def slug(text: str) -> str:
    """The text in characters that uids and file names allow; may be empty."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def short_hash(text: str) -> str:
    """Eight hexadecimal digits that identify the text."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def shortened_uid(uid: str, text: str) -> str:
    """The first 31 characters of a uid and a hash of the text, 40 characters at most."""
    return f"{uid[:31]}-{short_hash(text)}"


def department_uid(site: Site, department: str) -> str:
    """`kpi-dept-<slug>`, with a hash if the slug is too long, empty, or not unique."""
    name = slug(department)
    uid = f"kpi-dept-{name}"
    if name and len(uid) <= _LONGEST_UID and sum(slug(other) == name for other in site.departments) == 1:
        return uid
    return shortened_uid(uid, department).replace("--", "-")


def contact_uid(name: str) -> str:
    """The uid of a contact point."""
    uid = f"kpi-{name}"
    return uid if len(uid) <= _LONGEST_UID else shortened_uid(uid, name)


def folder_title(config: Config, kind: str) -> str:
    """The title of a folder in Grafana."""
    return config.dashboards.folder if kind == MAIN_FOLDER else f"{config.dashboards.folder} {kind}"


def folder_uid(title: str) -> str:
    """The uid of the folder with this title."""
    name = slug(title)
    if name and len(name) <= _LONGEST_UID and name.replace("-", " ") == title.lower():
        return name
    return shortened_uid(name, title).strip("-")


def stable_panel_id(name: str) -> int:
    """A panel id that depends on a name alone. Panels that every config has use ids below 1000."""
    return 1000 + int(hashlib.sha256(name.encode()).hexdigest()[:7], 16)
