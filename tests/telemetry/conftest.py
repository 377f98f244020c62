"""Fixtures of the telemetry tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings

from telemetry import conf, population
from telemetry.limits import limiter
from tests.telemetry.judging import _pings_are_judged_as_in_a_new_portal  # noqa: F401  a fixture

settings.register_profile("telemetry", settings.get_profile("suite"), max_examples=60)
settings.load_profile("telemetry")


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    """Limits and what a process keeps for a minute begin anew with each test."""
    limiter.forget()
    population.forget()
    yield
    limiter.forget()
    population.forget()


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``options(anonymous=False)``: other settings for this test."""

    def change(**values: Any) -> None:
        monkeypatch.setattr(conf, "options", replace(conf.options, **values))

    return change
