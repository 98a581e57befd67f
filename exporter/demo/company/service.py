"""Draws the tickets of a day; the response time depends on the agent and on how busy the day is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from random import Random

from exporter.demo.company.chance import Odds, count_around, size_around
from exporter.demo.company.entities import StageStep, TicketHistory
from exporter.demo.company.rhythm import activity, add_working_time, any_time
from exporter.demo.company.staff import Employee, Staff, shift

TICKETS_PER_DAY = 45.0

_CHANNEL = Odds({"EMAIL": 52, "FORM": 18, "CHAT": 18, "PHONE": 12})
_PRIORITY = Odds({"LOW": 30, "MEDIUM": 50, "HIGH": 16, "URGENT": 4})
_SUBJECTS = ("Invoice question", "Login does not work", "Order is late", "Change of address", "Wrong item",
             "Contract renewal", "Price list", "Error in export", "Return of goods", "New user needed")  # fmt: skip
_HURRY = {"LOW": 1.5, "MEDIUM": 1.0, "HIGH": 0.6, "URGENT": 0.3}


def tickets(rng: Random, staff: Staff, day: date, first_id: int) -> Iterator[TicketHistory]:
    """The tickets opened on a day, in order of time and id."""
    expected = TICKETS_PER_DAY * activity(day)
    count = count_around(rng, expected * (1.7 if rng.random() < 0.04 else 1.0))
    pressure = max(0.6, count / TICKETS_PER_DAY) ** 1.5
    agents = shift(staff.agents, day)
    moments = sorted(any_time(rng, day) for _ in range(count))
    for offset, at in enumerate(moments):
        yield _ticket(rng, agents.draw(rng), first_id + offset, at, pressure)


def _ticket(rng: Random, agent: Employee, record_id: int, at: int, pressure: float) -> TicketHistory:
    priority = _PRIORITY.draw(rng)
    hurry = _HURRY[priority] * pressure / agent.skill
    replied_at = _whole_minutes(at, add_working_time(at, size_around(rng, 3_000 * hurry, 0.9)))
    steps = _path(rng, at, replied_at, size_around(rng, 24_000 * hurry, 1.0))
    closed_at = steps[-1].at
    rated = rng.random() < 0.3
    return TicketHistory(
        id=record_id,
        steps=steps,
        archived_at=replied_at if rng.random() < 0.008 else None,
        subject=rng.choice(_SUBJECTS),
        care=agent.team == "Customer Care",
        agent=agent.key,
        priority=priority,
        channel=_CHANNEL.draw(rng),
        replied_at=replied_at,
        rating=_rating(rng, agent, closed_at - at) if rated else None,
        rated_at=closed_at + int(size_around(rng, 20_000, 1)) if rated else None,
    )


def _whole_minutes(since: int, until: int) -> int:
    """Delays `until` to whole minutes after `since`, the precision of every helpdesk."""
    return until + (since - until) % 60


def _path(rng: Random, at: int, replied_at: int, effort: float) -> tuple[StageStep, ...]:
    closed_at = add_working_time(replied_at, effort)
    asked_at = rng.randrange(replied_at, closed_at + 1)
    steps = [StageStep(at, "new"), StageStep(replied_at, "waiting_on_us")]
    if rng.random() < 0.6:
        steps.append(StageStep(asked_at, "waiting_on_contact"))
    steps.append(StageStep(closed_at, "closed"))
    if rng.random() < 0.06:
        reopened_at = add_working_time(closed_at, size_around(rng, 40_000, 0.8))
        steps += [
            StageStep(reopened_at, "waiting_on_us"),
            StageStep(add_working_time(reopened_at, effort), "closed"),
        ]
    return tuple(steps)


def _rating(rng: Random, agent: Employee, seconds: int) -> int:
    mood = 4.5 + 0.5 * (agent.skill - 1) - 0.08 * (seconds / 86_400)
    return min(5, max(1, round(rng.gauss(mood, 0.8))))
