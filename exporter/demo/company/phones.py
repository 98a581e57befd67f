"""A day's calls: customers who ring, wait and sometimes give up, and colleagues who ring others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from random import Random

from exporter.demo.company.chance import Odds, about, spread
from exporter.demo.company.entities import PhoneCall
from exporter.demo.company.rhythm import CLOSES, OPENS, activity, any_moment, is_workday, midnight, office_moment
from exporter.demo.company.staff import Employee, Staff, shift

INBOUND_A_DAY, OUTBOUND_A_DAY = 105.0, 80.0
LINES = ("Support line", "Customer Care line", "Sales line")
TOPICS = ("Billing", "Delivery", "Technical", "Contract", "Other")


_RUNG = Odds(dict(zip(LINES, (50, 35, 15), strict=True)))
_RINGING = Odds(dict(zip(LINES, (14, 11, 75), strict=True)))
_TOPIC = Odds(dict(zip(TOPICS, (25, 30, 25, 12, 8), strict=True)))


def calls(rng: Random, staff: Staff, day: date, first_id: int) -> Iterator[PhoneCall]:
    """The calls of a day, in order of time and id."""
    busy = activity(day)
    inbound = about(rng, INBOUND_A_DAY * busy * (1.5 if rng.random() < 0.04 else 1.0))
    outbound = about(rng, OUTBOUND_A_DAY * busy)
    pressure = max(0.4, inbound / INBOUND_A_DAY) ** 2
    starts = [(office_moment(rng, day), True) for _ in range(inbound)]
    starts += [(any_moment(rng, day), True) for _ in range(about(rng, 3 + 5 * busy))]
    starts += [(office_moment(rng, day), False) for _ in range(outbound)]
    at_the_phones = _shifts(staff, day)
    for number, (at, comes_in) in enumerate(sorted(starts)):
        draw = _inbound if comes_in else _outbound
        yield draw(rng, at_the_phones, first_id + number, at, pressure if _open(at, day) else 0.0)


def _shifts(staff: Staff, day: date) -> Mapping[str, Odds[Employee]]:
    answering = {
        LINES[0]: [agent for agent in staff.agents if agent.team == "Support"],
        LINES[1]: [agent for agent in staff.agents if agent.team == "Customer Care"],
        LINES[2]: staff.sellers,
    }
    return {line: shift(members, day) for line, members in answering.items()}


def _open(at: int, day: date) -> bool:
    return is_workday(day) and OPENS * 3600 <= at - midnight(day) < CLOSES * 3600


def _inbound(rng: Random, at_the_phones: Mapping[str, Odds[Employee]], key: int, at: int, pressure: float) -> PhoneCall:
    line = _RUNG.draw(rng)
    if not pressure:
        return _missed(key, line, at, rng.randrange(8, 90), "out_of_opening_hours", voicemail=rng.random() < 0.3)
    wait, patience = spread(rng, 16 * pressure, 0.9), rng.expovariate(1 / 190)
    if patience < min(10.0, wait):
        return _missed(key, line, at, 1 + int(patience), "short_abandoned")
    if patience < wait:
        where = "abandoned_in_ivr" if rng.random() < 0.4 else "abandoned_in_classic"
        return _missed(key, line, at, int(patience), where)
    if rng.random() < 0.03:
        why = "no_available_agent" if rng.random() < 0.5 else "agents_did_not_answer"
        return _missed(key, line, at, 60 + int(wait), why, voicemail=rng.random() < 0.25)
    who, answered_at = at_the_phones[line].draw(rng), at + 1 + int(wait)
    ended_at = answered_at + _talk(rng, who)
    return PhoneCall(
        id=key,
        inbound=True,
        line=line,
        agent=who.key,
        started_at=at,
        answered_at=answered_at,
        ended_at=ended_at,
        topic=_TOPIC.draw(rng) if rng.random() < 0.8 else None,
        tagged_at=ended_at + int(spread(rng, 900, 1.2)),
    )


def _outbound(rng: Random, at_the_phones: Mapping[str, Odds[Employee]], key: int, at: int, _: float) -> PhoneCall:
    line = _RINGING.draw(rng)
    caller, rung_until = at_the_phones[line].draw(rng), at + rng.randrange(4, 32)
    answered = rng.random() < min(0.85, 0.55 * caller.skill)
    return PhoneCall(
        id=key,
        inbound=False,
        line=line,
        agent=caller.key,
        started_at=at,
        answered_at=rung_until if answered else None,
        ended_at=rung_until + (_talk(rng, caller) if answered else 0),
    )


def _talk(rng: Random, who: Employee) -> int:
    return max(3, int(spread(rng, 210 / who.skill**0.5, 0.7)))


def _missed(key: int, line: str, at: int, seconds: int, reason: str, *, voicemail: bool = False) -> PhoneCall:
    return PhoneCall(
        id=key,
        inbound=True,
        line=line,
        started_at=at,
        ended_at=at + max(1, seconds),
        missed_reason=reason,
        voicemail=voicemail,
    )
