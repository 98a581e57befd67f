"""Logs on stderr as text or JSON lines, without secrets. Logging never blocks, even if stderr does."""

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
from exporter.printable import printable_json, printable_lines

MASK = "<secret>"
_MIN_LENGTH = 4
"""Shorter secrets are not masked, because they occur in many words."""
_QUEUE_SIZE = 10_000

_RECORD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def secrets_in(section: object, environ: Mapping[str, str], base: Path) -> Iterator[str]:
    """The values of all secrets of a config that can be read now."""
    if isinstance(section, Secret):
        with suppress(LookupError):
            yield section.reveal(environ, base)
    elif isinstance(section, BaseModel):
        for name in type(section).model_fields:
            yield from secrets_in(getattr(section, name), environ, base)
    elif isinstance(section, Mapping):
        yield from secrets_in(tuple(section.values()), environ, base)
    elif isinstance(section, list | tuple):
        for element in section:
            yield from secrets_in(element, environ, base)


class Redactor:
    """Masks known secrets in text: as plain text, in base64 and in URLs."""

    def __init__(self) -> None:
        self._forms: tuple[str, ...] = ()

    def learn(self, secrets: Iterable[str]) -> None:
        """Adds secrets. Earlier values of a rotated secret are still masked. The longest are masked first."""
        forms = {form for secret in secrets if len(secret) >= _MIN_LENGTH for form in _forms(secret)}
        self._forms = tuple(sorted(forms | set(self._forms), key=len, reverse=True))

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
    for offset in range(3):
        # the base64 form depends on the offset, and its first and last characters on the neighbouring bytes
        encoded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        inner = encoded[4 if offset else 0 : len(encoded) - 1 if (offset + len(raw)) % 3 else None]
        if len(inner) >= 2 * _MIN_LENGTH:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")


class _LogFormatter(logging.Formatter):
    """Formats a record as one line without control characters."""

    def __init__(self, redactor: Redactor, render: Callable[[dict[str, Any]], str]) -> None:
        super().__init__()
        self._redactor = redactor
        self._render = render

    def format(self, record: logging.LogRecord) -> str:
        """The line with secrets masked."""
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name.removeprefix("exporter."),
            "message": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in _RECORD_FIELDS},
        }
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        return self._redactor.clean(self._render(fields))


def _as_json(fields: dict[str, Any]) -> str:
    safe = {name: v.encode("utf-8", "replace").decode() if isinstance(v, str) else v for name, v in fields.items()}
    return printable_json(orjson.dumps(safe, default=str).decode())


def _as_text(fields: dict[str, Any]) -> str:
    time, level, logger, message = (fields.pop(name) for name in ("time", "level", "logger", "message"))
    trace = fields.pop("trace", "")
    details = " ".join(f"{name}={value}" for name, value in fields.items())
    line = f"{time[11:19]} {level:<7} {logger}: {message}" + (f" ({details})" if details else "")
    line = line.encode("unicode_escape").decode() if not line.isprintable() else line
    return f"{line}\n{printable_lines(trace)}" if trace else line


class ThreadedHandler(logging.Handler):
    """Writes lines in a thread. Lines that do not fit into its queue are dropped and counted."""

    def __init__(self, stream: TextIO, max_lines: int = _QUEUE_SIZE) -> None:
        super().__init__()
        self._stream = stream
        self._lines: Queue[str | None] = Queue(max_lines)
        self._thread = Thread(target=self._write, name="logs", daemon=True)
        self._thread.start()
        self.dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Queues one line without blocking."""
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
        """Writes the queued lines, for at most two seconds."""
        if self._thread.is_alive():
            with suppress(Full):
                self._lines.put(None, timeout=1)
            self._thread.join(1)
        super().close()


class Logs(NamedTuple):
    """The log of the process: the redactor learns secrets, the handler must be closed at the end."""

    redactor: Redactor
    handler: ThreadedHandler


def configure(log_format: str, level: str, stream: TextIO | None = None) -> Logs:
    """Sends all logs to `stream`, by default stderr, as `json` or `text`. Libraries log warnings and errors only."""
    redactor, handler = Redactor(), ThreadedHandler(stream or sys.stderr)
    handler.setFormatter(_LogFormatter(redactor, _as_json if log_format == "json" else _as_text))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("exporter").setLevel(level.upper())
    for name in ("httpx", "httpcore", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return Logs(redactor, handler)
