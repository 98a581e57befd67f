"""Secrets stay in: whatever the vendor does, none shows in a message, a log line, an answer or what is stored."""

from __future__ import annotations

import base64
import logging
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from exporter.errors import SourceError
from exporter.passes import Page
from exporter.sources.providers.rest import create
from tests.fakes.raw import CLOSE, RESET, Pause, RawRequest, RawServer, Script, ScriptStep, json_response, raw_response
from tests.sources.source_context import FakeClock, pages_of, rest, run, source_context

CANARY = "canary/7f3a+secret=="
FORMS = (CANARY, quote(CANARY, safe=""), base64.b64encode(CANARY.encode()).decode(), "7f3a")
KEY = {"env": "CANARY"}
LOGIN = base64.b64encode(f"user:{CANARY}".encode()).decode()
AUTHS: dict[str, dict[str, Any]] = {
    "bearer": {"bearer": KEY},
    "basic": {"basic": {"user": "user", "password": KEY}},
    "header": {"header": {"name": "X-Api-Key", "value": KEY}},
    "query": {"query": {"name": "apikey", "value": KEY}},
    "client credentials": {"oauth": {"client_id": "app", "client_secret": KEY}},
    "refresh token": {"oauth": {"client_id": "app", "client_secret": KEY, "refresh_token": KEY}},
}


def echo(seen: RawRequest) -> list[ScriptStep]:
    """Repeats everything it got: in the body, in headers and in the links."""
    everything = f"{seen.target} {seen.headers} {seen.body!r}"
    body = {"data": [], "error": everything, "next": f"/rows?apikey={quote(CANARY)}&page=2", "access_token": CANARY}
    return [json_response(body, headers=[("x-echo", quote(everything))])]


def refusing(status: int) -> Script:
    return lambda seen: [raw_response(str(seen).encode(), status, [("location", f"https://evil.test/?{CANARY}")])]


FAULTS: dict[str, Script] = {
    "echo": echo,
    "redirect": refusing(302),
    "bad request": refusing(400),
    "unauthorized": refusing(401),
    "forbidden": refusing(403),
    "limit": refusing(429),
    "server error": refusing(500),
    "html": lambda seen: [raw_response(f"<p>{seen}".encode(), kind="text/html")],
    "cut json": lambda seen: [raw_response(f'{{"data": ["{seen.target}'.encode())],
    "reset": lambda _: [RESET],
    "no http": lambda seen: [f"{seen.target}\r\n\r\n".encode(), CLOSE],
    "cut body": lambda _: [raw_response(b"{", length=99), CLOSE],
    "silence": lambda _: [Pause(30)],
}


async def attempt(script: Script, auth: str, data_dir: Path) -> tuple[list[Page], SourceError | None]:
    """One pass against a server that answers by the script, token endpoint included."""
    async with RawServer(script) as server:
        way = dict(AUTHS[auth])
        if "oauth" in way:
            way["oauth"] = {**way["oauth"], "token_url": f"{server.url}/token"}
        listing = {"pagination": {"next_link": {"path": "next"}}, "max_pages": 3}
        options = rest(listing, base_url=server.url, auth=way, allow_insecure=True, allow_private=True)
        options = options.model_copy(update={"timeout": options.timeout / 300})
        context = source_context(clock=FakeClock(), data_dir=data_dir, CANARY=CANARY)
        source = create(options, context)
        pages: list[Page] = []
        try:
            pages += await pages_of(source)
        except SourceError as error:
            return pages, error
        finally:
            await source.close()
    return pages, None


@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize("fault", FAULTS)
def test_no_failure_reveals_a_secret(
    auth: str, fault: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    pages, error = run(attempt(FAULTS[fault], auth, tmp_path))
    assert error is not None or fault == "echo"
    shown = [caplog.text, *capfd.readouterr(), *(str(page.resume) for page in pages), *(repr(page) for page in pages)]
    if error is not None:
        shown += [str(error), repr(error), "".join(traceback.format_exception(error))]
    for text in shown:
        for form in (*FORMS, LOGIN):
            assert form not in text


def test_an_invalid_header_secret_is_not_shown_in_the_librarys_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    source = create(rest({}, auth=AUTHS["bearer"]), source_context(CANARY="7f3a\nsecret"))
    with pytest.raises(SourceError) as caught:
        run(pages_of(source))
    assert "7f3a" not in "".join(traceback.format_exception(caught.value)) + caplog.text


def test_options_and_credentials_do_not_print_secrets() -> None:
    context = source_context(CANARY=CANARY)
    options = rest({}, auth=AUTHS["query"])
    source = create(options, context)
    assert CANARY not in repr(options) + repr(vars(source))
