"""A client for the part of Grafana's HTTP API that a push needs. It sends the token only to the given address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from dashboards.encoding import Json
from exporter.errors import ExporterError

_TIMEOUT_SECONDS = 30.0
_LONGEST_MESSAGE = 300
_MOST_DASHBOARDS = 5000
_ALERT_RULES = "/api/v1/provisioning/alert-rules"
_HINTS = {
    301: "Grafana redirects to another address: pass that with --url",
    302: "Grafana redirects to another address: pass that with --url",
    401: "Grafana rejects the token",
    403: "the token lacks a permission: it needs the Editor role, and for alert rules Admin",
    412: "another object in Grafana has that name",
}


class PushError(ExporterError):
    """Grafana cannot be reached or rejects a request. The message never contains the token."""


class GrafanaApi:
    """A client of one Grafana. All methods raise PushError."""

    def __init__(self, url: str, token: str, transport: httpx.BaseTransport | None = None) -> None:
        self._client = httpx.Client(
            base_url=url.rstrip("/"),
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=_TIMEOUT_SECONDS,
            follow_redirects=False,
            trust_env=False,
            transport=transport,
        )

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()

    def data_source(self, uid: str) -> Json | None:
        """A data source, or None."""
        return self._get(f"/api/datasources/uid/{uid}")

    def folder(self, uid: str) -> Json | None:
        """A folder, or None."""
        return self._get(f"/api/folders/{uid}")

    def create_folder(self, uid: str, title: str) -> None:
        """Creates a folder."""
        self._send("POST", "/api/folders", {"uid": uid, "title": title})

    def rename_folder(self, uid: str, title: str) -> None:
        """Changes the title of a folder."""
        self._send("PUT", f"/api/folders/{uid}", {"title": title, "overwrite": True})

    def dashboards(self, tag: str) -> list[Json]:
        """The uid and title of all dashboards with a tag."""
        dashboards: list[Json] = self._send(
            "GET", "/api/search", params={"type": "dash-db", "tag": tag, "limit": str(_MOST_DASHBOARDS)}
        )
        return dashboards

    def dashboard(self, uid: str) -> Json | None:
        """A dashboard with its `meta`, or None."""
        return self._get(f"/api/dashboards/uid/{uid}")

    def save_dashboard(self, dashboard: Json, folder: str) -> None:
        """Creates or replaces a dashboard."""
        content = {"dashboard": dashboard, "folderUid": folder, "overwrite": True, "message": "kpi-exporter"}
        self._send("POST", "/api/dashboards/db", content)

    def delete_dashboard(self, uid: str) -> None:
        """Deletes a dashboard."""
        self._send("DELETE", f"/api/dashboards/uid/{uid}")

    def alert_rules(self) -> list[Json]:
        """All alert rules."""
        rules: list[Json] = self._send("GET", _ALERT_RULES)
        return rules

    def save_alert_rule(self, rule: Json, *, exists: bool) -> None:
        """Creates or replaces an alert rule."""
        method, path = ("PUT", f"{_ALERT_RULES}/{rule['uid']}") if exists else ("POST", _ALERT_RULES)
        self._send(method, path, rule)

    def delete_alert_rule(self, uid: str) -> None:
        """Deletes an alert rule."""
        self._send("DELETE", f"{_ALERT_RULES}/{uid}")

    def _get(self, path: str) -> Json | None:
        content: Json | None = self._send("GET", path, missing_is_none=True)
        return content

    def _send(
        self,
        method: str,
        path: str,
        content: Json | None = None,
        params: Mapping[str, str] | None = None,
        *,
        missing_is_none: bool = False,
    ) -> Any:
        try:
            response = self._client.request(method, path, json=content, params=params)
        except httpx.HTTPError as error:
            raise PushError(f"cannot reach Grafana: {type(error).__name__} at {method} {path}") from None
        if response.status_code == httpx.codes.NOT_FOUND and missing_is_none:
            return None
        if not response.is_success:
            hint = _HINTS.get(response.status_code, "Grafana rejects the request")
            raise PushError(f"{hint}: {method} {path}: {_message(response)}")
        try:
            return response.json() if response.content else None
        except ValueError:
            raise PushError(f"the response at {path} is not from Grafana's API") from None


def _message(response: httpx.Response) -> str:
    """The server's message, shortened."""
    try:
        message = str(response.json().get("message", ""))
    except (ValueError, AttributeError):
        message = ""
    return f"{response.status_code} {message[:_LONGEST_MESSAGE]}".strip()
