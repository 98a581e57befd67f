"""Benchmarks: each budget beside its peer, measured in the same run. Never part of the tests."""
