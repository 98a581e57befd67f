"""A Grafana that speaks the part of the HTTP API that pushing uses, with its statuses and oddities."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import httpx

Json = dict[str, Any]

TOKEN = "glsa_canary"


@dataclass
class FakeGrafana:
    """Folders, dashboards and alert rules by uid; `log` lists the changing requests."""

    sources: set[str] = field(default_factory=lambda: {"kpi-prometheus"})
    folders: dict[str, Json] = field(default_factory=dict)
    dashboards: dict[str, Json] = field(default_factory=dict)
    rules: dict[str, Json] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    trouble: Callable[[httpx.Request], httpx.Response | None] = lambda _: None

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return httpx.Response(401, json={"message": "Invalid API key"})
        spoilt = self.trouble(request)
        if spoilt is not None:
            return spoilt
        if request.method != "GET":
            self.log.append(f"{request.method} {request.url.path}")
        body = json.loads(request.content) if request.content else {}
        parts = [unquote(part) for part in request.url.path.split("/api/", 1)[1].split("/")]
        handler = {
            "datasources": self._data_source,
            "folders": self._folder,
            "search": self._search,
            "dashboards": self._dashboard,
            "v1": self._rule,
        }[parts[0]]
        return handler(request, parts, body)

    def _data_source(self, _: httpx.Request, parts: list[str], __: Json) -> httpx.Response:
        uid = parts[2]
        return httpx.Response(200, json={"uid": uid}) if uid in self.sources else _missing()

    def _folder(self, request: httpx.Request, parts: list[str], body: Json) -> httpx.Response:
        if request.method == "POST":
            if body["uid"] in self.folders:
                return httpx.Response(412, json={"message": "a folder with that uid already exists"})
            self.folders[body["uid"]] = {"uid": body["uid"], "title": body["title"]}
            return httpx.Response(200, json=self.folders[body["uid"]])
        if parts[1] not in self.folders:
            return _missing()
        if request.method == "PUT":
            self.folders[parts[1]]["title"] = body["title"]
        return httpx.Response(200, json=self.folders[parts[1]])

    def _search(self, request: httpx.Request, _: list[str], __: Json) -> httpx.Response:
        tag = request.url.params["tag"]
        found = [e["dashboard"] for e in self.dashboards.values() if tag in e["dashboard"]["tags"]]
        return httpx.Response(200, json=[{"uid": d["uid"], "title": d["title"]} for d in found])

    def _dashboard(self, request: httpx.Request, parts: list[str], body: Json) -> httpx.Response:
        if parts[1] == "db":
            return self._save(body)
        entry = self.dashboards.get(parts[2])
        if entry is None:
            return _missing()
        if request.method == "DELETE":
            del self.dashboards[parts[2]]
        return httpx.Response(200, json=entry)

    def _save(self, body: Json) -> httpx.Response:
        if body["folderUid"] not in self.folders:
            return httpx.Response(400, json={"message": "folder not found"})
        uid = body["dashboard"]["uid"]
        version = self.dashboards.get(uid, {"dashboard": {"version": 0}})["dashboard"]["version"] + 1
        saved = {**body["dashboard"], "id": len(self.dashboards) + 1, "version": version}
        self.dashboards[uid] = {"dashboard": saved, "meta": {"folderUid": body["folderUid"], "provisioned": False}}
        return httpx.Response(200, json={"uid": uid, "status": "success", "version": version})

    def _rule(self, request: httpx.Request, parts: list[str], body: Json) -> httpx.Response:
        assert parts[1:3] == ["provisioning", "alert-rules"]
        if len(parts) == 3 and request.method == "GET":
            return httpx.Response(200, json=list(self.rules.values()))
        uid = parts[3] if len(parts) > 3 else body["uid"]
        if request.method == "DELETE":
            del self.rules[uid]
            return httpx.Response(204)
        if request.method == "PUT" and uid not in self.rules:
            return _missing()
        if request.method == "POST" and uid in self.rules:
            return httpx.Response(409, json={"message": "rule already exists"})
        self.rules[uid] = {**body, "id": 1, "updated": "2026-01-01T00:00:00Z", "provenance": "api"}
        return httpx.Response(201 if request.method == "POST" else 200, json=self.rules[uid])


def _missing() -> httpx.Response:
    return httpx.Response(404, json={"message": "not found"})
