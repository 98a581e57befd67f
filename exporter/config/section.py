"""What every section of the config is, and markers that say how text in it must look."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

from exporter.config.messages import fault, nearest


class Section(BaseModel):
    """A part of the config: unknown keys are refused, nothing changes after the check, input is never echoed.

    The validators are built on first use, which keeps the import light.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, defer_build=True)


@dataclass(frozen=True, slots=True)
class Spelled:
    """Marks text that must match `pattern` as a whole; `words` tell a reader what that means."""

    pattern: str
    words: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^({self.pattern})$"}

    def _check(self, text: str) -> str:
        if not re.fullmatch(self.pattern, text):
            raise fault(f"expected {self.words}")
        return text


@dataclass(frozen=True, slots=True)
class OneOf:
    """Marks a field that takes one of these words; `convert` turns the word into what the field holds."""

    names: tuple[str, ...]
    convert: Callable[[str], Any] = str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._member)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.names)}

    def _member(self, value: Any) -> Any:
        if isinstance(value, str) and value in self.names:
            return self.convert(value)
        near = nearest(value, self.names) if isinstance(value, str) else None
        raise fault(f"expected one of {', '.join(self.names)}", f"did you mean {near}?" if near else "")


def word_of(kind: type[StrEnum]) -> OneOf:
    """The marker for an enumeration's words."""
    return OneOf(tuple(member.value for member in kind), kind)
