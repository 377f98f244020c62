"""The demo's people, and the order of the demo's steps."""

from __future__ import annotations

import pytest
from django.test import Client

from portal import demo
from portal.models import RoleGrant, User
from portal.plugin import DemoStep
from portal.plugins.registry import registry


@pytest.mark.django_db
def test_everybody_of_the_demo_can_sign_in_with_the_printed_password(client: Client) -> None:
    demo.make_sign_ins(lambda words: None)
    for person in demo.SIGN_INS:
        assert client.login(username=person.username, password=person.password)
    roles = dict(RoleGrant.objects.values_list("user__username", "role"))
    assert roles == {"admin": "administrator", "analyst": "reviewer", "editor": "editor", "owner": "metric_owner"}


@pytest.mark.django_db
def test_a_second_run_changes_nobody() -> None:
    demo.make_sign_ins(lambda words: None)
    User.objects.filter(username="viewer").update(display_name="Changed")
    said: list[str] = []
    demo.make_sign_ins(said.append)
    assert said == ["sign-ins are there"]
    assert User.objects.get(username="viewer").display_name == "Changed"


def test_the_plugins_steps_follow_the_people_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    late, early = (DemoStep(name=name, run=print, order=order) for name, order in (("late", 9), ("early", 5)))
    monkeypatch.setattr(registry, "each", lambda kind: iter([(None, late), (None, early)]))
    assert [step.name for step in demo.steps()] == ["Sign-ins", "early", "late"]
