"""Options of the push provider: what may be posted to /push/NAME, and by whom."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from exporter.config.fields import Duration, EntityName, Number, SecretField, Section, parse_duration
from exporter.config.messages import fault
from exporter.config.sources.base import ONE_SECOND, ColumnMap, SourceOptions

_FOR_READING = ("lookback", "reconcile_every")


class PushEntity(Section):
    """One kind of record that may be sent."""

    entity: EntityName
    """What its records are, such as deals."""
    columns: ColumnMap | None = None
    """Our columns to the fields that are sent, where they are others; without it they have our columns' names."""


def _plain(value: Any) -> Any:
    return {"entity": value} if isinstance(value, str) else value


class PushOptions(SourceOptions):
    """Records that others post to /push/NAME, as JSON or CSV; nothing is read."""

    polled: ClassVar[bool] = False
    provider: Literal["push"]
    token: SecretField
    """What senders show as `Authorization: Bearer`; 16 characters at least."""
    entities: Annotated[
        tuple[
            Annotated[PushEntity, BeforeValidator(_plain, json_schema_input_type=EntityName | PushEntity)],
            ...,
        ],
        Field(strict=False, min_length=1),
    ]
    """What may be sent: names of entities, or sections with an entity and its columns."""
    sync_every: Annotated[Duration, Field(ge=ONE_SECOND)] = parse_duration("8h")
    """How often something is sent at the latest, be it an empty list. Missed three times, its numbers are withheld."""
    max_per_second: Annotated[Number, Field(gt=0, le=1000)] = 10
    """Posts a second at most; ten seconds' worth may come at once."""

    @model_validator(mode="after")
    def _not_read(self) -> Self:
        for name in _FOR_READING:
            if name in self.model_fields_set:
                raise fault(f"{name} is for sources that are read, and this one waits for posts", "leave it out")
        if len(set(self.reads)) != len(self.reads):
            raise fault("an entity is listed twice", "list each once")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The entities that may be sent."""
        return tuple(part.entity for part in self.entities)

    @property
    def column_maps(self) -> tuple[tuple[tuple[str | int, ...], str, ColumnMap], ...]:
        """One mapping for each entity that has one."""
        return tuple(
            (("entities", place, "columns"), part.entity, part.columns)
            for place, part in enumerate(self.entities)
            if part.columns is not None
        )
