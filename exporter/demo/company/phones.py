"""Draws the calls of a day: customers who call, wait and sometimes hang up, and employees who call others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from random import Random

from exporter.demo.company.chance import Odds, count_around, size_around
from exporter.demo.company.entities import PhoneCall
from exporter.demo.company.rhythm import CLOSES, OPENS, activity, any_time, is_workday, midnight, office_time
from exporter.demo.company.staff import Employee, Staff, shift

INBOUND_PER_DAY, OUTBOUND_PER_DAY = 105.0, 80.0
LINES = ("Support line", "Customer Care line", "Sales line")
TOPICS = ("Billing", "Delivery", "Technical", "Contract", "Other")

_INBOUND_LINE = Odds(dict(zip(LINES, (50, 35, 15), strict=True)))
_OUTBOUND_LINE = Odds(dict(zip(LINES, (14, 11, 75), strict=True)))
_TOPIC = Odds(dict(zip(TOPICS, (25, 30, 25, 12, 8), strict=True)))


def calls(rng: Random, staff: Staff, day: date, first_id: int) -> Iterator[PhoneCall]:
    """The calls of a day, in order of time and id."""
    activity_today = activity(day)
    inbound = count_around(rng, INBOUND_PER_DAY * activity_today * (1.5 if rng.random() < 0.04 else 1.0))
    outbound = count_around(rng, OUTBOUND_PER_DAY * activity_today)
    pressure = max(0.4, inbound / INBOUND_PER_DAY) ** 2
    starts = [(office_time(rng, day), True) for _ in range(inbound)]
    starts += [(any_time(rng, day), True) for _ in range(count_around(rng, 3 + 5 * activity_today))]
    starts += [(office_time(rng, day), False) for _ in range(outbound)]
    agents = {team: [agent for agent in staff.agents if agent.team == team] for team in ("Support", "Customer Care")}
    shifts = {line: shift(members, day) for line, members in zip(LINES, (*agents.values(), staff.sellers), strict=True)}
    opens, closes = midnight(day) + OPENS * 3600, midnight(day) + CLOSES * 3600
    for offset, (at, is_inbound) in enumerate(sorted(starts)):
        draw = _inbound if is_inbound else _outbound
        yield draw(rng, shifts, first_id + offset, at, pressure if is_workday(day) and opens <= at < closes else 0.0)


def _inbound(rng: Random, shifts: Mapping[str, Odds[Employee]], call_id: int, at: int, pressure: float) -> PhoneCall:
    line = _INBOUND_LINE.draw(rng)
    if not pressure:
        return _missed(call_id, line, at, rng.randrange(8, 90), "out_of_opening_hours", voicemail=rng.random() < 0.3)
    wait, patience = size_around(rng, 16 * pressure, 0.9), rng.expovariate(1 / 190)
    if patience < min(10.0, wait):
        return _missed(call_id, line, at, 1 + int(patience), "short_abandoned")
    if patience < wait:
        reason = "abandoned_in_ivr" if rng.random() < 0.4 else "abandoned_in_classic"
        return _missed(call_id, line, at, int(patience), reason)
    if rng.random() < 0.03:
        reason = "no_available_agent" if rng.random() < 0.5 else "agents_did_not_answer"
        return _missed(call_id, line, at, 60 + int(wait), reason, voicemail=rng.random() < 0.25)
    agent, answered_at = shifts[line].draw(rng), at + 1 + int(wait)
    ended_at = answered_at + _talk(rng, agent)
    return PhoneCall(
        id=call_id,
        inbound=True,
        line=line,
        agent=agent.key,
        started_at=at,
        answered_at=answered_at,
        ended_at=ended_at,
        topic=_TOPIC.draw(rng) if rng.random() < 0.8 else None,
        tagged_at=ended_at + int(size_around(rng, 900, 1.2)),
    )


def _outbound(rng: Random, shifts: Mapping[str, Odds[Employee]], call_id: int, at: int, _: float) -> PhoneCall:
    line = _OUTBOUND_LINE.draw(rng)
    caller, picked_up_at = shifts[line].draw(rng), at + rng.randrange(4, 32)
    answered = rng.random() < min(0.85, 0.55 * caller.skill)
    return PhoneCall(
        id=call_id,
        inbound=False,
        line=line,
        agent=caller.key,
        started_at=at,
        answered_at=picked_up_at if answered else None,
        ended_at=picked_up_at + (_talk(rng, caller) if answered else 0),
    )


def _talk(rng: Random, agent: Employee) -> int:
    return max(3, int(size_around(rng, 210 / agent.skill**0.5, 0.7)))


def _missed(call_id: int, line: str, at: int, seconds: int, reason: str, *, voicemail: bool = False) -> PhoneCall:
    return PhoneCall(
        id=call_id,
        inbound=True,
        line=line,
        started_at=at,
        ended_at=at + max(1, seconds),
        missed_reason=reason,
        voicemail=voicemail,
    )
