"""Logs on stderr, as JSON lines or as text: secrets are taken out, and nobody waits for whoever reads them."""

from __future__ import annotations

import base64
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from queue import Full, Queue
from threading import Thread
from typing import Any, NamedTuple, TextIO
from urllib.parse import quote, quote_plus

import orjson
from pydantic import BaseModel

from exporter.config.fields import Secret

MASK = "<secret>"
_SHORTEST = 4
"""A shorter secret is not looked for: it would be found in every other word."""
_WAITING_LINES = 10_000

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def secrets_in(section: object, environ: Mapping[str, str], base: Path) -> Iterator[str]:
    """The values of all secrets that a config names and that can be read just now."""
    if isinstance(section, Secret):
        with suppress(LookupError):
            yield section.reveal(environ, base)
    elif isinstance(section, BaseModel):
        for name in type(section).model_fields:
            yield from secrets_in(getattr(section, name), environ, base)
    elif isinstance(section, Mapping):
        yield from secrets_in(tuple(section.values()), environ, base)
    elif isinstance(section, list | tuple):
        for part in section:
            yield from secrets_in(part, environ, base)


class Redactor:
    """Takes known secrets out of a text, in clear, in base64 and as part of a URL."""

    def __init__(self) -> None:
        self._forms: tuple[str, ...] = ()

    def learn(self, secrets: Iterable[str]) -> None:
        """Adds to what is looked for; a rotated secret stays known. The longest is looked for first."""
        found = {form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret)}
        self._forms = tuple(sorted(found | set(self._forms), key=len, reverse=True))

    def clean(self, text: str) -> str:
        """The text with every secret masked."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        return text


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield orjson.dumps(secret).decode()[1:-1]
    raw = secret.encode()
    for before in range(3):
        # in base64 a secret looks different by its distance from the start; its edges mix with its neighbours
        coded = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        inner = coded[4 if before else 0 : len(coded) - 1 if (before + len(raw)) % 3 else None]
        if len(inner) >= 2 * _SHORTEST:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")


class _Line(logging.Formatter):
    """One record, one line, without control characters."""

    def __init__(self, redactor: Redactor, shape: Callable[[dict[str, Any]], str]) -> None:
        super().__init__()
        self._redactor = redactor
        self._shape = shape

    def format(self, record: logging.LogRecord) -> str:
        """The line, clean of secrets."""
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name.removeprefix("exporter."),
            "message": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in _OWN},
        }
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        return self._redactor.clean(self._shape(fields))


def _as_json(fields: dict[str, Any]) -> str:
    safe = {name: v.encode("utf-8", "replace").decode() if isinstance(v, str) else v for name, v in fields.items()}
    return orjson.dumps(safe, default=str).decode()


def _as_text(fields: dict[str, Any]) -> str:
    time, level, logger, message = (fields.pop(name) for name in ("time", "level", "logger", "message"))
    trace = fields.pop("trace", "")
    told = " ".join(f"{name}={value}" for name, value in fields.items())
    line = f"{time[11:19]} {level:<7} {logger}: {message}" + (f" ({told})" if told else "")
    shown = line.encode("unicode_escape").decode() if not line.isprintable() else line
    return f"{shown}\n{trace}" if trace else shown


class Outlet(logging.Handler):
    """Hands lines to a thread that writes them; where it cannot keep up they are dropped and counted."""

    def __init__(self, stream: TextIO, most: int = _WAITING_LINES) -> None:
        super().__init__()
        self._stream = stream
        self._lines: Queue[str | None] = Queue(most)
        self._thread = Thread(target=self._write, name="logs", daemon=True)
        self._thread.start()
        self.dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Queues one line; never waits."""
        try:
            self._lines.put_nowait(self.format(record))
        except Full:
            self.dropped += 1

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            with suppress(OSError, ValueError):
                self._stream.write(line + "\n")
                self._stream.flush()

    def close(self) -> None:
        """Writes what is waiting, for at most two seconds."""
        if self._thread.is_alive():
            with suppress(Full):
                self._lines.put(None, timeout=1)
            self._thread.join(1)
        super().close()


class Logs(NamedTuple):
    """The process's logs: the redactor takes secrets to hide, the outlet is to be closed at the end."""

    redactor: Redactor
    outlet: Outlet


def configure(shape: str, level: str, stream: TextIO | None = None) -> Logs:
    """Sends all logs to `stream` (stderr) as `json` or `text`; libraries are heard from warnings on."""
    redactor, outlet = Redactor(), Outlet(stream or sys.stderr)
    outlet.setFormatter(_Line(redactor, _as_json if shape == "json" else _as_text))
    root = logging.getLogger()
    root.handlers[:] = [outlet]
    root.setLevel(logging.WARNING)
    logging.getLogger("exporter").setLevel(level.upper())
    for name in ("httpx", "httpcore", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return Logs(redactor, outlet)
