"""Whom a database's client talks to: real servers with certificates, and what is believed of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from exporter.config.sources.sql import SqlOptions
from exporter.errors import Reason, SourceRejectedError
from exporter.sources.blocking import Cancellation
from exporter.sources.providers.sql_connection import rows
from exporter.sources.providers.sql_statement import SqlStatement
from tests.databases import mariadb, postgresql
from tests.fakes.certificates import Authority
from tests.sources.source_context import source_context

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


def encrypted(server: Server, **given: Any) -> bool:
    reached, folder = server
    options = SqlOptions.model_validate({
        "name": "erp", "provider": "sql", **reached, **given,
        "entities": [{"entity": "deals", "table": "orders", "columns": {"id": "nr"}}],
    })  # fmt: skip
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
