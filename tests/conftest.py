"""What holds for all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# a busy machine is no failure: no test depends on how long anything takes
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")
