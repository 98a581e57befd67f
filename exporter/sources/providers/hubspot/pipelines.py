"""Pipelines and their stages: their metadata says what a stage id is called and which status it stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.sources.parsing.convert import flag, number, text
from exporter.sources.provider import record_id

StageStatus = Callable[[Mapping[str, Any]], str | None]
"""From a stage's metadata to the status of the records in it; None if it does not say."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: its label, its pipeline's label, and the status of a record in it."""

    label: str | None
    pipeline: str | None
    status: str | None


@dataclass(frozen=True, slots=True)
class Stages:
    """All stages of one kind of object by id. Deleted stages are missing, although records may still be in them."""

    by_id: Mapping[str, Stage] = field(default_factory=dict)
    pipelines: Mapping[str, str | None] = field(default_factory=dict)

    def __getitem__(self, stage_id: str | None) -> Stage:
        """The stage; for a deleted one, a stage labelled with its id."""
        return self.by_id.get(stage_id or "") or Stage(stage_id, None, None)

    def pipeline(self, pipeline_id: str | None) -> str | None:
        """A pipeline's label, or its id if it was deleted."""
        return self.pipelines.get(pipeline_id or "") or pipeline_id


def deal_status(metadata: Mapping[str, Any]) -> str | None:
    """won, lost or open: closed with probability 1, closed with less, or not closed."""
    probability = number(metadata.get("probability"), "probability")
    closed = flag(metadata.get("isClosed"), "isClosed")
    if closed is None and probability is None:
        return None
    if closed is None:
        closed = probability in (0.0, 1.0)
    if not closed:
        return "open"
    return "won" if (probability or 0.0) >= 1.0 else "lost"


def ticket_status(metadata: Mapping[str, Any]) -> str | None:
    """closed or open: HubSpot distinguishes no more; the stage's label is stored as well."""
    ticket_state = (text(metadata.get("ticketState"), "ticketState") or "").upper()
    if ticket_state in ("OPEN", "CLOSED"):
        return ticket_state.lower()
    closed = flag(metadata.get("isClosed"), "isClosed")
    return None if closed is None else "closed" if closed else "open"


def no_status(_: Mapping[str, Any]) -> None:
    """Stages of leads have no metadata; properties of the lead say what its status is."""


def read_stages(body: Any, stage_status: StageStatus) -> Stages:
    """The stages in the body of a pipelines response; raises SourceRejectedError(SCHEMA) for any other body."""
    try:
        stages: dict[str, Stage] = {}
        labels: dict[str, str | None] = {}
        for pipeline in body["results"]:
            label = text(pipeline["label"], "label")
            labels[record_id(pipeline)] = label
            for stage in pipeline["stages"]:
                status = stage_status(stage.get("metadata") or {})
                stages[record_id(stage)] = Stage(text(stage["label"], "label"), label, status)
    except (KeyError, TypeError, AttributeError, InvalidRecordError):
        raise SourceRejectedError(Reason.SCHEMA, "the pipelines are not in the documented shape") from None
    return Stages(stages, labels)
