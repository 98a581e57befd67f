"""What the web config demands of connections and requests, read again whenever one of its files changes."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from exporter import naming
from exporter.config.web_config import RequestRate, load_web_config
from exporter.errors import ConfigError, Problem
from exporter.exposition.self_metrics import SelfMetrics
from exporter.web.refusals import HttpHeader
from exporter.web.tls import TlsSettings, tls_files, tls_settings

CHECK_INTERVAL = 1.0
"""Seconds between two looks at the files."""
PEOPLE_OPTION = "--web.people.config.file"

_PEOPLE_HINT = "one section, basic_auth_users, lists who may read /metrics/people"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WebSecurity:
    """Who may connect and request what. Users map names to bcrypt hashes; None means that nobody is asked."""

    tls: TlsSettings | None = None
    users: Mapping[str, str] | None = None
    people_users: Mapping[str, str] | None = None
    """The users of /metrics/people, and of nothing else."""
    requires_certificates: bool = False
    headers: tuple[HttpHeader, ...] = ()
    rate: RequestRate = field(default_factory=RequestRate)

    @property
    def is_restricted(self) -> bool:
        """True if not every client is answered."""
        return self.users is not None or self.requires_certificates


@dataclass(frozen=True, slots=True)
class WebConfigPaths:
    """The files with the web config, and with the users of /metrics/people."""

    web: Path | None = None
    people: Path | None = None

    def load(self) -> tuple[WebSecurity, tuple[Path, ...]]:
        """The security they demand, and every file it depends on. Raises ConfigError."""
        web = load_web_config(self.web) if self.web else None
        people = _people_users(self.people) if self.people else None
        files = [path for path in (self.web, self.people) if path is not None]
        if web is None:
            return WebSecurity(people_users=people), tuple(files)
        security = WebSecurity(
            tls=tls_settings(web),
            users=dict(web.config.basic_auth_users) or None,
            people_users=people,
            requires_certificates=web.config.requires_certificates,
            headers=web.config.http_server_config.headers.lines,
            rate=web.config.rate_limit,
        )
        return security, (*files, *tls_files(web))


def _people_users(path: Path) -> Mapping[str, str]:
    file = load_web_config(path, PEOPLE_OPTION)
    others = sorted(file.config.model_fields_set - {"basic_auth_users"})
    problems = [file.origin.problem((name,), f"{name} belongs in --web.config.file", _PEOPLE_HINT) for name in others]
    if not file.config.basic_auth_users:
        problems.append(Problem(str(path), 0, "", "basic_auth_users is missing", _PEOPLE_HINT))
    if problems:
        raise ConfigError(problems)
    return dict(file.config.basic_auth_users)


class SecurityReloader:
    """Holds the security in force. Constructing it raises ConfigError if the files are invalid.

    `require_lock` is called with a new security and returns why it must not take effect, or an empty text.
    """

    def __init__(
        self, paths: WebConfigPaths, self_metrics: SelfMetrics, refusal: Callable[[WebSecurity], str] = lambda _: ""
    ) -> None:
        self._paths = paths
        self._self_metrics = self_metrics
        self._refusal = refusal
        self._signature: object = None
        self._files: tuple[Path, ...] = ()
        self.current = WebSecurity()
        if paths.web or paths.people:
            self._load()

    async def watch(self) -> None:
        """Reads the files again whenever one of them changes, until it is cancelled."""
        while self._files:
            await asyncio.sleep(CHECK_INTERVAL)
            await asyncio.to_thread(self.refresh)

    def refresh(self) -> None:
        """Reads the files again if one of them has changed. If they are invalid, the previous security stays."""
        if _signature(self._files) == self._signature:
            return
        try:
            self._load()
        except ConfigError as error:
            self._self_metrics.set(naming.WEB_RELOAD_SUCCESS, 0)
            for problem in error.problems:
                _log.error("web config rejected, the previous one stays active: %s", problem)
        else:
            _log.info("web config reloaded")

    def _load(self) -> None:
        # before reading: a change in the meantime is then found at the next look
        self._signature = _signature(self._files)
        security, files = self._paths.load()
        if reason := self._refusal(security):
            raise ConfigError([Problem(str(self._paths.web or self._paths.people), 0, "", reason)])
        if files != self._files:
            self._files, self._signature = files, _signature(files)
        self.current = security
        self._self_metrics.set(naming.WEB_RELOAD_SUCCESS, 1)


def _signature(files: Iterable[Path]) -> object:
    return [_file_signature(path) for path in files]


def _file_signature(path: Path) -> object:
    try:
        stat = os.stat(path)  # noqa: PTH116  # follows links, which is how orchestrators replace secrets
    except OSError as error:
        return error.errno
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
