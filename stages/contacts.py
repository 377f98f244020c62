"""Names of people: kept as contacts, removed on request for good."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F

from portal.history import because
from stages import following
from stages.derived import role_in_words
from stages.drafts import forget_name, has_name
from stages.forgetting import forget_on_pages
from stages.history.events import events_of
from stages.models import Contact, Group, ImportPreview, Responsibility, Section, Stage
from stages.restructuring.common import StaleEntry, locked, word_of
from stages.structure.report import FieldChange

if TYPE_CHECKING:
    from portal.models import User


PEOPLE = "people"


def digest_of(name: str) -> str:
    """What stays of a removed name, so that the next import knows it again."""
    return hashlib.sha256(" ".join(name.casefold().split()).encode()).hexdigest()


def contacts_named(names: Iterable[str]) -> dict[str, Contact]:
    """The contact of each name, made where it is new. A removed one is found by its digest and stays nameless."""
    digests = {name: digest_of(name) for name in dict.fromkeys(names)}
    found = {contact.digest: contact for contact in Contact.objects.filter(digest__in=digests.values())}
    new: dict[str, Contact] = {}
    for name, digest in digests.items():
        if digest not in found and digest not in new:
            new[digest] = Contact(name=name, digest=digest)
    if new:
        # Somebody may make one of them at the same time; then it is theirs that is found.
        Contact.objects.bulk_create(new.values(), ignore_conflicts=True)
        found |= {contact.digest: contact for contact in Contact.objects.filter(digest__in=new)}
    return {name: found[digest] for name, digest in digests.items()}


Owner = Section | Stage | Group


def set_people(owners: Iterable[tuple[Owner, Iterable[tuple[str, str]]]]) -> dict[Owner, list[FieldChange]]:
    """Follow the structure files in who is responsible, by (role, name) pairs; what that changed for each owner.

    Three ways, as for facts: what the files said last stands in ``imported``, as digests, since names are nowhere but
    in contacts. Who was added or taken away in the portal stays so.
    """
    wanted: dict[tuple[str, int, str, str], int] = {}
    names: dict[str, str] = {}
    listed = [(owner, list(people)) for owner, people in owners]
    by_place = {(_field(owner), owner.pk): owner for owner, _ in listed}
    for owner, people in listed:
        for order, (role, name) in enumerate(people):
            digest = digest_of(name)
            names[digest] = name
            wanted.setdefault((_field(owner), owner.pk, role, digest), order)
    contacts = {digest_of(name): contact for name, contact in contacts_named(names.values()).items()}
    have: dict[tuple[str, int, str, str], Responsibility] = {}
    for field in ("section", "stage", "group"):
        pks = [owner.pk for owner, _ in listed if _field(owner) == field]
        for row in Responsibility.objects.filter(**{f"{field}__in": pks}).select_related("contact"):
            have[(field, getattr(row, f"{field}_id"), row.role, row.contact.digest)] = row
    base: set[tuple[str, int, str, str]] = set()
    for owner, _ in listed:
        base |= {(_field(owner), owner.pk, role, digest) for role, digest in owner.imported.get(PEOPLE, ())}
    base |= {key for key in have if PEOPLE not in by_place[key[:2]].imported}
    gone = {row.pk for key, row in have.items() if key not in wanted and key in base}
    new = [
        Responsibility(contact=contacts[digest], role=role, order=order, **{f"{field}_id": pk})
        for (field, pk, role, digest), order in wanted.items()
        if (field, pk, role, digest) not in have
        and (field, pk, role, digest) not in base
        and contacts[digest].removed_on is None
    ]
    read_before = {place for place, owner in by_place.items() if PEOPLE in owner.imported} | {key[:2] for key in have}
    _remember(listed)
    Responsibility.objects.filter(pk__in=gone).delete()
    Responsibility.objects.bulk_create(new)
    changes: dict[Owner, list[FieldChange]] = defaultdict(list)
    for (field, pk, role, _), row in have.items():
        if row.pk in gone and row.contact.name:
            changes[by_place[field, pk]].append(FieldChange(field=role, before=row.contact.name, after=""))
    for row in new:
        owner = by_place[_place_of(row)]
        changes[owner].append(FieldChange(field=row.role, before="", after=row.contact.name))
    for owner in changes:
        if (_field(owner), owner.pk) in read_before:
            _another_version(owner)
    return changes


def _remember(listed: Iterable[tuple[Owner, Iterable[tuple[str, str]]]]) -> None:
    """Keep whom the files named, for the next time."""
    for owner, people in listed:
        said = [list(pair) for pair in dict.fromkeys((role, digest_of(name)) for role, name in people)]
        if owner.imported.get(PEOPLE) != said:
            # The row may have learnt more since the caller read it, such as which categories the file lists.
            owner.refresh_from_db(fields=["imported"])
            owner.imported[PEOPLE] = said
            type(owner)._default_manager.filter(pk=owner.pk).update(imported=owner.imported)


def name_people(
    *,
    owner: Owner,
    people: Iterable[tuple[str, str]],
    actor: User | None,
    reason: str = "",
    version: int | None = None,
) -> bool:
    """Say in the portal who is responsible, in order; later imports leave that alone. True when anything changed.

    ``version`` is that of the owner which the caller read; ``StaleEntry`` where it went on since.
    """
    pairs = [(" ".join(role.split()), " ".join(name.split())) for role, name in people]
    with transaction.atomic(), because(reason or "people", actor=actor):
        owner = locked(owner, version)
        contacts = contacts_named(name for _, name in pairs)
        return _put_and_tell(owner, [(role, contacts[name]) for role, name in pairs], actor)


def people_in_lines(owner: Owner) -> str:
    """Who is responsible, a line each, as the form has it."""
    rows = owner.people.select_related("contact").exclude(contact__name="").order_by("order", "pk")
    return "\n".join(f"{role_in_words(one.role)}: {one.contact.name}" for one in rows)


def take_people_back(*, owner: Owner, version: int, actor: User | None) -> bool:
    """Take back the change of people that made this version, as long as nobody changed the owner after it."""
    with transaction.atomic(), because("Undone", actor=actor):
        owner = locked(owner, version)
        made = events_of(type(owner)).filter(pgh_obj=owner.pk, version=version).order_by("pgh_id").first()
        rows = events_of(Responsibility).filter(**{_field(owner): owner.pk})
        told = list(rows.filter(pgh_context=made.pgh_context_id).order_by("-pgh_id")) if made is not None else []
        if made is None or made.pgh_context_id is None or not told:
            raise StaleEntry(owner)
        places = {(one.role, one.contact_id): one.order for one in _responsible(owner)}
        for event in told:
            if event.pgh_label == "insert":
                places.pop((event.role, event.contact_id), None)
            else:
                places[event.role, event.contact_id] = event.order
        contacts = Contact.objects.in_bulk({contact for _, contact in places})
        before = sorted((order, role, contact) for (role, contact), order in places.items() if contact in contacts)
        return _put_and_tell(owner, [(role, contacts[contact]) for _, role, contact in before], actor)


def _put_and_tell(owner: Owner, people: Iterable[tuple[str, Contact]], actor: User | None) -> bool:
    """Make these the responsible people, and tell who follows the stage."""
    changed = put_people(owner, people)
    if changed:
        following.changed(following.stages_of(owner), actor, f"changed the people of {word_of(owner)}")
    return changed


def put_people(owner: Owner, people: Iterable[tuple[str, Contact]]) -> bool:
    """Make these the responsible people, in this order; one removed on request stays away."""
    wanted = {
        (role, contact.pk): order for order, (role, contact) in enumerate(people) if contact.removed_on is None
    }  # fmt: skip
    have = {(one.role, one.contact_id): one for one in _responsible(owner)}
    gone = [one.pk for pair, one in have.items() if pair not in wanted]
    moved = [one for pair, one in have.items() if pair in wanted and one.order != wanted[pair]]
    for one in moved:
        one.order = wanted[one.role, one.contact_id]
    new = [
        Responsibility(contact_id=contact, role=role, order=order, **{_field(owner): owner})
        for (role, contact), order in wanted.items()
        if (role, contact) not in have
    ]
    Responsibility.objects.filter(pk__in=gone).delete()
    Responsibility.objects.bulk_update(moved, ["order"])
    Responsibility.objects.bulk_create(new)
    changed = bool(gone or new or moved)
    if changed:
        _another_version(owner)
    return changed


def _another_version(owner: Owner) -> None:
    """What was made from the people of before must not overwrite these."""
    type(owner)._default_manager.filter(pk=owner.pk).update(version=F("version") + 1)
    owner.refresh_from_db(fields=["version"])


def _responsible(owner: Owner) -> list[Responsibility]:
    return list(owner.people.select_related("contact").order_by("order", "pk"))


@transaction.atomic
def remove_contact(*, contact: Contact, on: date) -> None:
    """Forget a person on request: the name and what they were responsible for go, the digest stays.

    So do what the teams' parts of the pages say by that name, in all their versions, drafts that have the name in them,
    and files that somebody looked at and has not imported yet.
    """
    if contact.name:
        forget_name(contact.name)
        forget_on_pages(contact.name)
        for preview in ImportPreview.objects.all():
            if any(has_name(text, contact.name) for text in preview.files.values()):
                preview.delete()
    contact.responsibilities.all().delete()
    contact.name, contact.removed_on = "", on
    contact.save()


def _place_of(row: Responsibility) -> tuple[str, int]:
    for field in ("section", "stage", "group"):
        if pk := getattr(row, f"{field}_id"):
            return field, pk
    raise ValueError("Nobody is responsible for nothing.")


def _field(owner: Owner) -> str:
    return {Section: "section", Stage: "stage", Group: "group"}[type(owner)]
