"""A Salesforce org as a source: credentials, permissions, limits and error responses."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from exporter.errors import RateLimitedError, Reason, SourceRejectedError, SourceUnavailableError
from tests.sources.providers.salesforce.passes import read, source
from tests.sources.providers.salesforce.vendor import HOST, SECRET, Salesforce, error
from tests.sources.source_context import NOW, by_id, options, run


def test_fields_that_the_user_may_not_read_are_named() -> None:
    vendor = Salesforce()
    vendor.fields["Opportunity"] -= {"IsWon"}
    with pytest.raises(SourceRejectedError, match="may not read IsWon") as raised:
        read(vendor)
    assert raised.value.reason is Reason.FORBIDDEN
    with pytest.raises(SourceRejectedError, match="Nothing__c"):
        read(vendor, fields={"deals": ["Nothing__c"]})


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (error("REQUEST_LIMIT_EXCEEDED", 403), RateLimitedError, Reason.RATE_LIMITED),
        (error("UNABLE_TO_LOCK_ROW"), SourceUnavailableError, Reason.SERVER_ERROR),
        (error("INVALID_QUERY_LOCATOR"), SourceUnavailableError, Reason.PROTOCOL),
        (error("INVALID_FIELD"), SourceRejectedError, Reason.SCHEMA),
        (error("INVALID_TYPE"), SourceRejectedError, Reason.FORBIDDEN),
        (httpx.Response(400, content=b"no json"), SourceRejectedError, Reason.BAD_REQUEST),
        (httpx.Response(200, json={"records": []}), SourceRejectedError, Reason.SCHEMA),
        (httpx.Response(200, json={"done": True, "records": [{"Id": "x"}]}), SourceRejectedError, None),
    ],
)
def test_error_responses_have_a_reason(answer: httpx.Response, kind: type, reason: Reason | None) -> None:
    """Pitfall: a used-up quota is a 403."""
    vendor = Salesforce(before=lambda r: answer if r.url.path.endswith("queryAll") else None)
    with pytest.raises(kind) as raised:
        read(vendor)
    assert reason is None or raised.value.reason is reason
    assert SECRET not in str(raised.value)


def test_a_description_without_fields_is_a_schema_error() -> None:
    vendor = Salesforce(before=lambda r: httpx.Response(200, json={}) if "describe" in r.url.path else None)
    with pytest.raises(SourceRejectedError) as raised:
        read(vendor)
    assert raised.value.reason is Reason.SCHEMA


def test_the_rest_of_the_quota_is_left_to_other_clients() -> None:
    vendor = Salesforce(usage="api-usage=12001/15000")
    vendor.opportunity(1)
    with pytest.raises(RateLimitedError) as raised:
        read(vendor)
    assert raised.value.retry_after > 3000
    assert len(by_id(read(Salesforce(usage="api-usage=11999/15000", rows=vendor.rows)))) == 1


def test_an_expired_session_is_renewed_once() -> None:
    expired = [True]

    def end(request: httpx.Request) -> httpx.Response | None:
        return (
            error("INVALID_SESSION_ID", 401) if "queryAll" in request.url.path and expired and expired.pop() else None
        )

    vendor = Salesforce(before=end)
    vendor.opportunity(1)
    assert len(by_id(read(vendor))) == 1
    assert vendor.tokens == 2


def test_check_names_what_the_user_may_not_read() -> None:
    vendor = Salesforce()
    del vendor.fields["Lead"]
    (lacking,) = run(source(vendor, "leads").check())
    assert (lacking.allowed, lacking.missing) == (False, "read access to Lead")
    (fine,) = run(source(vendor, "deals").check())
    assert fine.allowed
    vendor.before = lambda _: httpx.Response(500, json=[])
    (failing,) = run(source(vendor, "deals").check())
    assert failing.missing.startswith("server_error: ")


@pytest.fixture(scope="module")
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def test_an_assertion_is_signed_for_the_orgs_own_address(private_key: rsa.RSAPrivateKey, tmp_path: Path) -> None:
    pem = private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "key.pem").write_bytes(pem)
    vendor = Salesforce()
    vendor.opportunity(1)
    jwt_options = {"user": "reader@acme.example", "private_key": {"file": str(tmp_path / "key.pem")}}
    assert len(by_id(read(vendor, jwt=jwt_options))) == 1
    form = httpx.QueryParams(vendor.log[0].content.decode())
    public = private_key.public_key()
    claims = jwt.decode(form["assertion"], public, algorithms=["RS256"], audience=HOST, options={"verify_exp": False})
    assert (claims["iss"], claims["sub"]) == ("app", "reader@acme.example")
    assert claims["exp"] == int((NOW + timedelta(minutes=3)).timestamp())


def test_an_invalid_or_missing_key_is_unauthorized(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("no key", encoding="utf-8")
    for name in ("key.pem", "nowhere.pem"):
        jwt_options = {"user": "reader", "private_key": {"file": str(tmp_path / name)}}
        with pytest.raises(SourceRejectedError) as raised:
            read(Salesforce(), jwt=jwt_options)
        assert raised.value.reason is Reason.UNAUTHORIZED


def test_exactly_one_kind_of_credentials_is_required() -> None:
    with pytest.raises(ValueError, match="exactly one of client_secret and jwt"):
        options(provider="salesforce", base_url=HOST, client_id="app")
