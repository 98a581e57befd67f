"""Verifies passwords against bcrypt hashes: off the event loop, one at a time, and in the same time for any user."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import bcrypt

MAX_WAITING = 512
"""Passwords that wait to be verified. Beyond that, the one that has waited longest is given up."""
MAX_REMEMBERED = 100
"""Right passwords that need no second check."""
TIMEOUT = 60.0
"""Seconds a password may wait."""

_MAX_BYTES = 72
"""Bytes of a password that bcrypt uses."""
_DEFAULT_COST = 10
_FAKE = "$2b${:02}$" + "." * 53


class TooManyPasswordsError(Exception):
    """The password could not be verified in time."""


class PasswordVerifier:
    """Verifies passwords. The newest comes first, so that a flood of wrong ones delays no right one by more than two.

    Only right passwords are remembered, by a keyed digest: a flood cannot displace them.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._remembered: OrderedDict[bytes, None] = OrderedDict()
        self._waiting: deque[tuple[asyncio.Future[bool], Callable[[], bool]]] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bcrypt")

    async def verify(self, users: Mapping[str, str], user: str, password: bytes) -> bool:
        """True if `users` has the user with this password; they map names to bcrypt hashes.

        Raises TooManyPasswordsError.
        """
        stored = users.get(user)
        digest = self._digest(user.encode(), (stored or "").encode(), password)
        if stored is not None and digest in self._remembered:
            self._remembered.move_to_end(digest)
            return True
        highest = max(map(_cost, users.values()), default=_DEFAULT_COST)
        matched = await self._in_turn(lambda: _matches(stored, password, highest))
        if matched:
            self._remembered[digest] = None
            if len(self._remembered) > MAX_REMEMBERED:
                self._remembered.popitem(last=False)
        return matched

    def _digest(self, *parts: bytes) -> bytes:
        # each part with its length: otherwise a user "ab" with password "c" could pass as "a" with "bc"
        message = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
        return hmac.digest(self._key, message, hashlib.sha256)

    async def _in_turn(self, work: Callable[[], bool]) -> bool:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()
        self._waiting.append((future, work))
        if len(self._waiting) > MAX_WAITING:
            self._waiting.popleft()[0].cancel()
        if self._worker is None or self._worker.done():
            self._worker = loop.create_task(self._work())
        try:
            async with asyncio.timeout(TIMEOUT):
                await asyncio.wait([future])
        except TimeoutError:
            future.cancel()
        if future.cancelled():
            raise TooManyPasswordsError
        return future.result()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            future, work = self._waiting.pop()
            if not future.done():
                matched = await loop.run_in_executor(self._thread, work)
                if not future.done():
                    future.set_result(matched)


def _matches(stored: str | None, password: bytes, highest: int) -> bool:
    """Whether the password has this hash. Takes as long as a hash of the highest cost unless it does."""
    usable = len(password) <= _MAX_BYTES and b"\0" not in password
    matched = bcrypt.checkpw(password if usable else b"", (stored or _FAKE.format(highest)).encode())
    if matched and usable and stored is not None:
        return True
    for cost in range(_cost(stored) if stored else highest, highest):
        bcrypt.checkpw(b"", _FAKE.format(cost).encode())  # 2^a + 2^a + 2^(a+1) + ... + 2^(b-1) = 2^b
    return False


def _cost(stored: str) -> int:
    return int(stored.split("$")[2])
