"""For tests in which pings are judged, in whatever order they run."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps

from telemetry import versions
from telemetry.models import PlausibilityRule, RawBody


@pytest.fixture(autouse=True)
def _pings_are_judged_as_in_a_new_portal(request: pytest.FixtureRequest) -> None:
    """A test that empties the tables takes the rules of the migrations along, and what a process keeps for a minute may
    be of another test's releases; those after it must not notice.
    """
    if request.node.get_closest_marker("django_db") is None:
        return
    request.getfixturevalue("_django_db_helper")
    versions.forget()
    RawBody.objects.all().delete()  # an unmanaged table, so that emptying all tables leaves it as it was
    if not PlausibilityRule.objects.exists():
        for name in ("0003_first_rules", "0009_rule_against_clones_that_take_turns"):
            import_module(f"telemetry.migrations.{name}").seed(apps, None)
