"""Whom a database's client talks to: real servers with certificates, and what is believed of them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pymysql
import pytest

from exporter.config.sources.sql import SqlOptions
from exporter.errors import Reason, SourceError, SourceRejectedError
from exporter.sources.blocking import Cancellation
from exporter.sources.providers.sql_connection import rows
from exporter.sources.providers.sql_statement import SqlStatement
from tests.databases import mariadb, postgresql
from tests.fakes.certificates import Authority
from tests.sources.source_context import source_context
from tests.waiting import LIMIT, until

ENCRYPTED = {
    "postgresql": "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
    "mysql": "SELECT VARIABLE_VALUE <> '' FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'SSL_CIPHER'",
}

Server = tuple[dict[str, Any], Path]
"""How to reach it, and the folder with the authority's ca.pem."""


@pytest.fixture(scope="module", params=["postgresql", "mysql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("authority")
    chain = Authority(folder).chain("127.0.0.1")
    reached = {"engine": request.param, "host": "127.0.0.1", "user": "owner"}
    if request.param == "postgresql":
        with postgresql(chain) as port:
            yield {**reached, "port": port, "database": "postgres"}, folder
    else:
        with mariadb(chain) as (port, sock):
            with pymysql.connect(unix_socket=str(sock), user="root", autocommit=True) as root, root.cursor() as cursor:
                cursor.execute("CREATE USER owner@'127.0.0.1'")
            yield {**reached, "port": port, "database": "information_schema"}, folder


def options_for(server: Server, **given: Any) -> SqlOptions:
    return SqlOptions.model_validate({
        "name": "erp", "provider": "sql", **server[0], **given,
        "entities": [{"entity": "deals", "table": "orders", "columns": {"id": "nr"}}],
    })  # fmt: skip


def encrypted(server: Server, **given: Any) -> bool:
    options, folder = options_for(server, **given), server[1]
    with rows(
        options, source_context(base=folder), SqlStatement(ENCRYPTED[options.engine], ()), Cancellation()
    ) as found:
        return bool(next(found)[0])


def test_a_configured_private_authority_is_trusted(server: Server) -> None:
    assert encrypted(server, ca_file="ca.pem")


def test_a_server_that_no_public_authority_knows_is_refused_with_the_cure(server: Server) -> None:
    with pytest.raises(SourceRejectedError, match="check tls, and ca_file") as refused:
        encrypted(server)
    assert refused.value.reason is Reason.TLS


def test_a_certificate_for_another_host_is_refused(server: Server) -> None:
    with pytest.raises(SourceRejectedError) as refused:
        encrypted(server, host="localhost", ca_file="ca.pem")
    assert refused.value.reason is Reason.TLS


def test_without_verification_the_connection_is_still_encrypted(server: Server) -> None:
    assert encrypted(server, tls="require")


NAME = "db.test"


class NameServer:
    """Gives the addresses of one name, others at each look-up; the last ones from then on."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.lookups = 0
        self._resolve = socket.getaddrinfo

    def __call__(self, host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        if host not in (NAME, NAME.encode()):
            return self._resolve(host, port, *args, **kwargs)
        addresses = self.answers[min(self.lookups, len(self.answers) - 1)]
        self.lookups += 1
        return [entry for address in addresses for entry in self._resolve(address, port, type=socket.SOCK_STREAM)]


def test_a_server_is_reached_at_any_of_its_addresses(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", NameServer(["127.0.0.2", "127.0.0.1"]))
    assert encrypted(server, host=NAME, tls="require")


def test_a_name_that_resolves_to_a_link_local_address_is_refused(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", NameServer(["169.254.169.254"]))
    with pytest.raises(SourceRejectedError) as refused:
        encrypted(server, host=NAME)
    assert refused.value.reason is Reason.BLOCKED_ORIGIN


SLEEP = {"postgresql": "SELECT pg_sleep(3600)", "mysql": "SELECT SLEEP(3600)"}


def test_a_statement_and_its_cancellation_reach_the_server_of_one_lookup(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = NameServer(["127.0.0.1"], ["127.0.0.2"])
    monkeypatch.setattr(socket, "getaddrinfo", names)
    options, cancellation = options_for(server, host=NAME, tls="require", statement_timeout="2h"), Cancellation()

    def read() -> None:
        statement = SqlStatement(SLEEP[options.engine], ())
        with suppress(SourceError), rows(options, source_context(base=server[1]), statement, cancellation) as result:
            list(result)

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    until(lambda: names.lookups == 1)
    cancellation.request()
    reading.join(LIMIT)
    assert not reading.is_alive()
    assert names.lookups == 1
