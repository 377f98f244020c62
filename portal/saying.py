"""What a page says after something was done, with the one thing to do next beside it, such as Undo.

It travels as one of Django's messages, so it survives a redirect and needs no script. A page that has the ``place``
(the id of a card) shows it there, where the eye is; any other page shows it on top.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.http import HttpRequest

MARK = "portal.saying:"


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A button: its words, where it posts, and the fields that it sends."""

    label: str
    url: str
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Said:
    """A sentence, and what is offered with it."""

    sentence: str
    level: str = "success"
    offer: Offer | None = None
    place: str = ""


def say(request: HttpRequest, said: Said) -> None:
    """Say it on the next page that this person sees."""
    offer = said.offer
    carried: dict[str, Any] = {"place": said.place}
    if offer is not None:
        carried |= {"label": offer.label, "url": offer.url, "fields": dict(offer.fields)}
    level = {name: number for number, name in messages.DEFAULT_TAGS.items()}[said.level]
    messages.add_message(request, level, said.sentence, extra_tags=MARK + json.dumps(carried))


def said_by(message: Message) -> Said:
    """A message with its offer, if it has one."""
    carried: dict[str, Any] = {}
    if (message.extra_tags or "").startswith(MARK):
        carried = json.loads((message.extra_tags or "").removeprefix(MARK))
    offer = Offer(label=carried["label"], url=carried["url"], fields=carried["fields"]) if "url" in carried else None
    return Said(
        sentence=str(message), level=message.level_tag or "info", offer=offer, place=str(carried.get("place", ""))
    )


def said_here(request: HttpRequest, places: Iterable[str]) -> dict[str, Any]:
    """For the context of a page with these places: what is said at each (``said_at``), and on top (``messages``)."""
    wanted, at, on_top = set(places), dict[str, Said](), list[Message]()
    for message in messages.get_messages(request):
        said = said_by(message)
        if said.place in wanted and said.place not in at:
            at[said.place] = said
        else:
            on_top.append(message)
    return {"said_at": at, "messages": on_top}
