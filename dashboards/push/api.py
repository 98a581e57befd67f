"""The part of Grafana's HTTP API that pushing needs. The token is only ever sent to the address that was given."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

import httpx

from exporter.errors import ExporterError

Json = dict[str, Any]

_TIMEOUT = 30.0
_LONGEST_MESSAGE = 300
_MOST = 5000


class PushError(ExporterError):
    """Grafana cannot be reached or refuses what is sent; the message never holds the token."""


class GrafanaApi:
    """A session with one Grafana. All methods raise PushError."""

    def __init__(self, url: str, token: str, transport: httpx.BaseTransport | None = None) -> None:
        self._client = httpx.Client(
            base_url=url.rstrip("/"),
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=_TIMEOUT,
            follow_redirects=False,
            trust_env=False,
            transport=transport,
        )

    def __enter__(self) -> GrafanaApi:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def data_source(self, uid: str) -> Json | None:
        """A data source, or None."""
        return self._found(f"/api/datasources/uid/{uid}")

    def folder(self, uid: str) -> Json | None:
        """A folder, or None."""
        return self._found(f"/api/folders/{uid}")

    def make_folder(self, uid: str, title: str) -> None:
        """Creates a folder."""
        self._send("POST", "/api/folders", {"uid": uid, "title": title})

    def rename_folder(self, uid: str, title: str) -> None:
        """Gives a folder another title."""
        self._send("PUT", f"/api/folders/{uid}", {"title": title, "overwrite": True})

    def dashboards(self, tag: str) -> list[Json]:
        """All dashboards with a tag: uid and title."""
        found: list[Json] = self._send(
            "GET", "/api/search", params={"type": "dash-db", "tag": tag, "limit": str(_MOST)}
        )
        return found

    def dashboard(self, uid: str) -> Json | None:
        """A dashboard with its `meta`, or None."""
        return self._found(f"/api/dashboards/uid/{uid}")

    def save_dashboard(self, dashboard: Json, folder: str) -> None:
        """Creates or replaces a dashboard."""
        content = {"dashboard": dashboard, "folderUid": folder, "overwrite": True, "message": "kpi-exporter"}
        self._send("POST", "/api/dashboards/db", content)

    def delete_dashboard(self, uid: str) -> None:
        """Deletes a dashboard."""
        self._send("DELETE", f"/api/dashboards/uid/{uid}")

    def alert_rules(self) -> list[Json]:
        """All alert rules."""
        found: list[Json] = self._send("GET", "/api/v1/provisioning/alert-rules")
        return found

    def save_alert_rule(self, rule: Json, *, exists: bool) -> None:
        """Creates or replaces an alert rule."""
        path = "/api/v1/provisioning/alert-rules"
        if exists:
            self._send("PUT", f"{path}/{rule['uid']}", rule)
        else:
            self._send("POST", path, rule)

    def delete_alert_rule(self, uid: str) -> None:
        """Deletes an alert rule."""
        self._send("DELETE", f"/api/v1/provisioning/alert-rules/{uid}")

    def _found(self, path: str) -> Json | None:
        answer: Json | None = self._send("GET", path, missing_is_none=True)
        return answer

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
            answer = self._client.request(method, path, json=content, params=params)
        except httpx.HTTPError as error:
            raise PushError(f"Grafana cannot be reached: {type(error).__name__} at {method} {path}") from None
        if answer.status_code == httpx.codes.NOT_FOUND and missing_is_none:
            return None
        if not answer.is_success:
            raise PushError(f"{_ADVICE.get(answer.status_code, 'Grafana refuses')}: {method} {path}: {_said(answer)}")
        try:
            return answer.json() if answer.content else None
        except ValueError:
            raise PushError(f"what answers at {path} is not Grafana's API") from None


_ADVICE = {
    301: "Grafana is at another address, give that with --url",
    302: "Grafana is at another address, give that with --url",
    401: "the token is not accepted",
    403: "the token lacks a permission: it needs the Editor role, and for alert rules Admin",
    412: "Grafana holds something else under that name",
}


def _said(answer: httpx.Response) -> str:
    """The server's own words, shortened."""
    try:
        message = str(answer.json().get("message", ""))
    except (ValueError, AttributeError):
        message = ""
    return f"{answer.status_code} {message[:_LONGEST_MESSAGE]}".strip()
