"""Options of the push provider: which records may be posted to /push/NAME."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from exporter.config.fields import Duration, EntityName, Many, Name, Number, SecretField, Section, parse_duration
from exporter.config.messages import invalid
from exporter.config.sources.base import ONE_SECOND, ColumnMap, SourceOptions

MIN_TOKEN_LENGTH = 16
"""A shorter token can be guessed."""
TOKEN_PROBLEM = f"a token of at least {MIN_TOKEN_LENGTH} characters, such as openssl rand -hex 32 prints"

_POLLING_OPTIONS = ("lookback", "reconcile_every")


def is_long_enough(token: str) -> bool:
    """True for a token that cannot be guessed."""
    return len(token) >= MIN_TOKEN_LENGTH


class PushEntity(Section):
    """An entity whose records may be posted."""

    entity: EntityName
    """The entity, such as deals."""
    columns: ColumnMap | None = None
    """Our columns to the posted fields. Default: fields have the names of our columns."""


def _from_name(value: Any) -> Any:
    return {"entity": value} if isinstance(value, str) else value


class PushOptions(SourceOptions):
    """Records that are posted to /push/NAME as JSON or CSV."""

    polled: ClassVar[bool] = False
    provider: Literal["push"]
    token: SecretField
    """Token that senders use as `Authorization: Bearer`; at least 16 characters."""
    entities: Annotated[
        tuple[
            Annotated[PushEntity, BeforeValidator(_from_name, json_schema_input_type=EntityName | PushEntity)],
            ...,
        ],
        Field(strict=False, min_length=1),
    ]
    """Entities that may be posted: names, or sections with an entity and its columns."""
    renamed_from: Many[Name] = ()
    """Former names of this source, whose records become its own."""
    sync_every: Annotated[Duration, Field(ge=ONE_SECOND)] = parse_duration("8h")
    """Longest time between two posts, which may be empty. After three times as long, its values are withheld."""
    max_per_second: Annotated[Number, Field(gt=0, le=1000)] = 10
    """Maximum number of posts per second; ten times as many may come in a burst."""

    @model_validator(mode="after")
    def _not_polled(self) -> Self:
        for name in _POLLING_OPTIONS:
            if name in self.model_fields_set:
                raise invalid(f"{name} has no effect on a source that receives posts", "remove it")
        if len(set(self.reads)) != len(self.reads):
            raise invalid("an entity is listed twice", "list each once")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The entities that may be posted."""
        return tuple(listed.entity for listed in self.entities)

    @property
    def column_maps(self) -> tuple[tuple[tuple[str | int, ...], str, ColumnMap], ...]:
        """One mapping for each entity with columns."""
        return tuple(
            (("entities", index, "columns"), listed.entity, listed.columns)
            for index, listed in enumerate(self.entities)
            if listed.columns is not None
        )
