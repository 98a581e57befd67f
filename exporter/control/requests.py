"""The requests that commands send to the running `serve`. To add one, add a class here and register its handler.

A request is a frozen dataclass, whose fields are text, integers, flags or None. It travels as
`{"command": ..., "arguments": {...}}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, ClassVar, Self, get_type_hints

from exporter.errors import ControlError, ExitCode

Answer = Mapping[str, Any]
"""What a request results in: an object that JSON can express."""


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """Base class of all requests. `command` names the request on the wire."""

    command: ClassVar[str]

    def as_json(self) -> dict[str, Any]:
        """`{"command": ..., "arguments": {...}}`."""
        return {"command": self.command, "arguments": asdict(self)}

    @classmethod
    def parse(cls, arguments: Any) -> Self:
        """The request with these arguments. Raises ControlError if one is unknown, missing or of another type."""
        hints = get_type_hints(cls)
        known = {field.name: field for field in fields(cls)}
        if not isinstance(arguments, Mapping) or not known.keys() >= arguments.keys():
            raise ControlError(f"{cls.command} takes {', '.join(known) or 'no arguments'}", ExitCode.USAGE)
        for name, field in known.items():
            if name not in arguments and field.default is not MISSING:
                continue
            if type(arguments.get(name, MISSING)) not in _types(hints[name]):
                raise ControlError(f"{cls.command}: {name} is missing or of another type", ExitCode.USAGE)
        return cls(**arguments)


@dataclass(frozen=True, slots=True)
class BackupRequest(ControlRequest):
    """Back up the store to the file `out`, an absolute path."""

    command: ClassVar[str] = "backup"
    out: str
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class ForgetSourceRequest(ControlRequest):
    """Delete the records of a removed push source."""

    command: ClassVar[str] = "forget_source"
    source: str


@dataclass(frozen=True, slots=True)
class RestoreRequest(ControlRequest):
    """Replace the store by a copy of `file`, an absolute path."""

    command: ClassVar[str] = "restore"
    file: str


@dataclass(frozen=True, slots=True)
class RetryRequest(ControlRequest):
    """Read a source now, whatever wait its vendor asked for."""

    command: ClassVar[str] = "retry"
    source: str


@dataclass(frozen=True, slots=True)
class ForgetPersonRequest(ControlRequest):
    """Forget the person whom an id, email or name means."""

    command: ClassVar[str] = "forget_person"
    person: str


def _types(hint: Any) -> tuple[type, ...]:
    """The types that a field accepts: one, or those of a union. A flag is not an integer here."""
    return getattr(hint, "__args__", (hint,))
