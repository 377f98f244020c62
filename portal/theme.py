"""Light, dark, or whatever the reader's system says: kept in a cookie, so that the first paint is right."""

from __future__ import annotations

from enum import Enum

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from portal.permissions import requires
from portal.roles import Role

COOKIE = "theme"
YEAR = 365 * 24 * 3600


class Theme(Enum):
    """The choices of the switch."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


def chosen_theme(request: HttpRequest) -> Theme:
    """What the cookie says; anything unknown means to follow the system."""
    try:
        return Theme(request.COOKIES.get(COOKIE, Theme.AUTO.value))
    except ValueError:
        return Theme.AUTO


@require_POST
@requires(Role.ANONYMOUS)
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Keep the choice and go back to the page it was made on."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = "/"
    response = HttpResponseRedirect(back)
    value = request.POST.get("theme", "")
    if value in {theme.value for theme in Theme}:
        # Read by our script as well, which switches without loading the page again; it holds no secret.
        response.set_cookie(COOKIE, value, max_age=YEAR, samesite="Lax", secure=request.is_secure())
    return response
