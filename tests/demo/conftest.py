"""For the demo's tests: no memory of its world's releases stays behind in the process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from telemetry import population, versions
from tests.telemetry.judging import _pings_are_judged_as_in_a_new_portal  # noqa: F401  a fixture


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    population.forget()
    versions.forget()
    yield
    population.forget()
    versions.forget()
