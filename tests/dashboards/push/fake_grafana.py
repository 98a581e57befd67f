"""A fake Grafana: the part of the HTTP API that a push uses, with its status codes and peculiarities."""

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
    """Folders, dashboards and alert rules by uid. `log` lists the requests that change something."""

    sources: set[str] = field(default_factory=lambda: {"kpi-prometheus"})
    folders: dict[str, Json] = field(default_factory=dict)
    dashboards: dict[str, Json] = field(default_factory=dict)
    rules: dict[str, Json] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    failure: Callable[[httpx.Request], httpx.Response | None] = lambda _: None

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return httpx.Response(401, json={"message": "Invalid API key"})
        response = self.failure(request)
        if response is not None:
            return response
        if request.method != "GET":
            self.log.append(f"{request.method} {request.url.path}")
        body = json.loads(request.content) if request.content else {}
        segments = [unquote(segment) for segment in request.url.path.split("/api/", 1)[1].split("/")]
        handler = {
            "datasources": self._data_source,
            "folders": self._folder,
            "search": self._search,
            "dashboards": self._dashboard,
            "v1": self._rule,
        }[segments[0]]
        return handler(request, segments, body)

    def _data_source(self, _: httpx.Request, segments: list[str], __: Json) -> httpx.Response:
        uid = segments[2]
        return httpx.Response(200, json={"uid": uid}) if uid in self.sources else _missing()

    def _folder(self, request: httpx.Request, segments: list[str], body: Json) -> httpx.Response:
        if request.method == "POST":
            if body["uid"] in self.folders:
                return httpx.Response(412, json={"message": "a folder with that uid already exists"})
            self.folders[body["uid"]] = {"uid": body["uid"], "title": body["title"]}
            return httpx.Response(200, json=self.folders[body["uid"]])
        if segments[1] not in self.folders:
            return _missing()
        if request.method == "PUT":
            self.folders[segments[1]]["title"] = body["title"]
        return httpx.Response(200, json=self.folders[segments[1]])

    def _search(self, request: httpx.Request, _: list[str], __: Json) -> httpx.Response:
        tag = request.url.params["tag"]
        matches = [e["dashboard"] for e in self.dashboards.values() if tag in e["dashboard"]["tags"]]
        return httpx.Response(200, json=[{"uid": d["uid"], "title": d["title"]} for d in matches])

    def _dashboard(self, request: httpx.Request, segments: list[str], body: Json) -> httpx.Response:
        if segments[1] == "db":
            return self._save(body)
        entry = self.dashboards.get(segments[2])
        if entry is None:
            return _missing()
        if request.method == "DELETE":
            del self.dashboards[segments[2]]
        return httpx.Response(200, json=entry)

    def _save(self, body: Json) -> httpx.Response:
        if body["folderUid"] not in self.folders:
            return httpx.Response(400, json={"message": "folder not found"})
        uid = body["dashboard"]["uid"]
        version = self.dashboards.get(uid, {"dashboard": {"version": 0}})["dashboard"]["version"] + 1
        saved = {**body["dashboard"], "id": len(self.dashboards) + 1, "version": version}
        self.dashboards[uid] = {"dashboard": saved, "meta": {"folderUid": body["folderUid"], "provisioned": False}}
        return httpx.Response(200, json={"uid": uid, "status": "success", "version": version})

    def _rule(self, request: httpx.Request, segments: list[str], body: Json) -> httpx.Response:
        assert segments[1:3] == ["provisioning", "alert-rules"]
        if len(segments) == 3 and request.method == "GET":
            return httpx.Response(200, json=list(self.rules.values()))
        uid = segments[3] if len(segments) > 3 else body["uid"]
        if request.method == "DELETE":
            del self.rules[uid]
            return httpx.Response(204)
        if request.method == "PUT" and uid not in self.rules:
            return _missing()
        if request.method == "POST" and uid in self.rules:
            return httpx.Response(409, json={"message": "rule already exists"})
        data = [self._stored(query) for query in body["data"]]
        self.rules[uid] = {**body, "data": data, "id": 1, "updated": "2026-01-01T00:00:00Z", "provenance": "api"}
        return httpx.Response(201 if request.method == "POST" else 200, json=self.rules[uid])

    @staticmethod
    def _stored(query: Json) -> Json:
        """A query as Grafana 12 stores it: with its own defaults for keys that the request leaves out."""
        model = {"intervalMs": 1000, "maxDataPoints": 43200} | query["model"]
        return {"queryType": ""} | query | {"model": model}


def _missing() -> httpx.Response:
    return httpx.Response(404, json={"message": "not found"})
