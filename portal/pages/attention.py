"""What needs me: that which waits for this reader, gathered from every plugin."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.models import User
from portal.notify import unread_count
from portal.permissions import requires, signed_in
from portal.plugins.registry import registry
from portal.roles import Role

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Waiting:
    """What one contribution asks of the reader; ``unavailable`` where it could not be asked."""

    name: str
    items: Sequence[tuple[str, str]]
    unavailable: bool = False


def waiting_for(user: User) -> tuple[Waiting, ...]:
    """All that waits for a person. A contribution that raises is logged and shown as unavailable."""
    found = []
    for plugin, attention in registry.each("attention"):
        try:
            items = tuple(attention.items(user))
        except Exception:
            log.exception("What needs me: %s of the plugin %s failed.", attention.name, plugin.name)
            found.append(Waiting(attention.name, (), unavailable=True))
        else:
            if items:
                found.append(Waiting(attention.name, items))
    return tuple(found)


@requires(Role.VIEWER)
def attention(request: HttpRequest) -> HttpResponse:
    """The whole list."""
    user = signed_in(request)
    return render(request, "portal/attention.html", {"waiting": waiting_for(user), "unread": unread_count(user)})


@requires(Role.VIEWER)
def attention_count(request: HttpRequest) -> HttpResponse:
    """The number beside the bell, loaded after the page so that no page waits for it."""
    user = signed_in(request)
    count = sum(len(one.items) for one in waiting_for(user)) + unread_count(user)
    return render(request, "portal/_attention_count.html", {"count": count})
