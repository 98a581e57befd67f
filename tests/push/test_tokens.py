"""Guesses of tokens: how many are allowed, and how much is remembered."""

from __future__ import annotations

import pytest

from exporter.push import tokens
from exporter.push.tokens import GuessLimiter


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_ten_guesses_are_allowed_at_once_and_then_one_every_six_seconds() -> None:
    clock = Clock()
    guesses = GuessLimiter(clock)
    for _ in range(10):
        assert guesses.wait("192.0.2.1") == 0
        guesses.count("192.0.2.1")
    assert guesses.wait("192.0.2.1") == pytest.approx(6)
    assert guesses.wait("192.0.2.2") == 0
    clock.now += 6
    assert guesses.wait("192.0.2.1") == 0
    guesses.count("192.0.2.1")
    assert guesses.wait("192.0.2.1") == pytest.approx(6)
    clock.now += 60
    for _ in range(10):
        assert guesses.wait("192.0.2.1") == 0
        guesses.count("192.0.2.1")
    assert guesses.wait("192.0.2.1") > 0


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "192.0.2.1", False),
    ],
)
def test_addresses_of_one_network_count_together(first: str, second: str, same: bool) -> None:
    guesses = GuessLimiter(Clock())
    for _ in range(10):
        guesses.count(first)
    assert (guesses.wait(second) > 0) is same


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAX_ADDRESSES", 100)
    guesses = GuessLimiter(Clock())
    for number in range(1000):
        for _ in range(11):
            guesses.count(f"10.0.{number // 256}.{number % 256}")
    assert len(guesses._clear_at) == 100
    assert guesses.wait("10.0.3.231") > 0
