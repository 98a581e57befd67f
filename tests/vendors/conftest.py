"""The simulated company, built once and shared by the tests of every vendor."""

from tests.demo.conftest import company

__all__ = ["company"]
