"""What the triggers wrote of links between rows: who is responsible, which group builds which category."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from portal.models import User
from stages.content import Difference
from stages.derived import role_in_words
from stages.facts import Entry
from stages.history.events import events_of
from stages.history.happening import Happening, Rows
from stages.history.imports import cause_of
from stages.models import Category, CategoryGroup, Contact, Group, Responsibility, Section, Stage


class Linked(Rows):
    """Links that come and go: who is responsible, which group builds which category."""

    model: type[Any]

    def __init__(self, asked: Q) -> None:
        events = events_of(self.model)
        self.rows = events.filter(asked).select_related("pgh_context")

    def between(self, since: datetime | None, before: datetime | None) -> Iterable[Happening]:
        """What came and went, that of one change together."""
        rows = list(self.within(since, before).order_by("pgh_id"))
        contexts = {row.pk: (row.pgh_context.metadata or {}) if row.pgh_context else {} for row in rows}
        people = User.objects.in_bulk({user for one in contexts.values() if (user := one.get("user")) is not None})
        together: dict[tuple[datetime, Any, Any], list[Any]] = {}
        for row in rows:
            together.setdefault((row.pgh_created_at, row.pgh_context_id, self.subject(row)), []).append(row)
        names = self.names(rows)
        for (at, _, subject), found in together.items():
            said = contexts[found[0].pk]
            cause = cause_of(str(people.get(said.get("user")) or ""), said)
            yield Happening(
                at=at,
                title=f"{self.word} of {names.get(subject, 'something that is no more')}",
                who=cause.who,
                how=cause.how,
                run=cause.run,
                why=str(said.get("why", "")),
                differences=tuple(
                    Difference(
                        what=f"“{told}”",
                        before=told if row.pgh_label == "delete" else "",
                        after=told if row.pgh_label == "insert" else "",
                    )
                    for row in found
                    if row.pgh_label != "update" and (told := self.said(row, names))
                ),
            )

    word = ""

    def subject(self, row: Any) -> Any:
        """What it is told of."""
        raise NotImplementedError

    def names(self, rows: Sequence[Any]) -> dict[Any, str]:
        """The names that the words need."""
        raise NotImplementedError

    def said(self, row: Any, names: dict[Any, str]) -> str:
        """One link in words."""
        raise NotImplementedError


class People(Linked):
    """Who is responsible for what."""

    model, word = Responsibility, "People"

    def __init__(self, entries: Sequence[Entry]) -> None:
        asked = Q(pk=None)
        for kind in (Section, Stage, Group):
            pks = [entry.pk for entry in entries if isinstance(entry, kind)]
            if pks:
                asked |= Q(**{f"{kind.__name__.lower()}__in": pks})
        super().__init__(asked)

    def subject(self, row: Any) -> Any:
        """The section, stage or group."""
        return next((kind, pk) for kind in ("section", "stage", "group") if (pk := getattr(row, f"{kind}_id")))

    def names(self, rows: Sequence[Any]) -> dict[Any, str]:
        """Names of entries and people; of one removed on request there is none."""
        found: dict[Any, str] = {}
        for kind, model in (("section", Section), ("stage", Stage), ("group", Group)):
            pks = {pk for row in rows if (pk := getattr(row, f"{kind}_id"))}
            found |= {(kind, one.pk): f"the {kind} {one.name}" for one in model._default_manager.filter(pk__in=pks)}
        contacts = Contact.objects.filter(pk__in={row.contact_id for row in rows})
        return found | {("contact", one.pk): str(one) for one in contacts}

    def said(self, row: Any, names: dict[Any, str]) -> str:
        """Role and name."""
        return f"{role_in_words(row.role)}: {names.get(('contact', row.contact_id), '(gone)')}"


class Building(Linked):
    """Which group builds which category."""

    model, word = CategoryGroup, "Groups"

    def __init__(self, entries: Sequence[Entry]) -> None:
        groups = [entry.pk for entry in entries if isinstance(entry, Group)]
        categories = [entry.pk for entry in entries if isinstance(entry, Category)]
        super().__init__(Q(group__in=groups) | Q(category__in=categories))

    def subject(self, row: Any) -> Any:
        """The category."""
        return ("category", row.category_id)

    def names(self, rows: Sequence[Any]) -> dict[Any, str]:
        """Names of categories and groups."""
        categories = Category.objects.filter(pk__in={row.category_id for row in rows})
        groups = Group.objects.filter(pk__in={row.group_id for row in rows}).select_related("stage")
        found: dict[Any, str] = {("category", one.pk): f"the category {one.name}" for one in categories}
        return found | {("group", one.pk): one.full_name for one in groups}

    def said(self, row: Any, names: dict[Any, str]) -> str:
        """The group."""
        return names.get(("group", row.group_id), "a group that is no more")
