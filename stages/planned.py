"""What is planned for entries of the structure, read along with them: a page asks no query more for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Subquery
from django.db.models.functions import JSONObject

from stages.facts import MODELS, PARENT_OF, Entry, kind_of
from stages.models import PlannedChange

OPEN = (PlannedChange.State.WAITING, PlannedChange.State.FAILED)
"""What is still to be seen: a failed one until somebody cancels it or carries it out after all."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """An open plan in words. ``failed`` is why it could not be done on its day."""

    pk: int
    action: str
    on: date
    actor: str
    reason: str
    words: str
    failed: str = ""


def with_plans(kind: str) -> ArraySubquery:
    """An annotation for entries of a kind: their open plans, to be read by ``plans_in``."""
    rows = PlannedChange.objects.filter(kind=kind, entry=OuterRef("pk"), state__in=OPEN).order_by("on", "pk")
    into = MODELS[kind]._default_manager.filter(pk=OuterRef("target")).values("name")
    to = (
        MODELS[PARENT_OF.get(kind, kind)]
        ._default_manager.filter(
            Func(
                OuterRef("parents"), Func(F("pk"), function="to_jsonb"), template="(%(expressions)s)",
                arg_joiner=" @> ", output_field=BooleanField(),
            )
        )
        .order_by("name")
        .values("name")
    )  # fmt: skip
    said = JSONObject(
        pk="pk", action="action", on="on", reason="reason", name="name", actor="actor_name", state="state",
        sentence="sentence", parents="parents", into=Subquery(into), to=ArraySubquery(to),
    )  # fmt: skip
    return ArraySubquery(rows.values(one=said))


def plans_in(rows: Sequence[Mapping[str, Any]]) -> tuple[Planned, ...]:
    """What the annotation holds."""
    return tuple(
        Planned(
            pk=row["pk"], action=row["action"], on=date.fromisoformat(row["on"]), actor=row["actor"],
            reason=row["reason"], words=_words(row),
            failed=row["sentence"] if row["state"] == PlannedChange.State.FAILED else "",
        )
        for row in rows
    )  # fmt: skip


def _words(row: Mapping[str, Any]) -> str:
    gone = "something that is no more"
    if row["action"] == "rename":
        return f"renamed to {row['name']}"
    if row["action"] == "move":
        return f"moved to {', '.join(row['to']) or (gone if row['parents'] else 'no group')}"
    if row["action"] == "merge":
        return f"merged into {row['into'] or gone}"
    if row["action"] == "split":
        return f"split, with {row['name']} as the new one"
    return "brought back" if row["action"] == "bring_back" else "retired"


def plans_for(entry: Entry) -> tuple[Planned, ...]:
    """What is planned for one entry; one query."""
    found = type(entry)._default_manager.filter(pk=entry.pk).annotate(plans=with_plans(kind_of(entry)))
    return plans_in(found.values_list("plans", flat=True)[0])


def all_planned() -> list[tuple[str, Entry, Planned]]:
    """All that is planned, by day: the kind, the entry, the plan; a query for each kind."""
    found: list[tuple[str, Entry, Planned]] = []
    for kind, model in MODELS.items():
        open_ = PlannedChange.objects.filter(kind=kind, entry=OuterRef("pk"), state__in=OPEN)
        rows: Any = model._default_manager.filter(Exists(open_)).annotate(plans=with_plans(kind))
        if kind == "group":
            rows = rows.select_related("stage")
        found += [(kind, entry, one) for entry in rows for one in plans_in(entry.plans)]
    return sorted(found, key=lambda told: (told[2].on, told[2].pk))
