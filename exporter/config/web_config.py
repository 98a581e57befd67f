"""The web config file: TLS, passwords and response headers of the server, in the format of Prometheus' exporters.

The format is that of exporter-toolkit (https://github.com/prometheus/exporter-toolkit), so that one file serves every
exporter of a machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from exporter.config import pydantic_errors, yaml_reader
from exporter.config.expectations import Expectations
from exporter.config.fields import Duration, LocalPath, Many, OneOf, Section
from exporter.config.messages import invalid
from exporter.config.positions import Origin
from exporter.config.schema import section_schema
from exporter.errors import ConfigError

MAX_COST = 16
"""A check at this bcrypt cost takes four seconds."""

_MAX_PROBLEMS = 100
_BCRYPT = re.compile(r"\$2[aby]\$(?P<cost>[0-9]{2})\$[./A-Za-z0-9]{53}")
_HASH_HINT = "htpasswd -nBC 10 USER prints one"
_UNVERIFIED = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")
_OLD_VERSIONS = ("TLS10", "TLS11")

CIPHER_SUITES: Mapping[str, str] = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_AES_128_GCM_SHA256": "",
    "TLS_AES_256_GCM_SHA384": "",
    "TLS_CHACHA20_POLY1305_SHA256": "",
}
"""The suites' names in Go and in OpenSSL; those of TLS 1.3 are always on."""

CURVES: Mapping[str, str] = {
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
    "X25519": "X25519",
}
"""The curves' names in Go and in OpenSSL."""


def _verifying(value: Any) -> Any:
    if value in _UNVERIFIED:
        raise invalid("certificates of clients would not be verified", "RequireAndVerifyClientCert verifies them")
    return value


def _modern(value: Any) -> Any:
    if value in _OLD_VERSIONS:
        raise invalid("TLS 1.0 and 1.1 are broken", "TLS12 or TLS13")
    return value


def _header_value(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise invalid("a header is printable ASCII text")
    return text


def _bcrypt_hash(text: str) -> str:
    match = _BCRYPT.fullmatch(text)
    if match is None:
        raise invalid("expected the bcrypt hash of a password", _HASH_HINT)
    if not 4 <= int(match["cost"]) <= MAX_COST:
        raise invalid(f"the bcrypt cost is not between 4 and {MAX_COST}", _HASH_HINT)
    return text


def _user_name(text: str) -> str:
    if ":" in text or not text.isprintable():
        raise invalid("a user name has neither colons nor control characters")
    return text


def _empty_as_section(value: Any) -> Any:
    return {} if value is None else value


def _zero_as_duration(value: Any) -> Any:
    return timedelta() if value in (0, "0") and not isinstance(value, bool) else value


TlsVersion = Annotated[str, OneOf(("TLS12", "TLS13")), BeforeValidator(_modern)]
HeaderText = Annotated[str, AfterValidator(_header_value)]


class TlsServer(Section):
    """Certificate of the server, and which clients may connect."""

    cert: str | None = None
    """Certificate of the server in PEM, with its chain. Or use cert_file."""
    key: str | None = None
    """Key of the certificate in PEM. Better: key_file."""
    client_ca: str | None = None
    """Authorities of client certificates in PEM. Or use client_ca_file."""
    cert_file: LocalPath | None = None
    """File with the certificate of the server, with its chain."""
    key_file: LocalPath | None = None
    """File with the key of the certificate."""
    client_auth_type: Annotated[
        str,
        OneOf(("NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert")),
        BeforeValidator(_verifying),
    ] = "NoClientCert"
    """Whether clients need a certificate."""
    client_ca_file: LocalPath | None = None
    """File with the authorities of client certificates."""
    client_allowed_sans: Many[str] = ()
    """Names of clients (DNS, IP, email or URI) that may connect. Default: all with a valid certificate."""
    min_version: TlsVersion = "TLS12"
    """Oldest version of TLS that is accepted."""
    max_version: TlsVersion = "TLS13"
    """Newest version of TLS that is accepted."""
    cipher_suites: Many[Annotated[str, OneOf(tuple(CIPHER_SUITES))]] = ()
    """Cipher suites of TLS 1.2. Default: those with forward secrecy and authenticated encryption."""
    prefer_server_cipher_suites: bool = True
    """Whether the order of cipher_suites decides, not the client's."""
    curve_preferences: Many[Annotated[str, OneOf(tuple(CURVES))]] = ()
    """Curves of the key exchange. Only the first one is used. Default: all."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for name in ("cert", "key", "client_ca"):
            if getattr(self, name) and getattr(self, f"{name}_file"):
                raise invalid(f"{name} and {name}_file cannot be combined", f"keep {name}_file")
        for name in ("cert", "key"):
            if not (getattr(self, name) or getattr(self, f"{name}_file")):
                raise invalid(f"{name}_file is missing", "TLS needs cert_file and key_file")
        has_authorities = bool(self.client_ca or self.client_ca_file)
        if has_authorities and self.client_auth_type == "NoClientCert":
            hint = "client_auth_type: RequireAndVerifyClientCert"
            raise invalid("client_ca_file has no effect without a client_auth_type", hint)
        if self.client_auth_type != "NoClientCert" and not has_authorities:
            raise invalid("client_ca_file is missing", "it lists the authorities that sign certificates of clients")
        if self.client_allowed_sans and self.client_auth_type == "NoClientCert":
            hint = "client_auth_type: RequireAndVerifyClientCert"
            raise invalid("client_allowed_sans has no effect without a client_auth_type", hint)
        if self.min_version > self.max_version:
            raise invalid("min_version is newer than max_version", "leave both out")
        return self


class ResponseHeaders(Section):
    """Headers of every response. The exporter sends strict ones where nothing is set."""

    content_security_policy: Annotated[HeaderText, Field(alias="Content-Security-Policy")] = ""
    """What a page may load."""
    x_frame_options: Annotated[str, OneOf(("", "deny", "sameorigin")), Field(alias="X-Frame-Options")] = ""
    """Whether other pages may embed the status page."""
    x_content_type_options: Annotated[str, OneOf(("", "nosniff")), Field(alias="X-Content-Type-Options")] = ""
    """Whether browsers may guess types."""
    x_xss_protection: Annotated[HeaderText, Field(alias="X-XSS-Protection")] = ""
    """Setting of a filter in old browsers."""
    strict_transport_security: Annotated[HeaderText, Field(alias="Strict-Transport-Security")] = ""
    """How long browsers insist on TLS for this host name."""

    @property
    def lines(self) -> tuple[tuple[bytes, bytes], ...]:
        """Name in lower case and value of each header that is set."""
        values = self.model_dump(by_alias=True)
        return tuple((name.lower().encode(), value.encode()) for name, value in values.items() if value)


class HttpServer(Section):
    """Settings of HTTP."""

    http2: bool = True
    """Accepted for the sake of other exporters. This one speaks HTTP/1.1 only."""
    headers: Annotated[ResponseHeaders, BeforeValidator(_empty_as_section)] = Field(default_factory=ResponseHeaders)
    """Headers of every response."""


class RequestRate(Section):
    """How often requests may come: one per interval, and so many at once."""

    interval: Annotated[Duration, BeforeValidator(_zero_as_duration)] = timedelta()
    """Time between two requests; 0 for no limit."""
    burst: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Requests that may come at once."""

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.interval and not self.burst:
            raise invalid("with a burst of 0 every request would be refused", "burst: 20")
        return self


class WebConfig(Section):
    """The content of a web config file."""

    tls_server_config: TlsServer | None = None
    """Certificate of the server, and which clients may connect. Default: no encryption."""
    http_server_config: Annotated[HttpServer, BeforeValidator(_empty_as_section)] = Field(default_factory=HttpServer)
    """Settings of HTTP."""
    basic_auth_users: Annotated[
        dict[
            Annotated[str, Field(min_length=1), AfterValidator(_user_name)],
            Annotated[str, AfterValidator(_bcrypt_hash)],
        ],
        BeforeValidator(_empty_as_section),
    ] = Field(default_factory=dict)
    """Users and the bcrypt hashes of their passwords. Default: no password is needed."""
    rate_limit: Annotated[RequestRate, BeforeValidator(_empty_as_section)] = Field(default_factory=RequestRate)
    """How often requests may come."""

    @property
    def requires_certificates(self) -> bool:
        """True if clients without a valid certificate cannot connect."""
        tls = self.tls_server_config
        return tls is not None and tls.client_auth_type == "RequireAndVerifyClientCert"

    @property
    def is_locked(self) -> bool:
        """True if everything is encrypted, and only clients with a password or a certificate are answered."""
        return self.tls_server_config is not None and (self.requires_certificates or bool(self.basic_auth_users))


@dataclass(frozen=True, slots=True)
class WebConfigFile:
    """A valid web config. Paths in it are relative to `base`."""

    config: WebConfig
    base: Path
    origin: Origin


def load_web_config(path: Path, option: str = "--web.config.file") -> WebConfigFile:
    """Reads a web config file; `option` is the one that named it. Raises ConfigError with all its problems."""
    text = yaml_reader.read(path, str(path), option)
    if not any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines()):
        text = "{}"
    document = yaml_reader.parse(text, str(path))
    try:
        config = WebConfig.model_validate(document.origin.tree)
    except ValidationError as error:
        tree = document.origin.tree
        errors = pydantic_errors.by_path(error, tree)
        expectations = Expectations(section_schema(WebConfig, "Web config"))
        findings = pydantic_errors.findings(errors, tree, _MAX_PROBLEMS, expectations)
        raise ConfigError([*document.problems, *document.origin.problems(findings)]) from None
    if document.problems:
        raise ConfigError(document.problems)
    return WebConfigFile(config, path.parent, document.origin)
