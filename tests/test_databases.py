"""Tests that commit find the database as migrations leave it, and leave it so."""

from __future__ import annotations

from django.db import connection

from portal.models import User
from telemetry.models import PlausibilityRule
from tests.builders import a_user
from tests.databases import Kept
from tests.stages.builders import a_stage


def triggers() -> list[tuple[str, str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger ORDER BY 1, 2")
        return list(cursor.fetchall())


def test_what_a_test_committed_goes_and_what_migrations_made_returns(transactional_db: None) -> None:
    kept, before = Kept(), triggers()
    assert "telemetry_plausibilityrule" in kept.rows
    assert "portal_user" not in kept.rows
    rules = PlausibilityRule.objects.count()
    a_user("editor", "editor")
    a_stage("create")
    for rule in PlausibilityRule.objects.all()[:2]:
        rule.delete()
    assert Kept().rows != kept.rows

    kept.give_back()

    assert Kept().rows == kept.rows
    assert not User.objects.exists()
    assert PlausibilityRule.objects.count() == rules
    assert triggers() == before
