"""What is typed and not saved yet: one draft per person and thing, whatever the thing is.

A ``Subject`` names the thing; the draft holds what its form needs to stand as it stood, and the version it was made
from. Forms keep it while people type; saving or throwing away drops it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject

from stages.facts import Entry, kind_of
from stages.models import Draft, PageText, Stage, StartingPoint

if TYPE_CHECKING:
    from portal.models import User

PEOPLE = "people"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a draft is of; ``stage`` is the one on whose page it is offered again."""

    name: str
    stage: int | None = None


def of_block(stage: Stage, kind: str, heading: str = "") -> Subject:
    """A block of a stage; of the kind ``other`` the one under this heading."""
    return Subject(name=f"block:{stage.pk}:{kind}:{heading}", stage=stage.pk)


def of_facts(entry: Entry) -> Subject:
    """The facts of a section, stage, group or category."""
    return Subject(name=f"facts:{kind_of(entry)}:{entry.pk}", stage=entry.pk if isinstance(entry, Stage) else None)


def of_people(entry: Entry) -> Subject:
    """Who is responsible for a section, stage or group."""
    return Subject(name=f"{PEOPLE}:{kind_of(entry)}:{entry.pk}", stage=entry.pk if isinstance(entry, Stage) else None)


def of_own_text(model: type[StartingPoint] | type[PageText], pk: int | None, place: str = "") -> Subject:
    """A place to start or a text of the page; of a new one there is one draft for each ``place``."""
    which = str(pk) if pk else ":".join(filter(None, ("new", place)))
    return Subject(name=f"{model.__name__.lower()}:{which}")


def keep(*, user: User, subject: Subject, form: Mapping[str, Any], base_version: int = 0) -> None:
    """Keep what is typed, so that a closed browser loses nothing."""
    Draft.objects.update_or_create(
        user=user,
        subject=subject.name,
        defaults={"stage_id": subject.stage, "base_version": base_version, "form": dict(form)},
    )


def keep_what_differs(
    *, user: User, subject: Subject, form: Mapping[str, str], stands: Mapping[str, str], base_version: int
) -> bool:
    """Keep what is typed, or drop the draft where that is just what ``stands``, blanks at the ends aside."""
    kept = any(value.strip() != stands.get(name, "").strip() for name, value in form.items())
    if kept:
        keep(user=user, subject=subject, form=form, base_version=base_version)
    else:
        drop(user=user, subject=subject)
    return kept


def drop(*, user: User, subject: Subject) -> None:
    """Forget the draft, once it is saved or not wanted any more."""
    Draft.objects.filter(user=user, subject=subject.name).delete()


def find(user: User, subject: Subject) -> Draft | None:
    """The draft, if this person has one."""
    return Draft.objects.filter(user=user, subject=subject.name).first()


def kept_at(user: User, subjects: Iterable[Subject]) -> dict[str, datetime]:
    """When this person's drafts of these things were kept, by the name of the subject."""
    rows = Draft.objects.filter(user=user, subject__in=[subject.name for subject in subjects])
    return dict(rows.values_list("subject", "saved_at"))


def on_page_of_stage(user: int) -> ArraySubquery:
    """An annotation for stages: a person's drafts that the page offers again, as ``subject`` and ``at``."""
    rows = Draft.objects.filter(user=user, stage=OuterRef("pk"))
    return ArraySubquery(rows.values(one=JSONObject(subject="subject", at="saved_at")))


def forget_name(name: str) -> None:
    """Drop the drafts of people that have a name in them: it is removed on request, and kept nowhere else."""
    drafts = Draft.objects.filter(subject__startswith=f"{PEOPLE}:").only("pk", "form")
    found = [one.pk for one in drafts if has_name(" ".join(str(value) for value in one.form.values()), name)]
    Draft.objects.filter(pk__in=found).delete()


def has_name(text: str, name: str) -> bool:
    """Whether a name stands in a text, in whatever case and with whatever blanks it was typed."""
    return " ".join(name.casefold().split()) in " ".join(text.casefold().split())
