"""The same for a cluster: a PrometheusRule, and ConfigMaps that Grafana's sidecar picks up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.documents import yaml_text
from dashboards.provisioning import folder_title
from exporter.config.root import Config

_NAME = "kpi-exporter"
_LABELS = {"app.kubernetes.io/name": _NAME}
_LONGEST_NAME = 253


def kubernetes_files(
    config: Config,
    rule_groups: Sequence[Mapping[str, Any]],
    dashboards: Mapping[str, tuple[str, str]],
    data_sources: str,
    alerting: str,
) -> dict[str, str]:
    """Path to text. `dashboards` is name to folder and JSON; `alerting` may be empty."""
    files = {
        "kubernetes/rules.yaml": yaml_text(
            {
                "apiVersion": "monitoring.coreos.com/v1",
                "kind": "PrometheusRule",
                "metadata": {"name": _NAME, "labels": _LABELS},
                "spec": {"groups": list(rule_groups)},
            }
        ),
        "kubernetes/datasources.yaml": _config_map("datasources", "grafana_datasource", {"kpi.yaml": data_sources}),
    }
    if alerting:
        files["kubernetes/alerting.yaml"] = _config_map("alerting", "grafana_alert", {"kpi.yaml": alerting})
    for name, (folder, text) in dashboards.items():
        files[f"kubernetes/dashboards/{name}.yaml"] = _config_map(
            f"dashboard-{name}",
            "grafana_dashboard",
            {f"{name}.json": text},
            {"grafana_folder": folder_title(config, folder)},
        )
    return files


def _config_map(name: str, label: str, data: Mapping[str, str], annotations: Mapping[str, str] | None = None) -> str:
    metadata: dict[str, Any] = {
        "name": f"{_NAME}-{name}"[:_LONGEST_NAME].rstrip("-"),
        "labels": {**_LABELS, label: "1"},
    }
    if annotations:
        metadata["annotations"] = dict(annotations)
    return yaml_text({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)})
