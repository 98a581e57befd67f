"""The company's calls as Twilio splits them: the caller's leg, and one for everyone whose phone rang."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from exporter.demo.company.entities import PhoneCall
from exporter.demo.company.phones import LINES
from exporter.demo.company.staff import Employee

ANSWERING = {LINES[0]: "Support", LINES[1]: "Customer Care", LINES[2]: "Sales North"}
"""The team whose phones ring for a line if the company does not record who was called."""
NUMBERS = {line: f"+4144000000{index}" for index, line in enumerate(LINES, 1)}
MAILBOX = "sip:mailbox@voice.alpenwerk.example"

SLOW_ANSWER_SECONDS, RING_SECONDS, MESSAGE_SECONDS = 25, 15, 20
"""A caller who waits longer was offered to another agent first; how long a phone rings; how long a voicemail takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One row of the call log. Times are seconds since 1970; `outcome` is the final status."""

    number: int
    """0 is the caller's leg."""
    sender: str
    receiver: str
    started_at: int
    ended_at: int
    outcome: str
    answered_at: int | None = None
    machine: bool = False

    def status(self, now: int) -> str:
        """The status at an instant."""
        if self.ended_at <= now:
            return self.outcome
        return "in-progress" if self.answered_at is not None and self.answered_at <= now else "ringing"

    def duration(self, now: int) -> int | None:
        """Seconds from the answer to the end, or None while the call is in progress."""
        if self.ended_at > now:
            return None
        return 0 if self.answered_at is None else self.ended_at - self.answered_at


def client(member: Employee) -> str:
    """An employee's client address; Twilio's own apps allow letters, digits and underscores in it."""
    return f"client:{member.email.partition('@')[0].replace('.', '_')}"


def legs(call: PhoneCall, people: Sequence[Employee]) -> tuple[Leg, ...]:
    """All legs of a call, the caller's first.

    The caller hears ringing until somebody answers, so an unanswered caller is never connected.
    """
    if not call.inbound:
        return _dialled(call, people)
    if call.missed_reason != "out_of_opening_hours":
        return (_caller_leg(call, _outcome(call)), *_agent_legs(call, people))
    return (
        (_caller_leg(call, _outcome(call)), _mailbox(call)) if call.voicemail else (_caller_leg(call, _outcome(call)),)
    )


def _outcome(call: PhoneCall) -> str:
    if call.answered_at is not None or call.voicemail:
        return "completed"
    return "canceled" if _gave_up(call) else "no-answer"


def _gave_up(call: PhoneCall) -> bool:
    return call.missed_reason is not None and "abandoned" in call.missed_reason


def _caller_leg(call: PhoneCall, outcome: str) -> Leg:
    mailbox_at = _message_at(call) if call.voicemail else None
    leg = _leg(call, 0, NUMBERS[call.line], call.started_at, call.ended_at, outcome)
    return replace(leg, answered_at=mailbox_at if call.answered_at is None else call.answered_at)


def _agent_legs(call: PhoneCall, people: Sequence[Employee]) -> Iterator[Leg]:
    """The legs of the agents who were called, one after the other, and of the mailbox at the end."""
    team = [
        member
        for member in people
        if member.team == ANSWERING[call.line] and member.key != call.agent and member.last_day is None
    ]
    first, second = (client(team[(call.id + shift) % len(team)]) for shift in (0, 1))
    if call.answered_at is not None and call.agent is not None:
        passed_on_at = call.started_at + RING_SECONDS
        slow_answer = call.answered_at - call.started_at > SLOW_ANSWER_SECONDS
        if slow_answer:
            yield _leg(call, 1, first, call.started_at, passed_on_at, "no-answer")
        started_at = passed_on_at if slow_answer else call.started_at
        leg = _leg(call, 2, client(people[call.agent]), started_at, call.ended_at, "completed")
        yield replace(leg, answered_at=call.answered_at)
    elif _gave_up(call):
        yield _leg(call, 1, first, call.started_at, call.ended_at, "canceled")
    else:
        until = _message_at(call) if call.voicemail else call.ended_at
        yield _leg(call, 1, first, call.started_at, call.started_at + RING_SECONDS, "no-answer")
        yield _leg(call, 2, second, call.started_at + RING_SECONDS, until, "no-answer")
        if call.voicemail:
            yield _mailbox(call)


def _mailbox(call: PhoneCall) -> Leg:
    started_at = _message_at(call)
    return replace(_leg(call, 3, MAILBOX, started_at, call.ended_at, "completed"), answered_at=started_at, machine=True)


def _message_at(call: PhoneCall) -> int:
    """When the mailbox answers; at night it answers at once."""
    return max(call.started_at, call.ended_at - MESSAGE_SECONDS)


def _leg(call: PhoneCall, number: int, receiver: str, started_at: int, ended_at: int, outcome: str) -> Leg:
    return Leg(
        number=number, sender=customer(call), receiver=receiver, started_at=started_at, ended_at=ended_at,
        outcome=outcome,
    )  # fmt: skip


def _dialled(call: PhoneCall, people: Sequence[Employee]) -> tuple[Leg, Leg]:
    """An employee's browser calls Twilio, which dials the customer and shows the line's number."""
    caller_leg = _leg(call, 0, customer(call), call.started_at, call.ended_at, "completed")
    outcome = "no-answer" if call.answered_at is None else "completed"
    dialled = _leg(call, 1, customer(call), call.started_at, call.ended_at, outcome)
    return (
        replace(caller_leg, sender=client(people[call.agent or 0]), answered_at=call.started_at),
        replace(dialled, sender=NUMBERS[call.line], answered_at=call.answered_at),
    )


def customer(call: PhoneCall) -> str:
    """A fictitious number."""
    return f"+4178{call.id * 7919 % 10_000_000:07}"
