"""HTTP requests of commands: `ping` for health checks, and reloads for `provision`."""

from __future__ import annotations

import logging
import ssl
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener, urlopen

import typer

from exporter.config.fields import Secret
from exporter.errors import ExitCode, StartError

PING_TIMEOUT, RELOAD_TIMEOUT = 5.0, 10.0
_PEM_BEGIN, _PEM_END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"

_log = logging.getLogger(__name__)


def http_urls(urls: Iterable[str], option: str) -> tuple[str, ...]:
    """The URLs unchanged. Rejects any that is not HTTP."""
    urls = tuple(urls)
    if not all(url.startswith(("http://", "https://")) for url in urls):
        raise typer.BadParameter("a URL begins with http:// or https://", param_hint=option)
    return urls


@dataclass(frozen=True, slots=True)
class PingOptions:
    """Which certificate of the server to trust, and what to identify with.

    `web_config` names the server's own web config: its certificate is the only one trusted, whatever its name.
    """

    ca: Path | None = None
    web_config: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    user: str | None = None
    password_file: Path | None = None


def ping(url: str, options: PingOptions = PingOptions()) -> ExitCode:  # immutable
    """OK if the URL responds with status 200. Images without another HTTP client use it as their health check.

    Raises ConfigError for an invalid web config, StartError if a file cannot be used.
    """
    http_urls([url], "URL")
    request = Request(url, headers=_credentials(options))  # noqa: S310  # checked above
    # no proxies and no redirects: the credentials are for this server only
    opener = build_opener(ProxyHandler({}), HTTPSHandler(context=_trust(options)), _NoRedirects)
    try:
        with opener.open(request, timeout=PING_TIMEOUT) as response:
            return ExitCode.OK if response.status == 200 else ExitCode.CANNOT_START
    except (URLError, OSError, ValueError) as error:
        typer.echo(f"{url}: {getattr(error, 'reason', error)}", err=True)
        return ExitCode.CANNOT_START


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def _credentials(options: PingOptions) -> dict[str, str]:
    if (options.user is None) != (options.password_file is None):
        raise typer.BadParameter("--user and --password-file belong together", param_hint="--user")
    if options.user is None:
        return {}
    try:
        password = Secret(file=options.password_file).reveal({}, Path())
    except LookupError as error:
        raise StartError(f"no password: {error}") from None
    return {"Authorization": f"Basic {b64encode(f'{options.user}:{password}'.encode()).decode()}"}


def _trust(options: PingOptions) -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        if options.ca is not None:
            context = ssl.create_default_context(cafile=options.ca)
        if options.web_config is not None:
            context = _trusting_own_certificate(options.web_config)
        if options.certificate is not None:
            context.load_cert_chain(options.certificate, options.key, password=lambda: b"")
    except (OSError, ValueError) as error:
        raise StartError(f"a certificate cannot be loaded: {getattr(error, 'strerror', None) or error}") from None
    return context


def _trusting_own_certificate(web_config: Path) -> ssl.SSLContext:
    from exporter.config.web_config import load_web_config

    file = load_web_config(web_config)
    tls = file.config.tls_server_config
    if tls is None:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # a health check calls 127.0.0.1, which is rarely a name of the certificate
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    certificate = tls.cert or (file.base / (tls.cert_file or "")).read_text(encoding="ascii")
    first, end, _ = certificate[certificate.index(_PEM_BEGIN) :].partition(_PEM_END)  # not its authorities
    context.load_verify_locations(cadata=first + end + "\n")
    return context


def reload(url: str) -> None:
    """Posts to a reload URL. A failure is only logged, because at the first start the server is not running yet."""
    try:
        with urlopen(Request(url, method="POST"), timeout=RELOAD_TIMEOUT):  # noqa: S310  # checked with the options
            typer.echo(f"reloaded {url}")
    except (URLError, OSError, ValueError) as error:
        _log.warning("%s was not reloaded: %s", url, getattr(error, "reason", error))
