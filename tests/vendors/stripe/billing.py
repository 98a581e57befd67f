"""A day's new contracts, and the bills of a day with their outcome: prices, discounts, declined cards, late payers, refunds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from random import Random

from exporter.demo.company.chance import Odds, count_around, size_around
from exporter.demo.company.rhythm import activity, local_day, midnight, office_time
from exporter.demo.company.sales import company_name
from exporter.demo.company.staff import Staff
from tests.vendors.stripe.ledger import Attempt, Bill, Contract, Discount, Line, Refund, Term, months_later, rounded

HOUR, DAY = 3600, 86_400
PAYMENT_TERM = 30 * DAY
"""A bill on account is due this many seconds after it is finalized."""

RETRY_DELAYS = (0, 3 * DAY, 8 * DAY, 15 * DAY)
"""When a card is charged, in seconds since the bill was finalized."""

CONTRACTS_A_DAY, EXTRAS_A_DAY = 0.9, 1.0
TRIAL = 14 * DAY

_CURRENCY = Odds({"CHF": 62, "EUR": 30, "JPY": 8})
_LEVEL = {"CHF": 1, "EUR": 1, "JPY": 165}
_PLAN = Odds({"Starter": 38, "Team": 34, "Business": 21, "Enterprise": 7})
_PRICE = {"Starter": Decimal(19), "Team": Decimal("39.50"), "Business": Decimal(69), "Enterprise": Decimal(1200)}
_SITE = Decimal(180)
_QUANTITY = {"Starter": 5.0, "Team": 14.0, "Business": 38.0}
_MONTHS_A_YEAR = 10
"""The price of a year, in months."""


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
        growth = rng.uniform(1.1, 2.0) if rng.random() < 0.8 else rng.uniform(0.4, 0.9)
        terms.append(Term(changed_at, _resized(terms[0].lines, growth)))
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
    """A line for each site of a large customer, otherwise one line for all seats."""
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


def bills(seed: int, all_contracts: Sequence[Contract], day: date, first_id: int) -> Iterator[Bill]:
    """The bills drafted on a day, in order of time and id: those of periods that begin, and extra ones for services.

    A bill depends only on its contract and the day, not on the other contracts.
    """
    opening = midnight(day)
    running = [contract for contract in all_contracts if not contract.over(opening)]
    drafts = [
        (at, _periodic, contract, Random(f"{seed}/bills/{contract.id}/{day}"))
        for contract in running
        if (at := contract.period_on(day)) is not None
    ]
    rng = Random(f"{seed}/extras/{day}")
    older = [contract for contract in running if contract.created_at < opening]
    extras = count_around(rng, EXTRAS_A_DAY * activity(day)) if older else 0
    drafts += [(office_time(rng, day), _extra, rng.choice(older), rng) for _ in range(extras)]
    for number, (at, draw, contract, bill_rng) in enumerate(sorted(drafts, key=lambda draft: draft[0])):
        yield draw(bill_rng, contract, first_id + number, at)


def _periodic(rng: Random, contract: Contract, key: int, at: int) -> Bill:
    first = at == contract.billed_from
    return with_collection(
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
    """A bill for services. The draft stays open for hours; some turn out to be mistakes and are deleted."""
    done_at = at + int(size_around(rng, 3 * HOUR, 0.8))
    is_mistake = rng.random() < 0.2
    level = _LEVEL[contract.currency]
    bill = Bill(
        id=key,
        contract=contract.id,
        reason="manual",
        currency=contract.currency,
        amount=rounded(Decimal(int(size_around(rng, 900, 0.6))) * level, contract.currency),
        on_account=True,
        created_at=at,
        finalized_at=None if is_mistake else done_at,
        deleted_at=done_at if is_mistake else None,
    )
    return with_collection(rng, bill)


def with_collection(rng: Random, bill: Bill) -> Bill:
    """The bill with everything that happens after it is finalized."""
    if bill.finalized_at is None:
        return bill
    settled = _on_account(rng, bill, bill.finalized_at) if bill.on_account else _by_card(rng, bill, bill.finalized_at)
    paid_at = settled.paid_at
    return settled if paid_at is None else replace(settled, refunds=_refunds(rng, settled, paid_at))


def _on_account(rng: Random, bill: Bill, since: int) -> Bill:
    due_at, outcome = since + PAYMENT_TERM, rng.random()
    if outcome < 0.02:
        return replace(bill, due_at=due_at, voided_at=since + int(size_around(rng, 2 * DAY, 0.7)))
    if outcome < 0.05:
        return replace(bill, due_at=due_at, written_off_at=due_at + 60 * DAY)
    paid_at = since + int(size_around(rng, 21 * DAY, 0.4))
    return replace(bill, due_at=due_at, attempts=(Attempt(paid_at, paid_at, succeeded=True),))


def _by_card(rng: Random, bill: Bill, since: int) -> Bill:
    """Charges a card; some stand for a bank account, whose debits take days."""
    settling_time = int(size_around(rng, 3 * DAY, 0.2)) if rng.random() < 0.2 else 0
    attempts: list[Attempt] = []
    for delay in RETRY_DELAYS:
        started_at = max(since + delay, attempts[-1].settled_at + HOUR if attempts else since)
        attempts.append(Attempt(started_at, started_at + settling_time, rng.random() > (0.35 if attempts else 0.07)))
        if attempts[-1].succeeded:
            return replace(bill, attempts=tuple(attempts))
    return replace(bill, attempts=tuple(attempts), written_off_at=attempts[-1].settled_at + 10 * DAY)


def _refunds(rng: Random, bill: Bill, paid_at: int) -> tuple[Refund, ...]:
    """Mostly partial refunds, sometimes two, sometimes a full one."""
    if rng.random() > 0.05:
        return ()
    first_at = paid_at + int(size_around(rng, 6 * DAY, 0.8))
    if rng.random() < 0.35:
        return (Refund(first_at, bill.amount),)
    amount = rounded(bill.amount * Decimal(rng.randrange(10, 45)) / 100, bill.currency)
    twice = rng.random() < 0.2
    return (Refund(first_at, amount), Refund(first_at + 5 * DAY, amount)) if twice else (Refund(first_at, amount),)
