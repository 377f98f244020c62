"""The demo world: the host's own part (sign-ins) and the running of every plugin's part, in order."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from portal.models import RoleGrant, User
from portal.plugin import DemoStep
from portal.plugins.registry import registry
from portal.roles import Role


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """Somebody of the demo world."""

    username: str
    display_name: str
    role: Role
    words: str

    @property
    def password(self) -> str:
        return f"{self.username}-demo-pass"


SIGN_INS = (
    SignIn(username="admin", display_name="Ada Admin", role=Role.ADMINISTRATOR, words="administers everything"),
    SignIn(
        username="analyst", display_name="Anna Analyst", role=Role.REVIEWER, words="reviews, closes months, releases"
    ),
    SignIn(username="editor", display_name="Edgar Editor", role=Role.EDITOR, words="edits the catalog"),
    SignIn(username="owner", display_name="Olga Owner", role=Role.METRIC_OWNER, words="proposes metrics"),
    SignIn(username="viewer", display_name="Victor Viewer", role=Role.VIEWER, words="reads"),
)


def make_sign_ins(say: Callable[[str], None]) -> None:
    """Make the demo's people where they are missing; people who are there stay as they are."""
    made = 0
    for person in SIGN_INS:
        with transaction.atomic():
            if User.objects.filter(username=person.username).exists():
                continue
            admin = person.role is Role.ADMINISTRATOR
            user = User.objects.create_user(
                username=person.username,
                email=f"{person.username}@example.com",
                password=person.password,
                display_name=person.display_name,
                is_staff=admin,
                is_superuser=admin,
            )
            if person.role is not Role.VIEWER:
                RoleGrant.objects.create(user=user, role=person.role.value)
            made += 1
    say(f"{made} sign-ins made" if made else "sign-ins are there")


def steps() -> list[DemoStep]:
    """All steps: the host's people first, then the plugins' steps by their order."""
    own = DemoStep(name="Sign-ins", run=make_sign_ins, order=0)
    return [own, *sorted((step for _, step in registry.each("demo")), key=lambda step: step.order)]


def build(say: Callable[[str], None]) -> None:
    """Run every step; a second run changes nothing. Never for production: the passwords are known to all."""
    if settings.PRODUCTION:
        raise RuntimeError("The demo has well-known passwords; it is not made where PORTAL_PRODUCTION is set.")
    everything = steps()
    for number, step in enumerate(everything, start=1):
        say(f"[{number}/{len(everything)}] {step.name}")
        begun = time.monotonic()
        step.run(lambda words: say(f"      {words}"))
        took = time.monotonic() - begun
        if took > 1:
            say(f"      took {took:.0f} s")
