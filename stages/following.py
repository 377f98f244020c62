"""Telling those who follow a stage what others did to it: one line for each thing that somebody did.

The verbs call ``changed`` for each stage that they touch. What belongs together (an import, the page of a day, a merge)
is done inside ``as_one`` and told once, in its words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from django.urls import reverse

from portal.notify import notify_all
from stages.facts import Entry
from stages.models import Category, Follow, Group, Stage

if TYPE_CHECKING:
    from portal.models import User

_touched: ContextVar[dict[int, Stage] | None] = ContextVar("touched", default=None)


def changed(stages: Iterable[Stage], actor: User | None, what: str) -> None:
    """Tell the followers of these stages, but not ``actor``, what was done: "changed OKRs of Create"."""
    touched = _touched.get()
    if touched is not None:
        touched.update((stage.pk, stage) for stage in stages)
        return
    _tell({stage.pk: stage for stage in stages}, actor, what)


@contextmanager
def as_one(actor: User | None, what: str) -> Iterator[None]:
    """Tell all that is done inside in one line, if it touched anything. Inside another such act, that one's counts."""
    if _touched.get() is not None:
        yield
        return
    touched: dict[int, Stage] = {}
    token = _touched.set(touched)
    try:
        yield
    finally:
        _touched.reset(token)
    _tell(touched, actor, what)


def stages_of(entry: Entry) -> list[Stage]:
    """The stages on whose pages it is seen. A section has no followers, and what it says is on no page of a stage."""
    if isinstance(entry, Stage):
        return [entry]
    if isinstance(entry, Group):
        return [entry.stage]
    if isinstance(entry, Category):
        return list(Stage.objects.filter(groups__categories=entry).distinct())
    return []


def _tell(stages: dict[int, Stage], actor: User | None, what: str) -> None:
    """One line for each person, whichever of the stages they follow."""
    if not stages:
        return
    follows = Follow.objects.filter(stage__in=stages).exclude(user=actor).select_related("user").order_by("stage_id")
    people: dict[int, list[User]] = {}
    met: set[int] = set()
    for one in follows:
        if one.user_id not in met:
            met.add(one.user_id)
            people.setdefault(one.stage_id, []).append(one.user)
    for number, users in people.items():
        url = reverse("stages:history", args=[stages[number].key])
        notify_all(users=users, sentence=f"{actor or 'An import'} {what}.", url=url, topic="stages")
