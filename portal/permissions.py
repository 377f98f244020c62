"""Who may do what: one question, ``has_role``, asked by pages and API alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied

from portal.roles import Role

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest, HttpResponseBase
    from rest_framework.request import Request

    from portal.models import User

View = TypeVar("View", bound=Callable[..., Any])


def has_role(user: User | AnonymousUser, role: Role, scopes: Iterable[str] = ()) -> bool:
    """Whether ``user`` holds ``role`` for everything or within one of ``scopes`` (``stage:create``, its section …).

    Everyone who is signed in is a viewer. An administrator holds every role.
    """
    if role is Role.ANONYMOUS:
        return True
    if not user.is_authenticated or not user.is_active:
        return False
    if role is Role.VIEWER or user.is_superuser:
        return True
    grants = granted(user)
    if (Role.ADMINISTRATOR.value, "") in grants:
        return True
    return any((role.value, scope) in grants for scope in ("", *scopes))


def has_role_anywhere(user: User | AnonymousUser, role: Role) -> bool:
    """Whether ``user`` holds ``role`` for everything or within any scope at all."""
    if has_role(user, role):
        return True
    return user.is_authenticated and user.is_active and any(held == role.value for held, _ in granted(user))


def signed_in(request: HttpRequest | Request) -> User:
    """Who asks, where the role that is required lets in only people who are signed in."""
    if not request.user.is_authenticated:
        raise PermissionDenied("Sign in first.")
    return request.user


def granted(user: User) -> frozenset[tuple[str, str]]:
    """The (role, scope) pairs of a person, read once per user object, that is once per request."""
    kept: frozenset[tuple[str, str]] | None = getattr(user, "_granted_roles", None)
    if kept is None:
        kept = frozenset(user.role_grants.values_list("role", "scope"))
        user._granted_roles = kept  # type: ignore[attr-defined]  # kept on the object
    return kept


def forget_granted(user: User | AnonymousUser) -> None:
    """Read the grants of this user object anew, after they changed."""
    user.__dict__.pop("_granted_roles", None)


def may(user: User | AnonymousUser, codename: str, scopes: Iterable[str] = ()) -> bool:
    """Whether ``user`` holds a role that a plugin's ``Permission`` names; one that no plugin brings is no one's."""
    from portal.plugins.registry import registry

    within = tuple(scopes)
    return any(
        has_role(user, role, within)
        for _, permission in registry.each("permissions")
        if permission.codename == codename
        for role in permission.roles
    )


def requires(
    role: Role, *, scopes: Callable[..., Iterable[str]] | None = None, anywhere: bool = False
) -> Callable[[View], View]:
    """State the role that a page needs. Anonymous visitors are sent to sign in, others without it get a 403.

    ``scopes(request, **url_kwargs)`` names the scopes in which the role suffices; ``anywhere`` lets in who holds it
    in any scope (the view then asks about the single thing).
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if anywhere:
                allowed = has_role_anywhere(request.user, role)
            else:
                within = (
                    scopes(request, *args, **kwargs) if scopes is not None and request.user.is_authenticated else ()
                )
                allowed = has_role(request.user, role, within)
            if not allowed:
                if not request.user.is_authenticated:
                    return redirect_to_login(request.get_full_path())
                raise PermissionDenied(f"This page needs the role {role.value}.")
            response: HttpResponseBase = view(request, *args, **kwargs)
            return response

        guarded.required_role = role  # type: ignore[attr-defined]  # a mark on a function
        return guarded  # type: ignore[return-value]  # ``wraps`` keeps the signature

    return decorate
