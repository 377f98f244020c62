"""Named places on pages that plugins fill. A slot is an object that is imported, never a string."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from portal.roles import Role

if TYPE_CHECKING:
    from django.http import HttpRequest

Subject = TypeVar("Subject")


@dataclass(frozen=True, eq=False)
class Slot(Generic[Subject]):
    """A place on a page: its name for people, the type of subject its panels are given, and what belongs there.

    Where ``framed`` is false the page itself lays its panels out (a strip of figures): they get no card of their own.
    """

    name: str
    subject: type[Subject]
    description: str
    framed: bool = True


@dataclass(frozen=True, kw_only=True)
class PanelContent:
    """What a panel draws: a template of its plugin with its context. ``as_of`` is shown in the panel's head."""

    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    as_of: str = ""
    menu: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Panel(Generic[Subject]):
    """A filling of a slot. ``render(request, subject)`` returns content, or ``None`` when it has nothing to say.

    One that raises is logged and drawn as a small "unavailable" card; the page stays.
    """

    slot: Slot[Subject]
    name: str
    title: str
    render: Callable[[HttpRequest, Subject], PanelContent | None]
    order: int = 100
    role: Role = Role.VIEWER
