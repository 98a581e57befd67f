"""Refresh tokens that the vendor may replace at each use: in the data directory, shared by the processes that use it.

A vendor that issues single-use tokens takes a second use for theft and locks the account out. So a process uses the
token only while it holds the token's lock, reads it from disk first, and has room for its successor before it spends
it. What is not saved is never used.

Before a request with the token, the attempt is noted on disk. If its answer is lost (a cut, a timeout, a kill), the
vendor may have replaced the token without anybody knowing the new one. The next attempt uses the token once more, which
many vendors accept for a while, and if the vendor refuses it the note tells why, and since when.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from exporter.config.fields import Secret
from exporter.disk import open_private, sync_to_disk
from exporter.errors import RateLimitedError, Reason, SourceError, SourceRejectedError, SourceUnavailableError
from exporter.sources.base import SourceContext
from exporter.sources.http.auth import reveal

LOCK_SECONDS = 45.0
"""Seconds to wait for another process that uses the token. A request for a token takes less."""

_LOCK_INTERVAL = 0.05
_RESERVED_BYTES = 64 * 1024
"""Room for a successor, however long it is."""
_NOT_SENT = frozenset({Reason.CONNECT, Reason.DNS, Reason.TLS, Reason.BLOCKED_ORIGIN, Reason.STORE})
_NEXT_ATTEMPT = (
    "The vendor may have replaced the token in it. The next attempt uses it once more; if the vendor refuses it,"
    " authorise the exporter there again"
)

_log = logging.getLogger(__name__)


class RotatingRefreshToken:
    """The configured refresh token, or the latest one by which the vendor replaced it.

    That one is in the data directory, with mode 0600. A changed secret in the config overrides it.
    """

    def __init__(self, configured: Secret, source: str, context: SourceContext) -> None:
        self._configured = configured
        self._context = context
        self._path = context.data_dir / f"{source}.refresh-token" if context.data_dir else None
        self._unsaved: _Rotated | None = None

    @asynccontextmanager
    async def use(self) -> AsyncIterator[TokenUse]:
        """The token for one request, while no other process uses it.

        Raises SourceUnavailableError(STORE) if a successor could not be saved, and then uses nothing up.
        """
        if self._path is None or not self._path.parent.is_dir():
            raise _unusable(
                "the refresh token is not used, because it may be valid only once: name the exporter's --data-dir,"
                " where its successor is stored"
            )
        configured = reveal(self._configured, self._context)
        async with _locked(self._path):
            if self._unsaved is not None:
                await self._save(await _reserved(self._path), self._unsaved)
            stored = await asyncio.to_thread(_load, self._path)
            is_current = stored is not None and stored.replaces == _digest(configured)
            token = stored.token if stored is not None and is_current else configured
            use = TokenUse(token)
            reserved = await _reserved(self._path)
            try:
                async with self._attempt(self._path, token):
                    yield use
                    if use.successor not in (None, token):
                        await self._replace(reserved, _Rotated(_digest(configured), use.successor or ""))
            finally:
                await asyncio.to_thread(_discard, reserved)

    @asynccontextmanager
    async def _attempt(self, path: Path, token: str) -> AsyncIterator[None]:
        """Notes the attempt until its result is known; a refusal after an attempt without an answer says so."""
        note = Path(f"{path}.attempt")
        unanswered = await asyncio.to_thread(_unanswered, note, token)
        if unanswered is None:
            try:
                await asyncio.to_thread(_note_attempt, note, token, self._context.clock())
            except OSError:
                raise _unusable("the refresh token is not used: the data directory cannot be written") from None
        try:
            yield
        except SourceError as error:
            if unanswered is not None and isinstance(error, SourceRejectedError):
                raise SourceRejectedError(error.reason, f"{error}. {_lost(unanswered)}") from error
            if unanswered is None and _is_answer(error):
                await asyncio.to_thread(_discard, note)
            elif unanswered is None:
                _log.warning("the answer to a request with a refresh token was lost (%s). %s", error, _NEXT_ATTEMPT)
            raise
        if self._unsaved is None:
            await asyncio.to_thread(_discard, note)

    async def _replace(self, reserved: Path, rotated: _Rotated) -> None:
        """Saves the successor. If that fails, the access token is still used, and the next `use` saves it first."""
        try:
            await self._save(reserved, rotated)
        except SourceUnavailableError:
            self._unsaved = rotated
            _log.error("the vendor's new refresh token could not be saved in the data directory")

    async def _save(self, reserved: Path, rotated: _Rotated) -> None:
        if self._path is None:
            raise AssertionError("nothing is used without a data directory")
        try:
            await asyncio.to_thread(_store, reserved, self._path, rotated)
        except OSError:
            raise _unusable("the new refresh token cannot be saved in the data directory") from None
        finally:
            await asyncio.to_thread(_discard, reserved)
        self._unsaved = None


@dataclass(slots=True)
class TokenUse:
    """One use of a refresh token; `successor` is set to the token that the vendor returned for the next use."""

    token: str
    successor: str | None = None


@dataclass(frozen=True, slots=True)
class _Rotated:
    """A token, and the digest of the configured one that it replaces."""

    replaces: str
    token: str


@asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    """Holds the lock of the token, which the kernel releases if the process is killed."""
    try:
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        raise _unusable("the refresh token is not used: the data directory cannot be written") from None
    try:
        await _wait_for(lock)
        yield
    finally:
        os.close(lock)


async def _wait_for(lock: int) -> None:
    try:
        async with asyncio.timeout(LOCK_SECONDS):
            while not _try_lock(lock):  # noqa: ASYNC110 - another process holds it
                await asyncio.sleep(_LOCK_INTERVAL)
    except TimeoutError:
        raise _unusable("another process uses the refresh token: try again") from None


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _reserved(path: Path) -> Path:
    """A new file beside `path` with room for a token. Raises SourceUnavailableError if the disk has none."""
    try:
        return await asyncio.to_thread(_reserve, path)
    except OSError:
        message = "the refresh token is not used: the data directory has no room for its successor"
        raise _unusable(message) from None


def _reserve(path: Path) -> Path:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(bytes(_RESERVED_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _discard(reserved: Path) -> None:
    reserved.unlink(missing_ok=True)


def _load(path: Path) -> _Rotated | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return _Rotated(str(content["replaces"]), str(content["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _store(reserved: Path, path: Path, rotated: _Rotated) -> None:
    """Writes into the reserved file and renames it, so that the file is always complete."""
    content = json.dumps({"replaces": rotated.replaces, "token": rotated.token}).encode()
    with reserved.open("r+b") as file:
        file.write(content)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
    reserved.replace(path)
    sync_to_disk(path.parent)


def _note_attempt(note: Path, token: str, at: datetime) -> None:
    """Writes the note to disk before the request is sent. Raises OSError."""
    content = json.dumps({"token": _digest(token), "at": at.isoformat(timespec="seconds")})
    with open(note, "w", encoding="utf-8", opener=open_private) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    sync_to_disk(note.parent)


def _unanswered(note: Path, token: str) -> str | None:
    """When this token was used without an answer, if it was."""
    try:
        content = json.loads(note.read_text(encoding="utf-8"))
        return str(content["at"]) if content["token"] == _digest(token) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_answer(error: SourceError) -> bool:
    """True if the vendor answered that it did not accept the request, or was not reached at all."""
    return isinstance(error, SourceRejectedError | RateLimitedError) or error.reason in _NOT_SENT


def _lost(at: str) -> str:
    return (
        f"An answer to a request with this refresh token, of {at}, was lost: the vendor may have replaced the token in"
        " it. Authorise the exporter at the vendor again, and put the new refresh token into the configured secret"
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _unusable(message: str) -> SourceUnavailableError:
    return SourceUnavailableError(Reason.STORE, message)
