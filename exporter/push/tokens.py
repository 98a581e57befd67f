"""Tokens of push sources: read at load and again when their file changes, compared in constant time, hard to guess."""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path

from exporter.config.fields import Secret
from exporter.config.sources.push import TOKEN_PROBLEM, is_long_enough

MAX_GUESSES = 10
"""Wrong tokens per minute and address; as many may come at once."""
MAX_ADDRESSES = 10_000
"""Addresses whose wrong tokens are counted; those that failed last."""

_SECONDS_PER_GUESS = 60 / MAX_GUESSES


class PushToken:
    """The token of one source. Constructing it reads the token, and so does `refresh` if its file has changed."""

    def __init__(self, secret: Secret, environ: Mapping[str, str], base: Path) -> None:
        self._secret = secret
        self._environ = environ
        self._base = base
        self._signature: object = None
        self._digest = b""
        self.problem = ""
        """Why there is no usable token; empty if there is one."""
        self._read()

    def matches(self, token: bytes) -> bool:
        """True if it is this token. Raises LookupError if there is no usable one."""
        if self.problem:
            raise LookupError(self.problem)
        return hmac.compare_digest(hashlib.sha256(token).digest(), self._digest)

    def refresh(self) -> None:
        """Reads the token again if its file has changed. May block as long as the file system does."""
        if self._secret.file is not None and self._file_signature() != self._signature:
            self._read()

    def _read(self) -> None:
        self._signature = self._file_signature()
        try:
            token = self._secret.reveal(self._environ, self._base)
        except LookupError as error:
            self.problem = str(error)
            return
        self.problem = "" if is_long_enough(token) else TOKEN_PROBLEM
        self._digest = hashlib.sha256(token.encode()).digest()

    def _file_signature(self) -> object:
        try:
            stat = (self._base / (self._secret.file or "")).stat()
        except OSError as error:
            return error.errno
        return stat.st_mtime_ns, stat.st_size, stat.st_ino


class GuessLimiter:
    """Limits wrong tokens per address, in bounded memory. An IPv6 address counts with its whole /64 network."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._clear_at: OrderedDict[str, float] = OrderedDict()  # when all guesses are forgiven

    def wait(self, address: str) -> float:
        """Seconds until the address may try again; 0 for now."""
        debt = self._clear_at.get(_network(address), 0.0) - self._monotonic()
        return max(0.0, debt - (MAX_GUESSES - 1) * _SECONDS_PER_GUESS)

    def count(self, address: str) -> None:
        """Counts a wrong token."""
        network, now = _network(address), self._monotonic()
        self._clear_at[network] = max(self._clear_at.pop(network, now), now) + _SECONDS_PER_GUESS
        if len(self._clear_at) > MAX_ADDRESSES:
            self._clear_at.popitem(last=False)


def _network(address: str) -> str:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(ip_network((parsed, 64), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
