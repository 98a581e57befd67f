"""A day's new contracts, and the bills that fall on it: prices, discounts, refusals of cards, late payers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from random import Random

from exporter.demo.company.chance import Odds, count_around, size_around
from exporter.demo.company.rhythm import activity, local_day, midnight, office_time
from exporter.demo.company.sales import company_name
from exporter.demo.company.staff import Staff
from tests.vendors.stripe.collecting import DAY, HOUR, collected
from tests.vendors.stripe.ledger import Bill, Contract, Discount, Line, Term, months_later, rounded

CONTRACTS_A_DAY, EXTRAS_A_DAY = 0.9, 1.0
TRIAL = 14 * DAY

_CURRENCY = Odds({"CHF": 62, "EUR": 30, "JPY": 8})
_LEVEL = {"CHF": 1, "EUR": 1, "JPY": 165}
_PLAN = Odds({"Starter": 38, "Team": 34, "Business": 21, "Enterprise": 7})
_PRICE = {"Starter": Decimal(19), "Team": Decimal("39.50"), "Business": Decimal(69), "Enterprise": Decimal(1200)}
_SITE = Decimal(180)
_QUANTITY = {"Starter": 5.0, "Team": 14.0, "Business": 38.0}
_MONTHS_A_YEAR = 10
"""A year costs as much as so many months."""


def contracts(rng: Random, _: Staff, day: date, first_id: int) -> Iterator[Contract]:
    """The contracts that begin on a day, in order of time and id."""
    event_times = sorted(office_time(rng, day) for _ in range(count_around(rng, CONTRACTS_A_DAY * activity(day))))
    for number, at in enumerate(event_times):
        yield _contract(rng, first_id + number, at)


def _contract(rng: Random, key: int, at: int) -> Contract:
    currency, yearly = _CURRENCY.draw(rng), rng.random() < 0.3
    trial_until = at + TRIAL if rng.random() < 0.35 else None
    first = at if trial_until is None else trial_until
    months = 12 if yearly else 1
    periods = 0 if trial_until is not None and rng.random() < 0.35 else 1 + int(rng.expovariate(months / 40))
    ended_at = _period(first, periods * months)
    terms = [Term(at, _lines(rng, currency, months))]
    if periods > 2 and rng.random() < 0.5:
        changed_at = _period(first, rng.randrange(1, periods) * months)
        grown = rng.uniform(1.1, 2.0) if rng.random() < 0.8 else rng.uniform(0.4, 0.9)
        terms.append(Term(changed_at, _resized(terms[0].lines, grown)))
    return Contract(
        id=key,
        customer=company_name(rng),
        currency=currency,
        yearly=yearly,
        on_account=rng.random() < (0.7 if yearly else 0.25),
        terms=tuple(terms),
        first_day=local_day(first),
        discount=_discount(rng, currency) if rng.random() < 0.22 else None,
        trial_until=trial_until,
        notice_at=max(terms[-1].at, ended_at - rng.randrange(DAY, 12 * DAY)),
        ended_at=ended_at,
    )


def _period(first: int, months: int) -> int:
    day = local_day(first)
    return midnight(months_later(day, months)) + first - midnight(day)


def _lines(rng: Random, currency: str, months: int) -> tuple[Line, ...]:
    """Large customers have a line for each of their sites, others one for their seats."""
    level = _LEVEL[currency] * (_MONTHS_A_YEAR if months == 12 else 1)
    plan = _PLAN.draw(rng)
    price = rounded(_PRICE[plan] * level, currency)
    if plan != "Enterprise":
        return (Line(plan, max(1, int(size_around(rng, _QUANTITY[plan], 0.7))), price),)
    site = rounded(_SITE * level, currency)
    return (
        Line(plan, 1, price),
        *(Line(f"Site {n}", rng.randrange(1, 5), site) for n in range(1, rng.randrange(4, 15))),
    )


def _resized(lines: tuple[Line, ...], factor: float) -> tuple[Line, ...]:
    return tuple(line._replace(quantity=max(1, round(line.quantity * factor))) for line in lines)


def _discount(rng: Random, currency: str) -> Discount:
    lasting = rng.random() < 0.6
    if rng.random() < 0.7:
        return Discount(rng.choice((10, 20)), Decimal(0), lasting)
    return Discount(0, Decimal(5 * _LEVEL[currency]), lasting)


def bills(seed: int, known: Sequence[Contract], day: date, first_id: int) -> Iterator[Bill]:
    """The bills drafted on a day: a period's that begins on it, and others for work done; in order of time and id.

    What becomes of a bill hangs on its contract and the day alone, whichever other contracts are known.
    """
    opening = midnight(day)
    running = [contract for contract in known if not contract.over(opening)]
    drafts = [
        (at, _periodic, contract, Random(f"{seed}/bills/{contract.id}/{day}"))
        for contract in running
        if (at := contract.period_on(day)) is not None
    ]
    rng = Random(f"{seed}/extras/{day}")
    older = [contract for contract in running if contract.created_at < opening]
    extras = count_around(rng, EXTRAS_A_DAY * activity(day)) if older else 0
    drafts += [(office_time(rng, day), _extra, rng.choice(older), rng) for _ in range(extras)]
    for number, (at, draw, contract, chance) in enumerate(sorted(drafts, key=lambda draft: draft[0])):
        yield draw(chance, contract, first_id + number, at)


def _periodic(rng: Random, contract: Contract, key: int, at: int) -> Bill:
    first = at == contract.billed_from
    return collected(
        rng,
        Bill(
            id=key,
            contract=contract.id,
            reason="subscription_create" if first else "subscription_cycle",
            currency=contract.currency,
            amount=contract.due(at),
            on_account=contract.on_account,
            created_at=at,
            finalized_at=at if first else at + HOUR,
        ),
    )


def _extra(rng: Random, contract: Contract, key: int, at: int) -> Bill:
    """For work done. The draft lies for hours; some turn out to be wrong and are deleted."""
    done_at = at + int(size_around(rng, 3 * HOUR, 0.8))
    wrong = rng.random() < 0.2
    level = _LEVEL[contract.currency]
    bill = Bill(
        id=key,
        contract=contract.id,
        reason="manual",
        currency=contract.currency,
        amount=rounded(Decimal(int(size_around(rng, 900, 0.6))) * level, contract.currency),
        on_account=True,
        created_at=at,
        finalized_at=None if wrong else done_at,
        deleted_at=done_at if wrong else None,
    )
    return collected(rng, bill)
