"""The status that a stage's metadata stands for."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.errors import Reason, SourceRejectedError
from exporter.sources.providers.hubspot.pipelines import Stage, deal_status, no_status, read_stages, ticket_status


@pytest.mark.parametrize(
    ("metadata", "status"),
    [
        ({"isClosed": "true", "probability": "1.0"}, "won"),
        ({"isClosed": "true", "probability": "1"}, "won"),
        ({"isClosed": "true", "probability": "0.0"}, "lost"),
        ({"isClosed": "true"}, "lost"),
        ({"isClosed": "false", "probability": "0.2"}, "open"),
        ({"isClosed": "false", "probability": "0.0"}, "open"),
        ({"isClosed": "false", "probability": "1.0"}, "open"),
        ({"probability": "1.0"}, "won"),
        ({"probability": "0"}, "lost"),
        ({"probability": "0.95"}, "open"),
        ({"isClosed": True, "probability": 1}, "won"),
        ({}, None),
    ],
)
def test_the_status_of_a_deal_by_its_stage(metadata: dict[str, Any], status: str | None) -> None:
    assert deal_status(metadata) == status


@pytest.mark.parametrize(
    ("metadata", "status"),
    [
        ({"ticketState": "OPEN", "isClosed": "false"}, "open"),
        ({"ticketState": "CLOSED", "isClosed": "true"}, "closed"),
        ({"ticketState": "CLOSED"}, "closed"),
        ({"ticketState": "open"}, "open"),
        ({"isClosed": "true"}, "closed"),
        ({"isClosed": "false"}, "open"),
        ({"ticketState": "PARKED"}, None),
        ({}, None),
    ],
)
def test_the_status_of_a_ticket_by_its_stage(metadata: dict[str, Any], status: str | None) -> None:
    assert ticket_status(metadata) == status


def answer(**stage: Any) -> dict[str, Any]:
    return {"results": [{"id": "p", "label": "Sales", "createdAt": "1970-01-01T00:00:00Z", "stages": [stage]}]}


def test_a_stage_is_found_by_id_with_the_name_of_its_pipeline() -> None:
    stages = read_stages(answer(id=99, label="Won", metadata={"isClosed": "true", "probability": "1.0"}), deal_status)
    assert stages["99"] == Stage("Won", "Sales", "won")
    assert stages.pipeline("p") == "Sales"


def test_a_deleted_stage_or_pipeline_is_named_by_its_id() -> None:
    stages = read_stages({"results": []}, deal_status)
    assert stages["gone"] == Stage("gone", None, None)
    assert stages[None] == Stage(None, None, None)
    assert (stages.pipeline("gone"), stages.pipeline(None)) == ("gone", None)


@pytest.mark.parametrize("metadata", [None, {}])
def test_stages_of_leads_have_no_status(metadata: dict[str, Any] | None) -> None:
    assert read_stages(answer(id="1", label="New", metadata=metadata), no_status)["1"] == Stage("New", "Sales", None)


@pytest.mark.parametrize("body", [None, {}, {"results": None}, {"results": [{}]}, {"results": ["p"]}, answer(id="1")])
def test_pipelines_in_another_shape_are_rejected(body: Any) -> None:
    with pytest.raises(SourceRejectedError) as raised:
        read_stages(body, deal_status)
    assert raised.value.reason is Reason.SCHEMA
