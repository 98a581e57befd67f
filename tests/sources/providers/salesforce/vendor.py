"""Salesforce in memory: the SOQL that the provider uses, a recycle bin, results in parts, a quota and its own errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.sources.source_context import NOW

Row = dict[str, Any]

SECRET, HOST = "sf_canary", "https://acme.my.salesforce.com"
FIELDS = {
    "Opportunity": "Id SystemModstamp IsDeleted Name Amount StageName IsClosed IsWon OwnerId CreatedDate CloseDate "
    "Type AccountId LeadSource Region__c",
    "Lead": "Id SystemModstamp IsDeleted Status IsConverted ConvertedDate OwnerId CreatedDate LeadSource",
    "Task": "Id SystemModstamp IsDeleted Status IsClosed OwnerId CreatedDate TaskSubtype ActivityDate "
    "CompletedDateTime",
    "Case": "Id SystemModstamp IsDeleted Status IsClosed OwnerId CreatedDate Origin Priority ClosedDate",
    "User": "Id SystemModstamp Name Email IsActive Department ManagerId",
}

_QUERY = re.compile(
    r"SELECT (?P<fields>[\w, ]+) FROM (?P<object>\w+)(?: WHERE (?P<where>.+))? ORDER BY SystemModstamp, Id LIMIT 2000"
)
_AFTER = re.compile(r"\(SystemModstamp > (\S+) OR \(SystemModstamp = \1 AND Id > '(\w+)'\)\)")
_SINCE, _UNTIL = re.compile(r"SystemModstamp >= (\S+)"), re.compile(r"SystemModstamp < (\S+)")


def stamp(at: datetime) -> str:
    """A time in Salesforce's format: its offset has no colon."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}+0000"


def key(number: int, prefix: str = "006") -> str:
    """An 18-character id."""
    return f"{prefix}{number:015}"


def error(code: str, status: int = 400) -> httpx.Response:
    """An error response, which is a list."""
    return httpx.Response(status, json=[{"message": "said at length", "errorCode": code}])


@dataclass
class Salesforce:
    """One org. A result has at most `limit` rows and a part `part_size`; queries of ranges longer than `slow` time out."""

    limit: int = 2000
    part_size: int = 2000
    slow: timedelta | None = None
    before: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
    fields: dict[str, set[str]] = field(default_factory=lambda: {k: set(v.split()) for k, v in FIELDS.items()})
    rows: dict[str, dict[str, Row]] = field(default_factory=lambda: {name: {} for name in FIELDS})
    usage: str = "api-usage=10/15000"
    tokens: int = 0
    log: list[httpx.Request] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    results: dict[str, list[Row]] = field(default_factory=dict)

    def opportunity(self, number: int, at: datetime = NOW - timedelta(days=1), **fields: Any) -> None:
        """Creates or changes an opportunity at a time."""
        plain: Row = {
            "Id": key(number), "IsDeleted": False, "Name": f"Deal {number}", "Amount": 1000.25,
            "StageName": "Prospecting", "IsClosed": False, "IsWon": False, "OwnerId": key(1, "005"),
            "CreatedDate": stamp(NOW - timedelta(days=9)),
            "CloseDate": "2026-04-30", "Type": None, "AccountId": key(1, "001"), "LeadSource": "Web",
        }  # fmt: skip
        existing = self.rows["Opportunity"].get(key(number), {})
        self.rows["Opportunity"][key(number)] = {**plain, **existing, **fields, "SystemModstamp": stamp(at)}

    def put(self, name: str, **fields: Any) -> None:
        """Adds a row of any object."""
        number = len(self.rows[name]) + 1
        row = {"Id": key(number), "IsDeleted": False, "SystemModstamp": stamp(NOW - timedelta(hours=1)), **fields}
        self.rows[name][row["Id"]] = row

    def transport(self) -> httpx.MockTransport:
        """The vendor without a network."""
        return httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The response to one request."""
        self.log.append(request)
        if request.url.path == "/services/oauth2/token":
            self.tokens += 1
            return httpx.Response(200, json={"access_token": f"token{self.tokens}", "instance_url": HOST})
        if request.headers.get("authorization") != f"Bearer token{self.tokens}":
            return error("INVALID_SESSION_ID", 401)
        response = self.before(request) or self._routed(request)
        response.headers["sforce-limit-info"] = self.usage
        return response

    def _routed(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if described := re.fullmatch(r"/services/data/v64\.0/sobjects/(\w+)/describe", path):
            names = self.fields.get(described[1])
            if names is None:
                return error("NOT_FOUND", 404)
            return httpx.Response(200, json={"fields": [{"name": name} for name in sorted(names)]})
        if path == "/services/data/v64.0/queryAll":
            return self._query(request.url.params["q"])
        if link := re.fullmatch(r"/services/data/v64\.0/query/(\w+)", path):
            return self._parts(link[1])
        return error("NOT_FOUND", 404)

    def _query(self, text: str) -> httpx.Response:
        self.queries.append(text)
        query = _QUERY.fullmatch(text)
        if query is None:
            return error("MALFORMED_QUERY")
        names = [name.strip() for name in query["fields"].split(",")]
        if not set(names) <= self.fields[query["object"]]:
            return error("INVALID_FIELD")
        where = query["where"] or ""
        if self.slow is not None and self._width(where) > self.slow:
            return error("QUERY_TIMEOUT")
        rows = [row for row in self.rows[query["object"]].values() if _holds(row, where)]
        rows.sort(key=lambda row: (row["SystemModstamp"], row["Id"]))
        response = [{name: row.get(name) for name in names} for row in rows[: self.limit]]
        self.results["locator"] = response
        return self._parts("locator")

    def _width(self, where: str) -> timedelta:
        since, until = _SINCE.search(where), _UNTIL.search(where)
        after = _AFTER.search(where)
        low = _at((after or since)[1]) if after or since else datetime(1999, 1, 1, tzinfo=UTC)  # type: ignore[index]
        return (_at(until[1]) if until else NOW) - low

    def _parts(self, locator: str) -> httpx.Response:
        rows = self.results.get(locator)
        if rows is None:
            return error("INVALID_QUERY_LOCATOR")
        rest = rows[self.part_size :]
        body: Row = {"totalSize": len(rows), "done": not rest, "records": rows[: self.part_size]}
        if rest:
            following = f"{locator}x"
            self.results[following] = rest
            body["nextRecordsUrl"] = f"/services/data/v64.0/query/{following}"
        return httpx.Response(200, json=body)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _holds(row: Row, where: str) -> bool:
    mine = _at(row["SystemModstamp"])
    if after := _AFTER.search(where):
        if not (mine > _at(after[1]) or (mine == _at(after[1]) and row["Id"] > after[2])):
            return False
    elif (since := _SINCE.search(where)) and mine < _at(since[1]):
        return False
    until = _UNTIL.search(where.replace(">=", ""))
    return until is None or mine < _at(until[1])
