"""Benchmarks: each budget next to its peer, measured in the same run. They are not part of the tests."""
