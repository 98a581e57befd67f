"""Calls that were logged in HubSpot, by hand or by a telephone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from exporter.records import Call
from exporter.sources.parsing import convert
from exporter.sources.providers.hubspot.shape import Shape

PROPERTIES = (
    "hs_call_direction", "hs_call_disposition", "hs_call_duration", "hs_call_status", "hs_lastmodifieddate",
    "hs_timestamp", "hubspot_owner_id",
)  # fmt: skip

_CALL_STATUS: Mapping[str, str | None] = MappingProxyType(
    {
        "COMPLETED": "answered",
        "NO_ANSWER": "missed",
        "MISSED": "missed",
        "BUSY": "busy",
        "FAILED": "failed",
        "CANCELED": "abandoned",
        "CALLING_CRM_USER": None,
        "CONNECTING": None,
        "IN_PROGRESS": None,
        "QUEUED": None,
        "RINGING": None,
    }
)
"""None: the call is still going on."""

_DISPOSITION: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "9d9162e7-6cf3-4944-bf63-4dff82258764": ("Busy", "busy"),
        "f240bbac-87c9-4f6e-bf70-924b57d47db7": ("Connected", "answered"),
        "a4c4c377-d246-4b32-a13b-75a56a4cd0ff": ("Left live message", "answered"),
        "b2cf5968-551e-4856-9783-52b3da59a7d0": ("Left voicemail", "voicemail"),
        "73a0d17f-1163-4015-bdd5-ec830791da20": ("No answer", "missed"),
        "17b47fee-58de-441e-a44c-c6300d46f273": ("Wrong number", "answered"),
    }
)
"""The outcomes that every account has. A call logged by hand is COMPLETED whatever became of it."""


def call(row: Mapping[str, Any], shape: Shape) -> Call:
    """A logged call. HubSpot knows neither queue nor waiting time; its length is in milliseconds."""
    properties = row["properties"]
    outcome = _DISPOSITION.get(convert.text(properties.get("hs_call_disposition"), "status") or "")
    status = call_status(convert.text(properties.get("hs_call_status"), "status"), outcome)
    started_at = shape.at(properties, "hs_timestamp")
    length = convert.seconds(properties.get("hs_call_duration"), "talk_seconds", "ms")
    return Call(
        **shape.common(row, outcome=outcome[0] if outcome else None),
        direction=convert.choice(
            properties.get("hs_call_direction"), "direction", {"INBOUND": "inbound", "OUTBOUND": "outbound"}
        ),
        status=status,
        agent=convert.text(properties.get("hubspot_owner_id"), "agent"),
        started_at=started_at,
        ended_at=started_at + timedelta(seconds=length) if started_at and length is not None else None,
        talk_seconds=length if status == "answered" else None,
    )


def call_status(state: str | None, outcome: tuple[str, str] | None) -> str | None:
    """The vendor's state, refined by the outcome that somebody noted; None while the call goes on."""
    if outcome is not None and state in (None, "COMPLETED"):
        return outcome[1]
    return convert.choice(state, "status", _CALL_STATUS)
