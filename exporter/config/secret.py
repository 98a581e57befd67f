"""Secrets: the config says where they are, never what they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from exporter.config.messages import fault
from exporter.config.section import Section, Spelled

LocalPath = Annotated[Path, Field(strict=False), WithJsonSchema({"type": "string", "minLength": 1})]
"""A path, relative to the config file."""

_CURE = "write {env: NAME} for an environment variable or {file: PATH} for a file"

VariableName = Annotated[
    str,
    Spelled(
        "[A-Z][A-Z0-9_]{0,127}",
        "the name of an environment variable, in capitals and never the secret itself",
    ),
]
"""Capitals only: a secret pasted where its name belongs is then refused unread, in nearly every case."""


class Secret(Section):
    """Where a secret is read from, at each use, so that a rotated file is picked up. Its value is never kept."""

    env: VariableName | None = None
    """Name of an environment variable."""
    file: LocalPath | None = None
    """Path of a file whose trimmed content is the secret."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise fault("a secret stands in exactly one place", _CURE)
        return self

    def reveal(self, environ: Mapping[str, str], base: Path) -> str:
        """The secret's value; raises LookupError naming the variable or path, never a value."""
        if self.env is not None:
            value = environ.get(self.env, "")
            place = f"environment variable {self.env}"
        else:
            place = f"file {self.file}"
            try:
                value = (base / (self.file or "")).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                raise LookupError(f"{place} cannot be read") from None
        value = value.strip()
        if not value:
            raise LookupError(f"{place} is missing or empty")
        return value


def _no_literal_secret(value: Any) -> Any:
    if not isinstance(value, dict | Secret):
        raise fault("a secret may not stand in the config", _CURE)
    if not isinstance(value, Secret) and not value.keys() <= {"env", "file"}:
        raise fault("a secret has no keys but env or file", _CURE)
    return value


SecretField = Annotated[Secret, BeforeValidator(_no_literal_secret)]
