"""Giving and taking roles, and the accounts that hold them. Every change is kept with who made it and why."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Q

from portal.history import because
from portal.models import ApiToken, RoleGrant, User
from portal.permissions import forget_granted
from portal.plugin import Permission
from portal.plugins.registry import registry
from portal.roles import Role

logger = logging.getLogger("portal.people")

# Any number; it names the lock under which the number of administrators may change.
ADMINISTRATORS_LOCK = 7_301_001

GIVEN_ROLES = (Role.EDITOR, Role.METRIC_OWNER, Role.REVIEWER, Role.ADMINISTRATOR)
"""The roles that are given. Everyone who is signed in is a viewer, so that one is not."""

ROLE_SENTENCES = {
    Role.VIEWER: "Reads everything. Everyone who is signed in is a viewer.",
    Role.EDITOR: "Edits the catalog.",
    Role.METRIC_OWNER: "Proposes definitions of metrics.",
    Role.REVIEWER: "Approves definitions, closes months, releases what is held back.",
    Role.ADMINISTRATOR: "Gives roles and keeps accounts; holds every other role.",
}


class LastAdministrator(ValueError):
    """Refused: without an administrator no one could give roles any more."""

    def __init__(self) -> None:
        super().__init__("This is the last administrator. Make someone else an administrator first.")


class RoleNotGiven(ValueError):
    """Refused: the role or the scope is not one that can be given."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Something that a role can be limited to."""

    scope: str
    label: str


@dataclass(frozen=True, kw_only=True)
class ScopeGroup:
    """The scopes of one kind, as one plugin offers them."""

    title: str
    scopes: tuple[Scope, ...]


def scope_groups() -> tuple[ScopeGroup, ...]:
    """All scopes that plugins offer, by kind. A plugin that cannot tell is logged and left out."""
    groups: list[ScopeGroup] = []
    for plugin, source in registry.each("scopes"):
        try:
            with transaction.atomic() if connection.in_atomic_block else nullcontext():
                scopes = tuple(Scope(scope=scope, label=label) for scope, label in source.choices())
        except Exception:
            logger.exception("scopes %r of plugin %r failed", source.name, plugin.name)
            continue
        groups.append(ScopeGroup(title=source.title, scopes=scopes))
    return tuple(groups)


def scope_labels() -> dict[str, str]:
    """The label of each scope; of a scope that no plugin offers any more there is none."""
    return {scope.scope: f"{group.title}: {scope.label}" for group in scope_groups() for scope in group.scopes}


def permissions_by_role() -> list[tuple[Role, str, tuple[Permission, ...]]]:
    """What each role may do: its sentence, and the permissions that plugins bring."""
    brought = [permission for _, permission in registry.each("permissions")]
    return [
        (role, sentence, tuple(permission for permission in brought if role in permission.roles))
        for role, sentence in ROLE_SENTENCES.items()
    ]


def give_role(*, user: User, role: Role, scope: str = "", actor: User, reason: str) -> RoleGrant:
    """Give a role, for everything or within a scope. Given twice it stays as it was."""
    if role not in GIVEN_ROLES:
        raise RoleNotGiven(f"The role {role.value} cannot be given.")
    if role is Role.ADMINISTRATOR and scope:
        raise RoleNotGiven("An administrator is one for everything; leave the scope empty.")
    if scope and scope not in scope_labels():
        raise RoleNotGiven(f"There is nothing to limit a role to that is named {scope!r}.")
    with transaction.atomic(), because(reason, actor=actor):
        grant, made = RoleGrant.objects.get_or_create(
            user=user, role=role.value, scope=scope, defaults={"granted_by": actor}
        )
        if made and role is Role.ADMINISTRATOR and not user.is_staff:
            User.objects.filter(pk=user.pk).update(is_staff=True)
    forget_granted(user)
    return grant


def take_role(*, grant: RoleGrant, actor: User, reason: str) -> None:
    """Take a role back; one that is gone already stays gone."""
    with transaction.atomic(), because(reason, actor=actor):
        if grant.role == Role.ADMINISTRATOR.value:
            keep_an_administrator(without=grant.user, still_superuser=grant.user.is_superuser)
            if not grant.user.is_superuser:
                User.objects.filter(pk=grant.user_id).update(is_staff=False)
        RoleGrant.objects.filter(pk=grant.pk).delete()
    forget_granted(grant.user)


def rename_scope(*, before: str, after: str) -> None:
    """Let the roles given within a scope follow the subject that has another name now."""
    with transaction.atomic():
        for grant in RoleGrant.objects.filter(scope=before):
            if RoleGrant.objects.filter(user=grant.user_id, role=grant.role, scope=after).exists():
                grant.delete()
            else:
                grant.scope = after
                grant.save(update_fields=["scope"])


def forget_scope(*, scope: str) -> None:
    """Take the roles given within a scope whose subject is deleted: its name may be given to another one day."""
    RoleGrant.objects.filter(scope=scope).delete()


def set_active(*, user: User, active: bool, actor: User, reason: str) -> None:
    """Close an account, or open it again. Closing it makes its tokens and sessions useless at once."""
    with transaction.atomic(), because(reason, actor=actor):
        if not active and is_administrator(user):
            keep_an_administrator(without=user)
        User.objects.filter(pk=user.pk).update(is_active=active)
    user.is_active = active


def add_person(*, username: str, email: str, display_name: str, actor: User) -> User:
    """An account for a person, without a password: they set one by the link they are sent, or sign in by OIDC."""
    with transaction.atomic(), because("account made", actor=actor):
        user = User(username=username, email=email, display_name=display_name)
        user.set_unusable_password()
        user.full_clean()
        user.save()
    return user


def add_service_account(*, username: str, display_name: str, actor: User) -> User:
    """An account for a CI job or script: roles and tokens, but no password and no sign-in."""
    with transaction.atomic(), because("service account made", actor=actor):
        user = User(username=username, display_name=display_name, is_service=True)
        user.set_unusable_password()
        user.full_clean()
        user.save()
    return user


def is_administrator(user: User) -> bool:
    """Whether someone is an administrator, by grant or as superuser."""
    return user.is_superuser or user.role_grants.filter(role=Role.ADMINISTRATOR.value, scope="").exists()


def keep_an_administrator(*, without: User, still_superuser: bool = False) -> None:
    """Raise unless there is an active administrator other than ``without`` (who may stay one as superuser)."""
    with connection.cursor() as cursor:
        # Two administrators who remove each other at the same moment must not both succeed.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADMINISTRATORS_LOCK])
    if still_superuser:
        return
    administrators = Q(is_superuser=True) | Q(role_grants__role=Role.ADMINISTRATOR.value, role_grants__scope="")
    others = User.objects.filter(administrators, is_active=True, is_service=False).exclude(pk=without.pk)
    if not others.exists():
        raise LastAdministrator


def tokens_of(user: User) -> Iterable[ApiToken]:
    """The tokens of an account, those in use first."""
    return sorted(user.api_tokens.all(), key=lambda token: (not token.in_force(), -token.pk))
