"""Command lines that start Prometheus, Alertmanager and Grafana on this machine, with the generated files."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def prometheus_command(program: str, folder: Path, port: int) -> list[str]:
    """Prometheus with the generated config, and its database in the folder."""
    generated = folder / "generated/prometheus"
    return [
        program,
        f"--config.file={generated / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
        *(generated / "flags").read_text().split(),
    ]


def alertmanager_command(program: str, folder: Path, port: int) -> list[str]:
    """Alertmanager without a cluster."""
    return [
        program,
        f"--config.file={folder / 'generated/alertmanager/alertmanager.yml'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]


def grafana_command(program: str) -> list[str]:
    """Grafana with the home path of its installation."""
    candidates = (Path(program).resolve().parent.parent, Path("/usr/share/grafana"))
    home = next((path for path in candidates if (path / "conf/defaults.ini").is_file()), None)
    server = [program, "server"] if Path(program).name == "grafana" else [program]
    return [*server, *(["--homepath", str(home)] if home else [])]


def grafana_environment(folder: Path, port: int) -> dict[str, str]:
    """Anonymous viewers on this machine; a random administrator's password that is not shown."""
    data, generated = (folder / "grafana").resolve(), (folder / "generated/grafana").resolve()
    return {
        **os.environ,
        "GF_PATHS_DATA": str(data),
        "GF_PATHS_LOGS": str(data / "log"),
        "GF_PATHS_PLUGINS": str(data / "plugins"),
        "GF_PATHS_PROVISIONING": str(generated / "provisioning"),
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(generated / "dashboards/kpi/overview.json"),
        "GF_SERVER_HTTP_ADDR": "127.0.0.1",
        "GF_SERVER_HTTP_PORT": str(port),
        "GF_SECURITY_ADMIN_PASSWORD": secrets.token_urlsafe(24),
        "GF_AUTH_ANONYMOUS_ENABLED": "true",
        "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
    }
