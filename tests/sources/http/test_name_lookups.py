"""A source's name is looked up once, and its connections go to the addresses that were checked."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from exporter.errors import Reason, SourceRejectedError, SourceUnavailableError
from exporter.sources.http.origin import BaseUrl
from exporter.sources.http.transport import HttpTransport
from tests.fakes.certificates import Authority
from tests.fakes.raw import RawRequest, RawServer, ScriptStep, json_response
from tests.sources.http.test_transport import Sent, send
from tests.sources.source_context import http_options, run, source_context


class NameServer:
    """Answers look-ups of one name with a list of addresses after the other; the last one stays."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
        self.lookups = 0
        original = socket.getaddrinfo

        def getaddrinfo(host: str, port: int, *args: object, **options: object) -> object:
            if host != "api.test":
                return original(host, port, *args, **options)  # type: ignore[arg-type]
            answer = answers[min(self.lookups, len(answers) - 1)]
            self.lookups += 1
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answer]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def ok(_: RawRequest) -> list[ScriptStep]:
    return [json_response({"rows": []})]


def test_a_name_that_is_answered_differently_the_second_time_leads_nowhere_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first answer is checked; a name server that then says 127.0.0.2 must not be asked again."""
    names = NameServer(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])

    async def work() -> tuple[Sent, list[RawRequest]]:
        async with RawServer(ok) as server:
            return await send(server.url.replace("127.0.0.1", "api.test")), server.log

    sent, requests = run(work())
    assert sent.reply is not None
    assert sent.reply.status == 200
    assert names.lookups == 1
    assert requests[0].headers["host"].startswith("api.test:")


def test_a_private_address_among_the_answers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    NameServer(monkeypatch, ["192.0.2.1", "127.0.0.1"])

    async def work() -> None:
        address = BaseUrl("https://api.test")
        transport = HttpTransport(http_options(), address, source_context())
        with pytest.raises(SourceRejectedError, match="allow_private"):
            await transport.send("GET", address.url("/rows"), {}, None)
        await transport.close()

    run(work())


def test_the_next_address_is_tried_if_nothing_listens_at_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    names = NameServer(monkeypatch, ["127.0.0.9", "127.0.0.1"])

    async def work() -> list[str]:
        async with RawServer(ok) as server:
            address = BaseUrl(server.url.replace("127.0.0.1", "api.test"), insecure=True, private=True)
            transport = HttpTransport(http_options(), address, source_context())
            for _ in range(2):
                reply = await transport.send("GET", address.url("/rows"), {}, None)
                assert reply.status == 200
            await transport.close()
            return list(transport._addresses)

    assert run(work()) == ["127.0.0.1", "127.0.0.9"]
    assert names.lookups == 1


def test_the_name_is_looked_up_again_if_no_address_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    names = NameServer(monkeypatch, ["127.0.0.9"], ["127.0.0.1"])

    async def work() -> None:
        async with RawServer(ok) as server:
            address = BaseUrl(server.url.replace("127.0.0.1", "api.test"), insecure=True, private=True)
            transport = HttpTransport(http_options(), address, source_context())
            with pytest.raises(SourceUnavailableError) as caught:
                await transport.send("GET", address.url("/rows"), {}, None)
            assert caught.value.reason is Reason.CONNECT
            assert (await transport.send("GET", address.url("/rows"), {}, None)).status == 200
            await transport.close()

    run(work())
    assert names.lookups == 2


def test_the_certificate_is_verified_for_the_name_not_the_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    NameServer(monkeypatch, ["127.0.0.1"])
    authority = Authority(tmp_path)
    named = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    named.load_cert_chain(authority.client("api.test"))  # a certificate for a DNS name

    async def work(certificate: ssl.SSLContext) -> Sent:
        async with RawServer(ok, tls=certificate) as server:
            url = server.url.replace("127.0.0.1", "api.test")
            return await send(url, ca_file=authority.ca_file)

    right = run(work(named))
    assert right.reply is not None
    wrong = run(work(authority.server("127.0.0.1")))
    assert wrong.error is not None
    assert wrong.error.reason is Reason.TLS
