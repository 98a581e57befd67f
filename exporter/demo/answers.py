"""What the shapes answer with: JSON, or a refusal that is raised where it is noticed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

HTML = "text/html"


class ApiError(Exception):
    """A request is answered with an error: JSON, or a page of HTML where the body is text."""

    def __init__(self, status: int, body: Mapping[str, Any] | str, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.body, self.headers = status, body, headers or {}
        super().__init__(status)

    def answer(self) -> Response:
        """As it goes out."""
        if isinstance(self.body, str):
            return Response(self.body, self.status, dict(self.headers), HTML)
        return json_response(self.status, self.body, self.headers)


def json_response(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(body), status, dict(headers or {}), "application/json")
