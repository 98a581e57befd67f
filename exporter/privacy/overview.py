"""What is kept about people, for how long and where it goes, by the config."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from exporter.config.fields import Scope, duration_text
from exporter.config.root import Config
from exporter.records import person_column


@dataclass(frozen=True, slots=True)
class PrivacyNote:
    """One statement about personal data: what it is about, and what the config makes of it."""

    topic: str
    text: str


def overview(config: Config) -> tuple[PrivacyNote, ...]:
    """What is kept about whom, for how long, and where it goes."""
    on_request = PrivacyNote("on request", "kpi-exporter forget --person WHO; see docs/privacy.md")
    return (*_kept(config), *_exposed(config), on_request)


def _kept(config: Config) -> Iterator[PrivacyNote]:
    for source in config.sources:
        owned = [f"{entity} ({column})" for entity in source.reads if (column := person_column(entity)) is not None]
        parts = ["name, email, team, manager and attributes of each person"] if "people" in source.reads else []
        parts += [f"who owns or handles {', '.join(owned)}"] if owned else []
        if parts:
            yield PrivacyNote(f"source {source.name}", "; ".join(parts))
    members = sorted({member.person for team in config.teams for member in team.members})
    if members:
        count = f"{len(members)} members of teams" if len(members) > 1 else "one member of a team"
        yield PrivacyNote("config", f"{count}, by name, email or id, in the file itself")
    yield PrivacyNote("former people", _former(config))
    retention = duration_text(config.history.retention)
    yield PrivacyNote("store", f"current records, and superseded versions of them for {retention}, in kpi.duckdb")


def _emailed(config: Config) -> Iterator[PrivacyNote]:
    """Where addresses go if alerts are about teams or persons."""
    alerts = [(kpi.name, kpi.alerts) for kpi in config.kpis if kpi.alerts is not None]
    persons = [name for name, each in alerts if each.emails_persons()]
    if persons:
        path = "/metrics/people" if config.privacy.people == "separate" else "/metrics"
        text = f"emails of people with a value of {', '.join(persons)}, as a label of person_email_info on {path}"
        yield PrivacyNote("alerts", f"{text} and of their alerts, so that Alertmanager can write to them")
    leads = {team.lead for team in config.teams if team.lead is not None}
    if leads and any(each.emails_leads() for _, each in alerts):
        whose = f"emails of {len(leads)} leads of teams" if len(leads) > 1 else "the email of a team's lead"
        yield PrivacyNote("alerts", f"{whose}, in the config and in Alertmanager's, and in no series")
    if to_leads := [name for name, each in alerts if Scope.PERSON in each.scopes and each.emails_leads()]:
        yield PrivacyNote("alerts", f"leads read who in their team is off track in {', '.join(to_leads)}")


def _former(config: Config) -> str:
    keep = config.privacy.keep_people
    if keep is None:
        return "people whom a source no longer lists are kept with their names, until privacy.keep_people says how long"
    return (
        f"people whom no source lists lose id, name, email and attributes {duration_text(keep)} after the last complete"
        " list without them, unless the config names them; their figures go on under a random token"
    )


def _exposed(config: Config) -> Iterator[PrivacyNote]:
    kpis = [kpi.name for kpi in config.kpis if Scope.PERSON in kpi.scopes]
    if kpis:
        path = "/metrics/people" if config.privacy.people == "separate" else "/metrics"
        text = f"labels team and person on {path}, for {', '.join(kpis)} and their metrics"
        yield PrivacyNote("series", f"{text}; Prometheus keeps them, and Grafana shows them")
        yield PrivacyNote("ledger", f"final results of persons, for {', '.join(kpis)}, kept indefinitely")
        if config.privacy.people == "included":
            yield PrivacyNote("status page", "values by person, under their names")
    else:
        yield PrivacyNote("series", "no value of a single person: no KPI has the scope person")
    yield from _emailed(config)
    for metric in config.metrics:
        if (person := person_column(metric.entity)) is not None and person in metric.by:
            yield PrivacyNote("series", f"{metric.name} has the label {person}: what the source calls the person")
    yield PrivacyNote("backups", "everything that the store has, kept until you delete them")
