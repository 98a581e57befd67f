"""Pipelines and their stages: what a stage id is called and what it means comes from the pipeline's own metadata."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from exporter.errors import Reason, SourceRejectedError
from exporter.sources.parsing.convert import flag, number, text

Meaning = Callable[[Mapping[str, Any]], str | None]
"""From a stage's metadata to our status, None where it says nothing."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: its name, its pipeline's name, and our status of a record in it."""

    label: str | None
    pipeline: str | None
    status: str | None


@dataclass(frozen=True, slots=True)
class Stages:
    """All stages of one kind of object by id. Deleted ones are missing, though records may still be in them."""

    by_id: Mapping[str, Stage] = field(default_factory=dict)
    pipelines: Mapping[str, str | None] = field(default_factory=dict)

    def __getitem__(self, stage: str | None) -> Stage:
        """The stage; one that is gone has only its id for a name."""
        return self.by_id.get(stage or "") or Stage(stage, None, None)

    def pipeline(self, key: str | None) -> str | None:
        """A pipeline's name; one that is gone has only its id."""
        return self.pipelines.get(key or "") or key


def deal_status(metadata: Mapping[str, Any]) -> str | None:
    """won, lost or open: closed with certainty, closed without hope, or not closed."""
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
    """closed or open: HubSpot tells no more apart; the stage's name is kept beside it."""
    state = (text(metadata.get("ticketState"), "ticketState") or "").upper()
    if state in ("OPEN", "CLOSED"):
        return state.lower()
    closed = flag(metadata.get("isClosed"), "isClosed")
    return None if closed is None else "closed" if closed else "open"


def no_status(_: Mapping[str, Any]) -> None:
    """The stages of leads carry no metadata; leads say themselves what they are."""


def read_stages(body: Any, meaning: Meaning) -> Stages:
    """The stages of a pipelines answer; raises SourceRejectedError(SCHEMA) where it is none."""
    try:
        stages: dict[str, Stage] = {}
        names: dict[str, str | None] = {}
        for pipeline in body["results"]:
            label = text(pipeline["label"], "label")
            names[str(pipeline["id"])] = label
            for stage in pipeline["stages"]:
                status = meaning(stage.get("metadata") or {})
                stages[str(stage["id"])] = Stage(text(stage["label"], "label"), label, status)
    except (KeyError, TypeError, AttributeError):
        raise SourceRejectedError(Reason.SCHEMA, "the pipelines are not in the documented shape") from None
    return Stages(stages, names)
