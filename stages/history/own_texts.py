"""What happened to the texts that the page has outside its stages, in words; also of those taken away."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from textwrap import shorten
from typing import Any

from portal.history import Action, Entry, history_of_all
from stages.content import Difference
from stages.handbook.own_texts import WORDS
from stages.history.imports import cause_of
from stages.models import PageText, StartingPoint

LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
MOST = 50


@dataclass(frozen=True, kw_only=True)
class TextChange:
    """One change: of which text, when, by whom, why, and from what to what. ``event`` is what restoring names."""

    at: datetime
    who: str
    how: str
    why: str
    title: str
    version: int
    differences: tuple[Difference, ...]
    event: int
    key: int
    restorable: bool
    """Whether it says something else than what stands now."""


def changes_of(model: type[StartingPoint] | type[PageText], *, pk: int | None = None) -> list[TextChange]:
    """The latest changes, newest first; of one text alone where ``pk`` names it."""
    entries = history_of_all(model, keys=None if pk is None else [pk], limit=MOST)
    rows: dict[int, Any] = model._default_manager.in_bulk({entry.key for entry in entries})
    return [change for entry in entries if (change := _told(entry, rows.get(entry.key))) is not None]


def title_of(row: StartingPoint | PageText) -> str:
    """What to call a text in a sentence."""
    if isinstance(row, StartingPoint):
        return row.label or short(row.text)
    return row.heading or {"section": f"Introduction of {row.section}"}.get(row.place) or "Introduction"


def short(text: str) -> str:
    """The beginning of a text as a title: links by their names, cut between words."""
    return shorten(LINK.sub(r"\1", text), 60, placeholder=" …")


def _told(entry: Entry, now: StartingPoint | PageText | None) -> TextChange | None:
    row = entry.row
    title = short(str(row.get("label") or row.get("heading") or row.get("text") or row.get("body") or ""))
    if entry.action is Action.DELETED:
        gone = "\n\n".join(str(row[name]) for name in WORDS if row.get(name))
        told: tuple[Difference, ...] = (Difference(what=f"“{title}”", before=gone, after=""),)
    else:
        told = tuple(
            Difference(what=WORDS[one.field], before=str(one.before or ""), after=str(one.after or ""))
            for one in entry.changes
            if one.field in WORDS
        )
    moved = any(one.field in ("order", "place", "section") for one in entry.changes)
    if not told and not moved:
        return None
    how = {Action.CREATED: "added", Action.DELETED: "taken away"}.get(entry.action, "changed" if told else "moved")
    return TextChange(
        at=entry.at, who=cause_of(str(entry.who or ""), entry.more).who, how=how, why=entry.why, title=title,
        version=row["version"], differences=told, event=entry.id, key=entry.key,
        restorable=now is None or any(row[name] != getattr(now, name) for name in WORDS if name in row),
    )  # fmt: skip
