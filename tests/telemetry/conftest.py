"""Fixtures of the telemetry tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from hypothesis import HealthCheck, settings

from telemetry import conf, population
from telemetry.limits import limiter

# No test asserts a duration, generated ones neither.
settings.register_profile("telemetry", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("telemetry")


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    """Limits and what a process keeps for a minute begin anew with each test."""
    limiter.forget()
    population.forget()
    yield
    limiter.forget()
    population.forget()


@pytest.fixture(autouse=True)
def _rules_are_there(request: pytest.FixtureRequest) -> None:
    """A test that empties the tables takes the rules of the migrations along; those after it must not notice."""
    if request.node.get_closest_marker("django_db") is None:
        return
    request.getfixturevalue("_django_db_helper")
    from telemetry.models import PlausibilityRule, RawBody

    RawBody.objects.all().delete()  # an unmanaged table, so that emptying all tables leaves it as it was
    if not PlausibilityRule.objects.exists():
        for name in ("0003_first_rules", "0009_rule_against_clones_that_take_turns"):
            import_module(f"telemetry.migrations.{name}").seed(apps, None)


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``options(anonymous=False)``: other settings for this test."""

    def change(**values: Any) -> None:
        monkeypatch.setattr(conf, "options", replace(conf.options, **values))

    return change
