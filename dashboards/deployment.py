"""Where things are, as the generated files name them: addresses of the programs and paths in their file systems."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from exporter.config.fields import Secret


@dataclass(frozen=True, slots=True)
class Places:
    """The defaults are those of the compose file."""

    exporter: str = "exporter:9940"
    """Where Prometheus scrapes."""
    alertmanager: str = "alertmanager:9093"
    """Where Prometheus and Grafana find Alertmanager."""
    prometheus: str = "localhost:9090"
    """Where Prometheus finds itself."""
    config_dir: str = "/app/config"
    """The folder of the config, as Alertmanager and Grafana see it: secret files are relative to it."""
    dashboards_dir: str = "/etc/kpi/grafana/dashboards"
    """The folder of the generated dashboards, as Grafana sees it."""

    def secret_file(self, secret: Secret) -> str:
        """The file a secret is read from: its own, or one named like its variable in `secrets` beside the config."""
        relative = f"../secrets/{secret.env}" if secret.env else str(secret.file)
        return posixpath.normpath(posixpath.join(self.config_dir, relative))
