"""Draws the leads and deals of a day, each with its future steps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from exporter.demo.company.chance import Odds, count_around, size_around
from exporter.demo.company.entities import DealHistory, LeadHistory, StageStep
from exporter.demo.company.rhythm import (
    activity,
    add_working_time,
    any_time,
    last_workdays,
    local_day,
    next_workday,
    office_time,
)
from exporter.demo.company.staff import Employee, Staff, shift

DEALS_PER_DAY, LEADS_PER_DAY = 25.0, 38.0
OPEN_STAGES = ("discovery", "demo", "offer", "negotiation", "contract")

_ORIGIN = Odds(
    {"ORGANIC_SEARCH": 30, "PAID_SEARCH": 18, "REFERRALS": 16, "EMAIL_MARKETING": 14,
     "SOCIAL_MEDIA": 10, "DIRECT_TRAFFIC": 8, "OFFLINE": 4}
)  # fmt: skip
_FIRST = ("Alpha", "Bergsee", "Castello", "Delta", "Edelweiss", "Falken", "Gotthard", "Helvetia", "Iris",
          "Jura", "Kristall", "Linth", "Matterhorn", "Nordwind", "Orion", "Pilatus", "Rhein", "Säntis",
          "Titan", "Uranus")  # fmt: skip
_SECOND = ("Logistics", "Bau", "Pharma", "Hotels", "Energie", "Elektro", "Foods", "Medien", "Metall", "Travel")
_FORM = ("AG", "GmbH", "SA", "Group")
_PRODUCT = Odds({"Starter": 40, "Team": 32, "Business": 20, "Enterprise": 8})
_LOST_AFTER = Odds({1: 25, 2: 25, 3: 25, 4: 15, 5: 10})
"""How many stages a lost deal goes through."""
_SIZE = {"Starter": 2400, "Team": 6200, "Business": 12500, "Enterprise": 31000}


def deals(rng: Random, staff: Staff, day: date, first_id: int) -> Iterator[DealHistory]:
    """The deals opened on a day, in order of time and id."""
    sellers = shift(staff.sellers, day)
    moments = sorted(office_time(rng, day) for _ in range(count_around(rng, DEALS_PER_DAY * activity(day))))
    for offset, at in enumerate(moments):
        yield _deal(rng, sellers.draw(rng), first_id + offset, at)


def leads(rng: Random, staff: Staff, day: date, first_id: int) -> Iterator[LeadHistory]:
    """The leads created on a day, weekends included, in order of time and id."""
    online = 0.25 * LEADS_PER_DAY
    expected = online + (LEADS_PER_DAY - online) * activity(day)
    sellers = shift(staff.sellers, day)
    moments = sorted(any_time(rng, day) for _ in range(count_around(rng, expected)))
    for offset, at in enumerate(moments):
        yield _lead(rng, sellers.draw(rng), first_id + offset, at)


def _deal(rng: Random, owner: Employee, record_id: int, at: int) -> DealHistory:
    partner = owner.team == "Partner Sales"
    product = _PRODUCT.draw(rng)
    amount = Decimal(int(size_around(rng, _SIZE[product] * (1.25 if partner else 1), 0.45)))
    won = rng.random() < min(0.7, 0.30 * owner.skill)
    steps = _path(rng, at, won, size_around(rng, 24 / owner.skill, 0.7))
    closed_at = steps[-1].at if steps[-1].stage in ("won", "lost") else None
    corrected_at = closed_at and add_working_time(closed_at, size_around(rng, 90_000, 0.8))
    is_corrected = won and corrected_at is not None and rng.random() < 0.06
    return DealHistory(
        id=record_id,
        steps=steps,
        archived_at=add_working_time(at, size_around(rng, 60_000, 1)) if rng.random() < 0.015 else None,
        name=f"{company_name(rng)}: {product}",
        amount=amount,
        currency="EUR" if rng.random() < (0.6 if partner else 0.2) else "CHF",
        partner=partner,
        owner=owner.key,
        origin=_ORIGIN.draw(rng),
        expected_at=at + rng.randrange(20, 70) * 86_400,
        corrected_at=corrected_at if is_corrected else None,
        corrected=(amount * Decimal(rng.randrange(70, 125)) / 100).quantize(Decimal("0.01")) if is_corrected else None,
    )


def _path(rng: Random, at: int, won: bool, days: float) -> tuple[StageStep, ...]:
    """Its steps from opening to closing; a few deals stay open for ever."""
    stage_count = len(OPEN_STAGES) if won else _LOST_AFTER.draw(rng)
    day = next_workday(local_day(at) + timedelta(days=min(days, 200.0)))
    month_end = last_workdays(day.year, day.month)
    if won and day < month_end[0] and rng.random() < 0.18:  # sellers close what they can at the end of a month
        day = rng.choice(month_end)
    closed_at = max(office_time(rng, day), at + 3600)
    moments = sorted(rng.randrange(at + 1, closed_at) for _ in range(stage_count - 1))
    steps = [StageStep(at, OPEN_STAGES[0])]
    steps += [StageStep(moment, stage) for moment, stage in zip(moments, OPEN_STAGES[1:], strict=False)]
    if rng.random() < 0.03:
        return tuple(steps)
    return (*steps, StageStep(closed_at, "won" if won else "lost"))


def _lead(rng: Random, owner: Employee, record_id: int, at: int) -> LeadHistory:
    contacted_at = add_working_time(at, size_around(rng, 7_200 / owner.skill, 1.1))
    decided_at = add_working_time(contacted_at, size_around(rng, 90_000, 0.9))
    steps = [StageStep(at, "new"), StageStep(contacted_at, "working")]
    if rng.random() < min(0.8, 0.4 * owner.skill):
        steps.append(StageStep(decided_at, "qualified"))
        closed_at = add_working_time(decided_at, size_around(rng, 200_000, 0.8))
        steps.append(StageStep(closed_at, "converted" if rng.random() < 0.55 else "lost"))
    elif rng.random() < 0.85:
        steps.append(StageStep(decided_at, "lost"))
    duplicate = rng.random() < 0.012
    return LeadHistory(
        id=record_id,
        steps=tuple(steps),
        archived_at=decided_at if not duplicate and rng.random() < 0.01 else None,
        merged_at=contacted_at if duplicate else None,
        name=f"{rng.choice(_FIRST)} {rng.choice(_SECOND)}",
        owner=owner.key,
        origin=_ORIGIN.draw(rng),
    )


def company_name(rng: Random) -> str:
    """A customer's name."""
    return f"{rng.choice(_FIRST)} {rng.choice(_SECOND)} {rng.choice(_FORM)}"
