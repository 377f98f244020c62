"""The icon of the portal for browsers that ask for it by its old name."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseRedirect
from django.templatetags.static import static

from portal.permissions import requires
from portal.roles import Role


@requires(Role.ANONYMOUS)
def favicon(request: HttpRequest) -> HttpResponseRedirect:
    """Where it is; worked out per request, since static files get their names when they are collected."""
    return HttpResponseRedirect(static("portal/favicon.svg"))
