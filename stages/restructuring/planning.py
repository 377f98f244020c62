"""Changes of the structure on a day ahead: planned, seen, cancelled, carried out when the day has come.

Whoever planned it must still be an editor of all that it touches on that day. What can no longer be done is marked with
the sentence that says why, and does not hold up the others.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import OperationalError, transaction
from django.utils import timezone

from portal.history import because
from portal.notify import notify_all
from portal.permissions import has_role
from portal.roles import Role
from stages.facts import MODELS, PARENT_OF, PART_OF, Entry, kind_of
from stages.models import PlannedChange
from stages.planned import OPEN
from stages.restructuring.common import RestructureRefused, StaleEntry, free_key, free_name, locked, today, word_of
from stages.restructuring.wishes import Wish, carry_out, entries, meant_by, must_edit, numbered

if TYPE_CHECKING:
    from portal.models import User

logger = logging.getLogger("stages.planning")

AHEAD = ("rename", "move", "split", "merge", "retire", "bring_back")
"""What can be planned. A plan is of an entry that is there, so what is new is made when it is wanted. Deleting is for
what was made by mistake: nobody waits with that, and what anything refers to by the day would be refused.
"""

State = PlannedChange.State


def ask(entry: Entry, wish: Wish, user: User, version: int | None = None) -> Entry | PlannedChange | None:
    """Do what somebody wishes, or plan it where its day lies ahead."""
    if wish.on > today() and wish.action in AHEAD:
        return plan(entry=entry, wish=wish, user=user, version=version)
    return carry_out(entry, wish, user, version)


def plan(*, entry: Entry, wish: Wish, user: User, version: int | None = None) -> PlannedChange:
    """Keep a wish for its day. Whether it can be done is asked on that day; what is wrong already is refused now."""
    meant = meant_by(entry, wish, user)
    name, key = "", wish.key if wish.action in ("rename", "split") else ""
    if wish.action in ("rename", "split"):
        typed = wish.name or (wish.key if wish.action == "split" else "")
        name = free_name(type(entry), typed, entry if wish.action == "rename" else None)
    if (key and key != entry.key) or wish.action == "split":
        free_key(type(entry), key, entry if wish.action == "rename" else None)
    if meant.target is not None and meant.target.pk == entry.pk:
        raise RestructureRefused(f"A {kind_of(entry)} cannot be merged into itself.", "target")
    with transaction.atomic(), because(wish.reason or "planned", actor=user):
        entry = locked(entry, version)
        if wish.action == "bring_back":
            must_be_retired(entry)
        elif entry.retired_on is not None:
            raise RestructureRefused(f"{entry.name} is retired; bring it back before you plan something for it.")
        same = PlannedChange.objects.filter(kind=kind_of(entry), entry=entry.pk, action=wish.action)
        before = same.filter(state=State.WAITING).first()
        if before is not None:
            what = wish.action.replace("_", " ")
            raise RestructureRefused(
                f"To {what} {entry.name} is planned for {before.on:%-d %b %Y} already. Cancel that first.", "on"
            )
        same.filter(state=State.FAILED).update(state=State.CANCELLED, settled_at=timezone.now(), settled_by=user)
        return PlannedChange.objects.create(
            kind=kind_of(entry), entry=entry.pk, action=wish.action, on=wish.on, reason=wish.reason[:1000], name=name,
            key=key, parents=[one.pk for one in meant.parents], target=meant.target.pk if meant.target else None,
            taking=[one.pk for one in meant.taking], kinds=list(wish.kinds), actor=user, actor_name=str(user)[:200],
        )  # fmt: skip


def must_be_retired(entry: Entry) -> None:
    """Refuse to plan that something comes back which is in use."""
    if entry.retired_on is None:
        raise RestructureRefused(f"{entry.name} is not retired.")


def _wish(change: PlannedChange, on: date) -> Wish:
    """The wish by the keys of today."""
    return Wish(
        action=change.action, on=on, reason=change.reason, name=change.name, key=change.key, kinds=change.kinds,
        parents=[numbered(PARENT_OF[change.kind], number).key for number in change.parents],
        target=numbered(change.kind, change.target).key if change.target is not None else "",
        taking=[numbered(PART_OF[change.kind], number).key for number in change.taking],
    )  # fmt: skip


def _lock_entries(change: PlannedChange) -> None:
    """Keep what a plan is about from others, before the plan itself.

    Whoever moves something has where it goes and then the entry, merges and those that take them back lock the two
    entries in the order of their numbers, and whoever plans or deletes has the entry and then asks for its plans. In
    any other order two people could wait for each other.
    """
    numbers = [number for number in (change.entry, change.target) if number is not None]
    for kind, wanted in ((PARENT_OF.get(change.kind, ""), change.parents), (change.kind, numbers)):
        if wanted:
            rows = MODELS[kind]._default_manager.select_for_update(no_key=True).filter(pk__in=wanted)
            list(rows.order_by("pk").values_list("pk"))


def _open(change: PlannedChange) -> PlannedChange:
    """The plan as it stands, kept from others; refused where it is settled."""
    _lock_entries(change)
    found = PlannedChange.objects.select_for_update(of=("self",)).select_related("actor").get(pk=change.pk)
    if found.state not in OPEN:
        raise RestructureRefused(f"It is settled already: {found.get_state_display()}.")
    return found


def _settle(change: PlannedChange, state: str, user: User | None, sentence: str = "") -> None:
    change.state, change.settled_by, change.settled_at = state, user, timezone.now()
    change.sentence = sentence[:1000]
    change.save()


@transaction.atomic
def cancel(*, change: PlannedChange, user: User) -> None:
    """Take a plan off; of one that failed: have seen it."""
    change = _open(change)
    rows = list(entries(change.kind).filter(pk=change.entry))
    if not rows and not has_role(user, Role.EDITOR):
        raise PermissionDenied("What this was planned for is no more; it needs the role editor for everything.")
    must_edit(user, *rows)
    _settle(change, State.CANCELLED, user)


@transaction.atomic
def carry_out_now(*, change: PlannedChange, user: User) -> Entry | None:
    """Do it today already, or after all, for a person who may."""
    change = _open(change)
    after = carry_out(numbered(change.kind, change.entry), _wish(change, today()), user)
    _settle(change, State.DONE, user)
    return after


@dataclass(kw_only=True)
class Report:
    """What one run did."""

    done: int = 0
    failed: int = 0
    later: int = 0

    @property
    def sentence(self) -> str:
        """In words."""
        if not (self.done or self.failed or self.later):
            return "Nothing was planned for today."
        later = f", {self.later} tried again later" if self.later else ""
        return f"{self.done} planned changes done, {self.failed} could not be done{later}."


def carry_out_due() -> Report:
    """Do all whose day has come, each in its own transaction, in the order of their days. Twice does nothing more."""
    report = Report()
    due = PlannedChange.objects.filter(state=State.WAITING, on__lte=today()).order_by("on", "pk")
    for number in list(due.values_list("pk", flat=True)):
        try:
            _carry_out_due(number, report)
        except OperationalError:
            # A deadlock or a lost connection says nothing of the change: the next run tries again.
            logger.exception("planned change %s was not carried out", number)
            report.later += 1
    return report


def _carry_out_due(number: int, report: Report) -> None:
    with transaction.atomic():
        waiting = PlannedChange.objects.filter(pk=number, state=State.WAITING)
        found = waiting.first()
        if found is None:
            return
        _lock_entries(found)
        # Another run at the same time, or a person, may have been quicker.
        change = waiting.select_for_update(of=("self",)).select_related("actor").first()
        if change is None:
            return
        why = _attempt(change)
        if why:
            _settle(change, State.FAILED, None, why)
            _tell_of_failure(change, why)
            report.failed += 1
        else:
            _settle(change, State.DONE, change.actor)
            report.done += 1


def _attempt(change: PlannedChange) -> str:
    """Do it as the person who planned it; why not, where it cannot be done."""
    if change.actor is None:
        return f"The account of {change.actor_name} is gone."
    try:
        with transaction.atomic():
            carry_out(numbered(change.kind, change.entry), _wish(change, change.on), change.actor)
    except PermissionDenied as error:
        return f"{change.actor_name} may not do it any more. {error}"
    except (RestructureRefused, StaleEntry) as error:
        return str(error)
    except OperationalError:
        raise
    except Exception:
        # One that meets a mistake of ours must not hold up the others, and not be tried for ever.
        logger.exception("planned change %s failed", change.pk)
        return "An unexpected error stopped it; the log tells more."
    return ""


def _tell_of_failure(change: PlannedChange, why: str) -> None:
    entry = entries(change.kind).filter(pk=change.entry).first()
    if change.actor is not None and entry is not None:
        sentence = f"What you planned for {word_of(entry)} could not be done. {why}"
        notify_all(users=[change.actor], sentence=sentence, url=entry.get_absolute_url(), topic="stages")
