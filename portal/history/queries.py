"""The history of a thing as entries that a page can show: who, when, why, and which fields from what to what."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from itertools import pairwise
from typing import Any

from django.db import models
from pghistory.core import event_models

from portal.models import User


class Action(Enum):
    """What happened to the row."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"


ACTIONS = {"insert": Action.CREATED, "update": Action.CHANGED, "delete": Action.DELETED}
# What an entry has a name of its own for.
SAID = frozenset({"user", "why", "request_id", "url"})
# The bookkeeping of django-pghistory itself.
OWN_FIELDS = frozenset({"pgh_id", "pgh_created_at", "pgh_label", "pgh_obj", "pgh_context"})


@dataclass(frozen=True, kw_only=True)
class Change:
    """One field from one value to another, as stored and in words (a reference by its name)."""

    field: str
    label: str
    before: Any
    after: Any
    before_text: str
    after_text: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One event in the life of a row. ``who`` is None for the system; ``why`` is the verb's reason, if it gave one.

    ``row`` is the whole row as it was then, by attribute (``user_id``); of a deletion, as it was before. ``more`` is
    what else the verb said beside the change: ``because(reason, run=7)``.
    """

    id: int
    model: str
    key: Any
    at: datetime
    action: Action
    who: User | None
    why: str
    request_id: str
    url: str
    changes: tuple[Change, ...]
    row: Mapping[str, Any]
    more: Mapping[str, Any]

    @property
    def who_text(self) -> str:
        """The person's name, or that it was the system."""
        return str(self.who) if self.who is not None else "the system"


def history_of(row: models.Model, *, limit: int = 50) -> list[Entry]:
    """The latest entries of one row, newest first."""
    return history_of_key(type(row), row.pk, limit=limit)


def history_of_key(model: type[models.Model], key: Any, *, limit: int = 50) -> list[Entry]:
    """The latest entries of a row that may be gone by now, newest first."""
    return history_of_all(model, keys=[key], limit=limit)


def last_change(row: models.Model) -> Entry | None:
    """The latest entry of a row ("changed 3 days ago by …")."""
    return next(iter(history_of(row, limit=1)), None)


def history_of_all(
    model: type[models.Model],
    *,
    keys: Iterable[Any] | None = None,
    since: datetime | None = None,
    before: datetime | None = None,
    limit: int = 50,
) -> list[Entry]:
    """The latest entries of all rows of a model, or of those named by ``keys``, newest first.

    ``since`` counts in the moment itself, ``before`` does not.

    Three queries and one per kind of reference, however many entries there are.
    """
    events = tracked_by(model)
    rows = events._default_manager.select_related("pgh_context").order_by("-pgh_id")
    if keys is not None:
        rows = rows.filter(pgh_obj_id__in=list(keys))
    if since is not None:
        rows = rows.filter(pgh_created_at__gte=since)
    if before is not None:
        rows = rows.filter(pgh_created_at__lt=before)
    shown: list[Any] = list(rows[:limit])
    states = states_before(events, shown)
    differences = [(event, differing(event, states.get(event.pgh_id))) for event in shown]
    names = names_of_references(differences)
    people = User.objects.in_bulk({user for event in shown if (user := context(event).get("user")) is not None})
    return [
        Entry(
            id=event.pgh_id,
            model=model._meta.model_name or "",
            key=event.pgh_obj_id,
            at=event.pgh_created_at,
            action=ACTIONS.get(event.pgh_label, Action.CHANGED),
            who=people.get(context(event).get("user")),
            why=str(context(event).get("why", "")),
            request_id=str(context(event).get("request_id", "")),
            url=str(context(event).get("url", "")),
            changes=tuple(
                Change(
                    field=field.name,
                    label=str(getattr(field, "verbose_name", field.name)),
                    before=old,
                    after=new,
                    before_text=in_words(field, old, names),
                    after_text=in_words(field, new, names),
                )
                for field, old, new in changed
            ),
            row={
                field.attname: getattr(event, field.attname)
                for field in event._meta.concrete_fields
                if field.name not in OWN_FIELDS
            },
            more={name: value for name, value in context(event).items() if name not in SAID},
        )
        for event, changed in differences
    ]


def tracked_by(model: type[models.Model]) -> type[models.Model]:
    """The table of events of a model that has ``@pghistory.track()``."""
    found = event_models(tracks_model=model)
    if not found:
        raise LookupError(f"{model._meta.label} keeps no history; put @pghistory.track() on it.")
    events: type[models.Model] = found[0]
    return events


def context(event: Any) -> dict[str, Any]:
    """What was kept beside the change."""
    metadata = event.pgh_context.metadata if event.pgh_context is not None else None
    return metadata if isinstance(metadata, dict) else {}


Difference = tuple["models.Field[Any, Any]", Any, Any]


def states_before(events: type[models.Model], shown: Sequence[Any]) -> dict[int, Any]:
    """For each event the one before it of the same row."""
    by_row: dict[Any, list[Any]] = defaultdict(list)
    for event in shown:
        by_row[event.pgh_obj_id].append(event)
    found: dict[int, Any] = {}
    oldest: dict[Any, Any] = {}
    for row, of_row in by_row.items():
        for later, earlier in pairwise(of_row):
            found[later.pgh_id] = earlier
        if of_row[-1].pgh_label != "insert":
            oldest[row] = of_row[-1]
    if oldest:
        older = models.Q()
        for row, event in oldest.items():
            older |= models.Q(pgh_obj_id=row, pgh_id__lt=event.pgh_id)
        latest_older: models.QuerySet[Any] = (
            events._default_manager.filter(older).order_by("pgh_obj_id", "-pgh_id").distinct("pgh_obj_id")
        )
        for event in latest_older:
            found[oldest[event.pgh_obj_id].pgh_id] = event
    return found


def differing(event: Any, before: Any) -> list[Difference]:
    """The fields that an event changed. Of a creation those with a value; of a deletion none: the row says it all."""
    if event.pgh_label == "delete":
        return []
    found: list[Difference] = []
    for field in event._meta.concrete_fields:
        if field.name in OWN_FIELDS or field.name == event.pgh_tracked_model._meta.pk.name:
            continue
        new = getattr(event, field.attname)
        if before is None:
            if event.pgh_label == "insert" and new not in (None, "", [], {}):
                found.append((field, None, new))
            continue
        old = getattr(before, field.attname)
        if old != new:
            found.append((field, old, new))
    return found


Names = dict[tuple[type[models.Model], Any], str]


def names_of_references(differences: Iterable[tuple[Any, list[Difference]]]) -> Names:
    """The names of all rows that changed references point to, one query per table."""
    wanted: dict[type[models.Model], set[Any]] = defaultdict(set)
    for _, changed in differences:
        for field, old, new in changed:
            if isinstance(field, models.ForeignKey):
                wanted[field.related_model] |= {value for value in (old, new) if value is not None}
    return {
        (model, row.pk): str(row)
        for model, keys in wanted.items()
        for row in model._default_manager.filter(pk__in=keys)
    }


def in_words(field: models.Field[Any, Any], value: Any, names: Names) -> str:
    """A stored value as people read it."""
    if value is None or value == "":
        return "–"
    if isinstance(field, models.ForeignKey):
        return names.get((field.related_model, value), f"{field.related_model._meta.verbose_name} {value}, now gone")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value) or "–"
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True) if value else "–"
    choices = dict(field.flatchoices)
    return str(choices.get(value, value))
