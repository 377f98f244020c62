"""For tests in which pings are judged, in whatever order they run."""

from __future__ import annotations

import pytest

from telemetry import versions


@pytest.fixture(autouse=True)
def _pings_are_judged_as_in_a_new_portal() -> None:
    """What a process keeps for a minute may be of another test's releases; those after it must not notice."""
    versions.forget()
