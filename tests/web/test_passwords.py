"""Verifying passwords: which ones pass, how often bcrypt runs, and in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from threading import Event
from typing import Any

import bcrypt
import pytest

from exporter.web import passwords
from exporter.web.passwords import PasswordVerifier, TooManyPasswordsError
from tests.waiting import LIMIT
from tests.web.web_configs import PASSWORD, hashed


class Work:
    """Counts calls of bcrypt and sums their cost: 2^cost rounds each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.passwords: list[bytes] = []
        self.rounds = 0
        self.gate = Event()
        self.gate.set()
        check = bcrypt.checkpw

        def counted(password: bytes, stored: bytes) -> bool:
            self.gate.wait(LIMIT)
            self.passwords.append(password)
            self.rounds += 2 ** int(stored.split(b"$")[2])
            return check(password, stored)

        monkeypatch.setattr(passwords.bcrypt, "checkpw", counted)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    return Work(monkeypatch)


def verify(*attempts: tuple[dict[str, str], str, bytes]) -> list[bool]:
    async def scenario() -> list[bool]:
        verifier = PasswordVerifier()
        return [await verifier.verify(*attempt) for attempt in attempts]

    return asyncio.run(scenario())


def test_only_the_right_password_of_the_user_passes() -> None:
    users = {"alice": hashed(), "bob": hashed("other"), "zo\u00eb": hashed("p\u00e4ssword")}
    assert verify(
        (users, "alice", PASSWORD.encode()),
        (users, "zo\u00eb", "p\u00e4ssword".encode()),
        (users, "bob", PASSWORD.encode()),
        (users, "alice", b""),
        (users, "carol", PASSWORD.encode()),
    ) == [True, True, False, False, False]


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
def test_hashes_of_other_tools_are_accepted(prefix: str) -> None:
    assert verify(({"alice": hashed().replace("$2b$", prefix)}, "alice", PASSWORD.encode())) == [True]


@pytest.mark.parametrize("password", [b"x" * 73, b"x" * 100_000, b"a\0b", b"\0", b"\xff\xfe"])
def test_passwords_that_bcrypt_cannot_take_are_wrong(password: bytes) -> None:
    assert verify(({"alice": hashed()}, "alice", password), ({"alice": hashed()}, "nobody", password)) == [False, False]


def test_a_password_that_only_begins_like_the_right_one_is_wrong() -> None:
    """bcrypt itself ignores everything after 72 bytes."""
    assert verify(({"alice": hashed("x" * 72)}, "alice", b"x" * 73)) == [False]


@pytest.mark.parametrize("user", ["low", "high", "unknown"])
@pytest.mark.parametrize("password", [b"wrong", b"x" * 73, b"a\0b"])
def test_every_refusal_costs_the_same(work: Work, user: str, password: bytes) -> None:
    users = {"low": hashed(cost=4), "high": hashed(cost=7)}
    assert verify((users, user, password)) == [False]
    assert work.rounds == 2**7  # low: 2^4, then 2^4 + 2^5 + 2^6 more


def test_a_right_password_is_verified_once_and_wrong_ones_each_time(work: Work) -> None:
    users = {"alice": hashed()}
    attempts = [(users, "alice", PASSWORD.encode()), (users, "alice", b"wrong")] * 3
    assert verify(*attempts) == [True, False] * 3
    assert work.passwords == [PASSWORD.encode(), b"wrong", b"wrong", b"wrong"]


def test_a_changed_hash_is_verified_again(work: Work) -> None:
    assert verify(
        ({"alice": hashed()}, "alice", PASSWORD.encode()), ({"alice": hashed("new")}, "alice", PASSWORD.encode())
    ) == [
        True,
        False,
    ]


def test_users_and_passwords_are_not_confused_by_where_they_are_divided(work: Work) -> None:
    stored = hashed("bc")
    assert verify(({"a": stored, "ab": stored}, "a", b"bc"), ({"a": stored, "ab": stored}, "ab", b"c")) == [True, False]


def run_while_blocked(work: Work, scenario: Callable[[PasswordVerifier], Awaitable[Any]]) -> Any:
    work.gate.clear()
    return asyncio.run(scenario(PasswordVerifier()))  # type: ignore[arg-type]


def test_a_right_password_overtakes_a_flood_of_wrong_ones(work: Work) -> None:
    users = {"alice": hashed()}

    async def scenario(verifier: PasswordVerifier) -> list[bool]:
        flood = [asyncio.create_task(verifier.verify(users, "alice", b"wrong %d" % n)) for n in range(100)]
        await asyncio.sleep(0)
        right = asyncio.create_task(verifier.verify(users, "alice", PASSWORD.encode()))
        await asyncio.sleep(0)
        work.gate.set()
        assert await right
        return await asyncio.gather(*flood)

    assert run_while_blocked(work, scenario) == [False] * 100
    assert work.passwords.index(PASSWORD.encode()) <= 1


def test_a_flood_does_not_displace_what_is_remembered(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MAX_REMEMBERED", 2)
    users = {"alice": hashed()}
    right = (users, "alice", PASSWORD.encode())
    assert verify(right, *((users, "alice", b"%d" % n) for n in range(5)), right) == [True, *[False] * 5, True]
    assert work.passwords.count(PASSWORD.encode()) == 1


def test_remembered_passwords_are_limited(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MAX_REMEMBERED", 1)
    users = {"alice": hashed(), "bob": hashed("other")}
    alice, bob = (users, "alice", PASSWORD.encode()), (users, "bob", b"other")
    assert verify(alice, bob, alice) == [True, True, True]
    assert len(work.passwords) == 3


def test_beyond_the_limit_the_oldest_attempt_is_given_up(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MAX_WAITING", 2)
    users = {"alice": hashed()}

    async def scenario(verifier: PasswordVerifier) -> list[bool | BaseException]:
        attempts = [asyncio.create_task(verifier.verify(users, "alice", b"%d" % n)) for n in range(4)]
        await asyncio.sleep(0.01)
        work.gate.set()
        return await asyncio.gather(*attempts, return_exceptions=True)

    results = run_while_blocked(work, scenario)
    assert sum(isinstance(result, TooManyPasswordsError) for result in results) >= 1
    assert results[-1] is False


def test_an_attempt_waits_for_a_limited_time(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "TIMEOUT", 0.05)

    async def scenario(verifier: PasswordVerifier) -> None:
        try:
            with pytest.raises(TooManyPasswordsError):
                await verifier.verify({"alice": hashed()}, "alice", b"wrong")
        finally:
            work.gate.set()

    run_while_blocked(work, scenario)
