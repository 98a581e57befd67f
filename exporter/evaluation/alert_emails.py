"""The addresses of the people whom alerts notify."""

from __future__ import annotations

from exporter.config.fields import Scope
from exporter.config.root import Config
from exporter.kpi.values import Evaluation
from exporter.metrics.people import Directory


def emails_for_alerts(config: Config, directory: Directory, evaluation: Evaluation) -> dict[str, str]:
    """The emails of active people who have a value of a KPI whose alerts notify persons, by the label of their series.

    Nobody else's: an address that no alert needs is not exposed.
    """
    kpis = {kpi.name for kpi in config.kpis if kpi.alerts is not None and kpi.alerts.emails_persons()}
    runs = (run for run in evaluation.kpi_runs if run.kpi in kpis and run.scope is Scope.PERSON)
    people = {value.person for run in runs for value in run.values if value.person is not None}
    return directory.emails(sorted(people), evaluation.at)
