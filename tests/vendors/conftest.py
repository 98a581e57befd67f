"""The simulated company, drawn once for every vendor."""

from tests.demo.conftest import company

__all__ = ["company"]
