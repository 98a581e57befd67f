"""Where an alert leads: its dashboard, its panel, its section of the runbook."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from dashboards.defaults import RUNBOOK, stable_id
from dashboards.rules.model import Place
from exporter.config.root import Config


def dashboard_url(config: Config, place: Place) -> str:
    """The dashboard with the variables set."""
    variables = urlencode({f"var-{name}": value for name, value in place.variables.items()}, quote_via=quote)
    base = f"{config.dashboards.url.rstrip('/')}/d/{place.dashboard}"
    return f"{base}?{variables}" if variables else base


def panel_url(config: Config, place: Place) -> str:
    """The one panel, large."""
    whole = dashboard_url(config, place)
    return f"{whole}{'&' if '?' in whole else '?'}viewPanel={place.panel}"


def runbook_url(config: Config, alert: str) -> str:
    """The alert's section of the runbook, which is a dashboard too."""
    return panel_url(config, Place(RUNBOOK, stable_id(alert)))
