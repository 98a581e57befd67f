"""Options of the pipedrive provider."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from exporter.config.fields import SecretField, Section, TextPattern
from exporter.config.sources.base import HttpOptions, OAuth

FieldKey = Annotated[str, TextPattern("[0-9a-f]{40}", "the key of a custom field: 40 hexadecimal digits")]


class LeadFields(Section):
    """Keys of the custom date fields in which a company records the progress of its leads."""

    qualified_at: FieldKey | None = None
    """When it was qualified."""
    converted_at: FieldKey | None = None
    """When it was converted to a deal."""


class PipedriveOptions(HttpOptions):
    """Pipedrive CRM: deals (including archived and deleted ones), leads, activities, call logs and users."""

    provider: Literal["pipedrive"]
    token: SecretField | None = None
    """A personal API token."""
    oauth: OAuth | None = None
    """Or an OAuth app with its refresh token."""
    entities: Annotated[
        tuple[Literal["deals", "leads", "activities", "calls", "people"], ...], Field(strict=False, min_length=1)
    ] = ("people", "deals")
    """What to read."""
    custom_fields: Annotated[tuple[str, ...], Field(strict=False, max_length=15)] = ()
    """Keys of custom fields of deals, kept as attributes.KEY. Pipedrive returns at most 15."""
    lead_fields: LeadFields = Field(default_factory=LeadFields)
    """Custom fields with the dates of a lead: Pipedrive itself stores none, and deletes a lead that it converts."""

    @model_validator(mode="after")
    def _exactly_one_credential(self) -> Self:
        if (self.token is None) == (self.oauth is None):
            raise ValueError("exactly one of token and oauth")
        return self
