"""The API's permission: each view states who may read and who may write, object by object where roles have scopes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from portal.models import ApiToken, TokenScope
from portal.permissions import has_role, has_role_anywhere
from portal.roles import Role


def stated_role(view: Any, method: str) -> Role:
    """The role that a view states for a method: of the action first, then ``read_role`` or ``write_role``."""
    by_action: dict[str, Role] = getattr(view, "action_roles", {})
    action = getattr(view, "action", None)
    if action in by_action:
        return by_action[action]
    name = "read_role" if method in SAFE_METHODS else "write_role"
    role = getattr(view, name, None)
    if not isinstance(role, Role):
        raise ImproperlyConfigured(f"{type(view).__module__}.{type(view).__qualname__} must state its {name}.")
    return role


def needed_scope(view: Any, method: str) -> TokenScope:
    """What a token must have been made for: ``token_scope`` of the view, else reading or writing by the method."""
    scope = getattr(view, "token_scope", None)
    if scope is not None:
        return TokenScope(scope)
    return TokenScope.READ if method in SAFE_METHODS else TokenScope.WRITE


def require_role(request: Request, role: Role, scopes: Iterable[str] = ()) -> None:
    """Refuse the request unless its user holds ``role`` for everything or within one of ``scopes``."""
    wanted = tuple(scopes)
    if not has_role(request.user, role, wanted):
        within = f" for {' or '.join(wanted)}" if wanted else ""
        raise PermissionDenied(f"This needs the role {role.value}{within}.")


class RolePermission(BasePermission):
    """Reads ``read_role`` and ``write_role`` of the view (``action_roles`` for single actions).

    A view whose objects lie within scopes has ``get_scopes(obj) -> Iterable[str]``: a role held only within a scope
    then opens that scope's objects and no others. What a new object would lie in, ``get_new_scopes(request)`` says;
    without it only those may create who hold the role for everything.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        method = request.method or "GET"
        if method == "OPTIONS" or not hasattr(view, method.lower()):
            # A method that the view does not have ends as a 405, which readers may see.
            return has_role(request.user, stated_role(view, "GET"))
        role = stated_role(view, method)
        token = request.auth
        if isinstance(token, ApiToken) and not token.allows(needed_scope(view, method)):
            self.message = f"This token was not made for it; make one with the scope {needed_scope(view, method)}."
            return False
        self.message = f"This needs the role {role.value}."
        if has_role(request.user, role):
            return True
        if not hasattr(view, "get_scopes"):
            return False
        if view.kwargs or method in SAFE_METHODS:
            # Each object is asked about in has_object_permission.
            return has_role_anywhere(request.user, role)
        new_scopes = getattr(view, "get_new_scopes", None)
        return new_scopes is not None and has_role(request.user, role, new_scopes(request))

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        method = request.method or "GET"
        role = stated_role(view, "GET" if method == "OPTIONS" else method)
        get_scopes = getattr(view, "get_scopes", None)
        scopes = tuple(get_scopes(obj)) if get_scopes is not None else ()
        self.message = f"This needs the role {role.value}" + (f" for {' or '.join(scopes)}." if scopes else ".")
        return has_role(request.user, role, scopes)
