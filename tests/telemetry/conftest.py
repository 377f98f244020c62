"""Fixtures of the telemetry tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# No test asserts a duration, generated ones neither.
settings.register_profile("telemetry", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("telemetry")
