"""TLS of the server, from the `tls_server_config` of a web config."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from exporter.config.web_config import CIPHER_SUITES, CURVES, TlsServer, WebConfigFile
from exporter.errors import ConfigError

_SECTION = "tls_server_config"
_DEFAULT_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CLIENTS = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """How connections are encrypted, and the names that certificates of clients may have; empty for any."""

    context: ssl.SSLContext
    allowed_sans: frozenset[str] = frozenset()

    def admits(self, certificate: Any) -> bool:
        """True if the client with this certificate, as `getpeercert` returns it, may connect."""
        if not self.allowed_sans or not certificate:
            return True  # a certificate that is required was verified in the handshake
        names = certificate.get("subjectAltName", ())
        return any(_san(kind, name) in self.allowed_sans for kind, name in names)


def tls_settings(file: WebConfigFile) -> TlsSettings | None:
    """The settings of the web config; None without TLS. Reads certificates. Raises ConfigError."""
    section = file.config.tls_server_config
    if section is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[section.min_version]
    context.maximum_version = _VERSIONS[section.max_version]
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    if section.prefer_server_cipher_suites:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    suites = [CIPHER_SUITES[name] for name in section.cipher_suites if CIPHER_SUITES[name]]
    context.set_ciphers(":".join(suites) or _DEFAULT_CIPHERS)
    if section.curve_preferences:
        context.set_ecdh_curve(CURVES[section.curve_preferences[0]])
    context.set_alpn_protocols(["http/1.1"])
    _load_certificate(context, section, file)
    _load_authorities(context, section, file)
    context.verify_mode = _CLIENTS[section.client_auth_type]
    return TlsSettings(context, frozenset(map(_normalized, section.client_allowed_sans)))


def tls_files(file: WebConfigFile) -> Iterator[Path]:
    """The files that TLS depends on."""
    section = file.config.tls_server_config
    if section is not None:
        for path in (section.cert_file, section.key_file, section.client_ca_file):
            if path is not None:
                yield file.base / path


def _load_certificate(context: ssl.SSLContext, section: TlsServer, file: WebConfigFile) -> None:
    with (
        _as_file(file, "cert_file", section.cert_file, section.cert) as certificate,
        _as_file(file, "key_file", section.key_file, section.key) as key,
    ):
        try:
            context.load_cert_chain(certificate, key, password=lambda: b"")  # asks nobody for the password of a key
        except (OSError, ValueError) as error:
            hint = "the certificate in PEM, and its own key in PEM without a password"
            key_name = "key" if "KEY" in str(error) else "cert_file"
            message = "the certificate and its key cannot be loaded"
            raise ConfigError([file.origin.problem((_SECTION, key_name), message, hint)]) from None


def _load_authorities(context: ssl.SSLContext, section: TlsServer, file: WebConfigFile) -> None:
    if not (section.client_ca or section.client_ca_file):
        return
    with _as_file(file, "client_ca_file", section.client_ca_file, section.client_ca) as authorities:
        try:
            context.load_verify_locations(authorities)
        except (OSError, ValueError):
            message, hint = "there are no certificates of authorities in it", "one or more certificates in PEM"
            raise ConfigError([file.origin.problem((_SECTION, "client_ca_file"), message, hint)]) from None


@contextmanager
def _as_file(file: WebConfigFile, name: str, path: Path | None, text: str | None) -> Iterator[Path]:
    """The path, checked; or a file that only this user can read, for as long as OpenSSL loads it."""
    if path is None:
        with NamedTemporaryFile("w", encoding="utf-8", suffix=".pem") as temporary:
            temporary.write(text or "")
            temporary.flush()
            yield Path(temporary.name)
        return
    try:
        with (file.base / path).open("rb"):
            pass
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        hint = "paths are relative to the web config file"
        raise ConfigError([file.origin.problem((_SECTION, name), message, hint)]) from None
    yield file.base / path


def _san(kind: str, name: Any) -> str:
    return _normalized(str(name)) if kind == "IP Address" else str(name)


def _normalized(name: str) -> str:
    """IP addresses in their shortest form, because OpenSSL writes those of IPv6 at full length."""
    try:
        return str(ip_address(name))
    except ValueError:
        return name
