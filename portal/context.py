"""What every page's shell needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from portal.models import User
from portal.navigation import Group, navigation
from portal.notify import unread_count
from portal.theme import Theme, chosen_theme


@dataclass(frozen=True)
class Shell:
    """The frame of one page for one reader."""

    navigation: tuple[Group, ...]
    initials: str
    user: User | AnonymousUser

    @property
    def unread(self) -> int:
        """How many notifications the reader has not read; asked only where a template shows it."""
        return unread_count(self.user) if isinstance(self.user, User) else 0


def shell(request: HttpRequest) -> dict[str, Any]:
    """Navigation and theme for the base layout; the navigation is worked out only where a template asks for it."""
    return {
        "shell": SimpleLazyObject(lambda: frame(request)),
        "theme": chosen_theme(request).value,
        "themes": [theme.value for theme in Theme],
    }


def frame(request: HttpRequest) -> Shell:
    """Navigation for the request's user. Error pages may come before there is one."""
    user = getattr(request, "user", None) or AnonymousUser()
    return Shell(navigation=navigation(user, request.path), initials=initials(str(user)), user=user)


def initials(name: str) -> str:
    """One or two letters that stand for a person."""
    parts = [part for part in name.replace("@", " ").replace(".", " ").replace("_", " ").split() if part[0].isalnum()]
    letters = parts[:1] + parts[1:][-1:]
    return "".join(part[0] for part in letters).upper() or "?"
