"""A day's leads and deals, each with the life ahead of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from exporter.demo.company.chance import Odds, about, spread
from exporter.demo.company.entities import DealHistory, LeadHistory, StageStep
from exporter.demo.company.rhythm import (
    activity,
    after_working,
    any_moment,
    last_workdays,
    local_day,
    next_workday,
    office_moment,
)
from exporter.demo.company.staff import Employee, Staff, shift

DEALS_A_DAY, LEADS_A_DAY = 25.0, 38.0
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
"""How many stages a deal that is lost in the end passes through."""
_SIZE = {"Starter": 2400, "Team": 6200, "Business": 12500, "Enterprise": 31000}


def deals(rng: Random, staff: Staff, day: date, first_id: int) -> Iterator[DealHistory]:
    """The deals opened on a day, in order of time and id."""
    sellers = shift(staff.sellers, day)
    event_times = sorted(office_moment(rng, day) for _ in range(about(rng, DEALS_A_DAY * activity(day))))
    for number, at in enumerate(event_times):
        yield _deal(rng, sellers.draw(rng), first_id + number, at)


def leads(rng: Random, staff: Staff, day: date, first_id: int) -> Iterator[LeadHistory]:
    """The leads that come in on a day, weekends included: the website never closes."""
    online = 0.25 * LEADS_A_DAY
    expected = online + (LEADS_A_DAY - online) * activity(day)
    sellers = shift(staff.sellers, day)
    event_times = sorted(any_moment(rng, day) for _ in range(about(rng, expected)))
    for number, at in enumerate(event_times):
        yield _lead(rng, sellers.draw(rng), first_id + number, at)


def _deal(rng: Random, owner: Employee, key: int, at: int) -> DealHistory:
    partner = owner.team == "Partner Sales"
    product = _PRODUCT.draw(rng)
    amount = Decimal(int(spread(rng, _SIZE[product] * (1.25 if partner else 1), 0.45)))
    won = rng.random() < min(0.7, 0.30 * owner.skill)
    steps = _path(rng, at, won, spread(rng, 24 / owner.skill, 0.7))
    closed_at = steps[-1].at if steps[-1].stage in ("won", "lost") else None
    corrected_at = closed_at and after_working(closed_at, spread(rng, 90_000, 0.8))
    wrong = won and corrected_at is not None and rng.random() < 0.06
    return DealHistory(
        id=key,
        steps=steps,
        archived_at=after_working(at, spread(rng, 60_000, 1)) if rng.random() < 0.015 else None,
        name=f"{company_name(rng)}: {product}",
        amount=amount,
        currency="EUR" if rng.random() < (0.6 if partner else 0.2) else "CHF",
        partner=partner,
        owner=owner.key,
        origin=_ORIGIN.draw(rng),
        expected_at=at + rng.randrange(20, 70) * 86_400,
        corrected_at=corrected_at if wrong else None,
        corrected=(amount * Decimal(rng.randrange(70, 125)) / 100).quantize(Decimal("0.01")) if wrong else None,
    )


def _path(rng: Random, at: int, won: bool, days: float) -> tuple[StageStep, ...]:
    """Stages from opening to the end; a few deals are forgotten and stay open."""
    passed = len(OPEN_STAGES) if won else _LOST_AFTER.draw(rng)
    end = office_moment(rng, _closing_day(rng, at, won, min(days, 200.0)))
    end = max(end, at + 3600)
    between = sorted(rng.randrange(at + 1, end) for _ in range(passed - 1))
    steps = [StageStep(at, OPEN_STAGES[0])]
    steps += [StageStep(moment, stage) for moment, stage in zip(between, OPEN_STAGES[1:], strict=False)]
    if rng.random() < 0.03:
        return tuple(steps)
    return (*steps, StageStep(end, "won" if won else "lost"))


def _closing_day(rng: Random, at: int, won: bool, days: float) -> date:
    """When it ends: on a workday, and wins more often in the last days of a month."""
    day = next_workday(local_day(at) + timedelta(days=days))
    rush = last_workdays(day.year, day.month)
    if won and day < rush[0] and rng.random() < 0.18:
        return rng.choice(rush)
    return day


def _lead(rng: Random, owner: Employee, key: int, at: int) -> LeadHistory:
    touched = after_working(at, spread(rng, 7_200 / owner.skill, 1.1))
    decided = after_working(touched, spread(rng, 90_000, 0.9))
    steps = [StageStep(at, "new"), StageStep(touched, "working")]
    if rng.random() < min(0.8, 0.4 * owner.skill):
        steps.append(StageStep(decided, "qualified"))
        end = after_working(decided, spread(rng, 200_000, 0.8))
        steps.append(StageStep(end, "converted" if rng.random() < 0.55 else "lost"))
    elif rng.random() < 0.85:
        steps.append(StageStep(decided, "lost"))
    duplicate = rng.random() < 0.012
    return LeadHistory(
        id=key,
        steps=tuple(steps),
        archived_at=decided if not duplicate and rng.random() < 0.01 else None,
        merged_at=touched if duplicate else None,
        name=f"{rng.choice(_FIRST)} {rng.choice(_SECOND)}",
        owner=owner.key,
        origin=_ORIGIN.draw(rng),
    )


def company_name(rng: Random) -> str:
    """A customer's name."""
    return f"{rng.choice(_FIRST)} {rng.choice(_SECOND)} {rng.choice(_FORM)}"
