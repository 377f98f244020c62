"""The roll-up: months follow the facts, one at a time, whole or by the few installations that changed.

The work to do stands in ``DirtyMonth``. One writer at a time holds the lock for one month and gives it back, so two
roll-ups side by side only share the work, and one that was cut off goes on where it stopped. A rebuild writes
nothing where nothing differs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from django.db import connection, transaction
from django.utils import timezone

from metrics.engine.cells import contributions, move_cuts, move_pages
from metrics.engine.chosen import choose, chosen_before, chosen_now, linked_to, replace
from metrics.engine.counting import count_cuts, count_page
from metrics.engine.firsts import may_have_moved, seen, store
from metrics.engine.mapping import Kept, in_force, kept_now, mapping_rows, structure
from metrics.engine.pages import PAGE_SIZE
from metrics.engine.subscriptions import count_side, move_subscriptions, side_stored, store_reported, store_side
from metrics.models.figures import FigureMonth, MonthRevision
from metrics.periods import Month

log = structlog.get_logger(__name__)

LOCK = 7_206_391
"""The advisory lock that the one writer of figures holds."""

FEW = 200
"""Up to so many changed installations a month is moved by them; beyond, counting it whole is quicker."""

MANY = 1000
"""From so many new rows on, statistics are taken anew before they are joined."""

REBUILT = "rebuilt"
MAPPING_CHANGED = "mapping changed"
STRUCTURE_CHANGED = "structure changed"
KEPT_REVISIONS = 100

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RolledUp:
    """What a roll-up of a month did. ``changed`` is false where nothing differed."""

    month: Month
    whole: bool
    changed: bool
    notes: int


@dataclass(frozen=True, slots=True)
class Note:
    """A ``DirtyMonth`` row."""

    id: int
    installation_id: int | None
    cause: str
    actor: str
    report: int | None


def widths() -> dict[int, int]:
    """By page, how many of its slots were ever allotted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT slot / %s, max(slot %% %s) + 1 FROM metrics_metricslot GROUP BY 1 ORDER BY 1",
            [PAGE_SIZE, PAGE_SIZE],
        )
        return dict(cursor.fetchall())


def take_lock() -> None:
    """Become the one writer of figures, until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def roll_up_dirty(
    *, task: str = "", say: Say | None = None, within: Say | None = None, check: bool = True
) -> list[RolledUp]:
    """Roll up every month that has a note, oldest first, until none is left.

    ``say`` is told of each month that is done, ``within`` how far a month is that is counted whole.
    ``check``: then look whether the figures are plausible. Those in a hurry leave that to the sweep.
    """
    done: list[RolledUp] = []
    failed: dict[Month, Exception] = {}
    while True:
        month = _next_dirty(failed)
        if month is None:
            break
        try:
            done.append(roll_up_month(month, task=task, say=within))
        except Exception as error:
            # One month that cannot be counted must not keep the others from following; its notes stay.
            log.exception("month not rolled up", month=str(month))
            failed[month] = error
            continue
        if say is not None:
            say(f"{month} rolled up")
    done += follow_mappings(task=task)
    if check:
        _check()
    if failed:
        raise next(iter(failed.values()))
    return done


def _next_dirty(failed: dict[Month, Exception]) -> Month | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(month) FROM metrics_dirtymonth WHERE NOT (month = ANY(%s::date[]))",
            [[month.first for month in failed]],
        )
        (first,) = cursor.fetchone()
    return None if first is None else Month.of(first)


def known_months() -> list[Month]:
    """Every month with a report, a roll-up or a note, oldest first."""
    with connection.cursor() as cursor:
        # The index on the month is skipped through, month by month: a plain DISTINCT would read every report.
        cursor.execute(
            """
            WITH RECURSIVE reported AS (
                (SELECT min(month) AS month FROM metrics_report)
                UNION ALL
                SELECT (SELECT min(month) FROM metrics_report WHERE month > r.month) FROM reported r
                WHERE r.month IS NOT NULL
            )
            SELECT month FROM reported WHERE month IS NOT NULL
            UNION SELECT month FROM metrics_figuremonth
            UNION SELECT month FROM metrics_dirtymonth
            ORDER BY 1
            """
        )
        return [Month.of(row[0]) for row in cursor.fetchall()]


def roll_up_all(*, task: str = "", say: Say | None = None, within: Say | None = None) -> list[RolledUp]:
    """Count every month anew from the facts.

    All months get a note first, so a rebuild that is cut off goes on with the next roll-up.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO metrics_dirtymonth (month, cause, at) SELECT month, %s, %s FROM unnest(%s::date[]) month",
            [REBUILT, timezone.now(), [month.first for month in known_months()]],
        )
    return roll_up_dirty(task=task, say=say, within=within)


def roll_up_one(month: Month, *, task: str = "", within: Say | None = None) -> list[RolledUp]:
    """Count one month anew from the facts; like every roll-up, closed months follow the mappings and are checked."""
    done = [roll_up_month(month, whole=True, task=task, say=within), *follow_mappings(task=task)]
    _check(always=month)
    return done


def _check(*, always: Month | None = None) -> None:
    """Look whether figures that changed are plausible, after they can be seen."""
    from metrics.engine.plausibility import check_months, check_unchecked

    check_unchecked()
    if always is not None:
        check_months([always])


@transaction.atomic
def roll_up_month(month: Month, *, whole: bool = False, task: str = "", say: Say | None = None) -> RolledUp:
    """Bring one month up to the facts. Without ``whole``, only as far as its notes say is needed."""
    take_lock()
    notes = _notes(month)
    if not notes and not whole:
        return RolledUp(month, whole=False, changed=False, notes=0)
    kept, _ = FigureMonth.objects.get_or_create(month=month.first)
    installations = sorted({note.installation_id for note in notes if note.installation_id is not None})
    by_few = (
        not whole
        and kept.computed_at is not None
        and side_stored(month)[0] is not None
        and len(installations) <= FEW
        and all(note.installation_id is not None for note in notes)
    )
    keeping = kept.first_published_revision is not None
    revision = _new_revision(month, notes, task=task)
    why = _why_differs(month, revision)
    changed, firsts_changed = (
        _move(month, installations, revision=revision.pk, keeping=keeping)
        if by_few
        else _count(month, revision=revision.pk, keeping=keeping, say=say)
    )
    if notes:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM metrics_dirtymonth WHERE id = ANY(%s)", [[note.id for note in notes]])
    if changed or why:
        revision.firsts_changed = firsts_changed
        if why and why not in revision.causes:
            revision.causes.append(why)
        revision.save(update_fields=["firsts_changed", "causes"])
        kept.revision = revision.pk
        if not keeping:
            _forget_revisions(month, before=revision.pk)
    else:
        revision.delete()
    kept.computed_at = timezone.now()
    kept.save(update_fields=["revision", "computed_at"])
    return RolledUp(month, whole=not by_few, changed=bool(changed), notes=len(notes))


def _notes(month: Month) -> list[Note]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT d.id, d.installation_id, d.cause, coalesce(nullif(u.display_name, ''), u.username, ''), d.report"
            " FROM metrics_dirtymonth d LEFT JOIN portal_user u ON u.id = d.actor_id WHERE d.month = %s ORDER BY d.id",
            [month.first],
        )
        return [Note(*row) for row in cursor.fetchall()]


def _new_revision(month: Month, notes: Sequence[Note], *, task: str) -> MonthRevision:
    reports = sorted({note.report for note in notes if note.report is not None})
    return MonthRevision.objects.create(
        month=month.first,
        causes=list(dict.fromkeys(note.cause for note in notes)) or [REBUILT],
        actors=list(dict.fromkeys(note.actor for note in notes if note.actor)),
        task=task,
        # More than these would tell nobody anything; the passports of both sides show every report.
        reports=reports[:1000],
        mapping=kept_now(month).as_json(),
    )


def _why_differs(month: Month, revision: MonthRevision) -> str:
    """Whether mapping or structure are others than at the revision before; the cause, or empty."""
    before = (
        MonthRevision.objects.filter(month=month.first, pk__lt=revision.pk)
        .order_by("-pk")
        .values_list("mapping", flat=True)
        .first()
    )
    return "" if before is None else difference_of(Kept.read(before), Kept.read(revision.mapping))


def difference_of(before: Kept, now: Kept) -> str:
    """Why two revisions of a month answer differently although the sums are the same; empty where they do not."""
    if before.mapping != now.mapping:
        return MAPPING_CHANGED
    return STRUCTURE_CHANGED if before.structure != now.structure else ""


def _forget_revisions(month: Month, *, before: int) -> None:
    """Of a month that was never published only the newest revisions are kept: nobody can ask for the others."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM metrics_monthrevision WHERE month = %s AND NOT firsts_changed AND id < ("
            " SELECT min(id) FROM (SELECT id FROM metrics_monthrevision WHERE month = %s AND id <= %s"
            " ORDER BY id DESC LIMIT %s) newest)",
            [month.first, month.first, before, KEPT_REVISIONS],
        )


def _firsts_are_kept(month: Month) -> bool:
    """First versions reach into later months, so they are kept once any of those was published."""
    return FigureMonth.objects.filter(month__gte=month.first, first_published_revision__isnull=False).exists()


def _count(month: Month, *, revision: int, keeping: bool, say: Say | None = None) -> tuple[bool, bool]:
    """The whole month from the facts; says whether anything changed, and whether first versions did."""
    with connection.cursor() as cursor:
        # Compiling such wide statements costs more than it saves; sorting in memory does save.
        cursor.execute("SET LOCAL jit = off")
        cursor.execute("SET LOCAL work_mem = '64MB'")
    changed = choose(month, revision=revision, keeping=keeping)
    changed += count_cuts(month, revision=revision, keeping=keeping)
    if changed > MANY:
        with connection.cursor() as cursor:
            # The planner must hear of a month's rows before it joins them, not at the next autovacuum.
            cursor.execute("ANALYZE metrics_monthreport")
    side, weights = count_side(month)
    changed += store_side(month, side, revision=revision, keeping=keeping)
    firsts_changed = False
    firsts_kept = _firsts_are_kept(month)
    pages = widths()
    for number, (page, width) in enumerate(pages.items()):
        if say is not None:
            say(f"{month}: {number} of {len(pages)} pages of metrics counted")
        counted = count_page(month, page, width, weights, revision=revision, keeping=keeping)
        changed += counted.changed
        changed += store_reported(month, page, counted.subscriptions, counted.seats, revision=revision, keeping=keeping)
        firsts_changed |= store(month, page, seen(month, page), revision=revision, keeping=firsts_kept)
    return bool(changed) or firsts_changed, firsts_changed


def _move(month: Month, installations: Sequence[int], *, revision: int, keeping: bool) -> tuple[bool, bool]:
    """The month by these installations only; says whether anything changed, and whether first versions did."""
    before = {(row.installation_id, row.population): row for row in chosen_before(month, installations)}
    now = {(row.installation_id, row.population): row for row in chosen_now(month, installations)}
    old = [row for key, row in before.items() if now.get(key) != row]
    new = [row for key, row in now.items() if before.get(key) != row]
    if not old and not new:
        return False, False
    names = {row.subscription for row in (*old, *new) if row.links}
    moving = {(row.installation_id, row.population) for row in (*old, *new)}
    neighbours = [
        row
        for row in (linked_to(month, sorted(names)) if names else [])
        if (row.installation_id, row.population) not in moving
    ]
    given = contributions([*old, *new, *neighbours])
    replace(month, old, new, revision=revision, keeping=keeping)
    changes = [*((row, -1) for row in old), *((row, 1) for row in new)]
    move_cuts(month, changes, revision=revision, keeping=keeping)
    moved = move_pages(month, changes, given, revision=revision, keeping=keeping)
    move_subscriptions(month, old, new, neighbours, given, revision=revision, keeping=keeping)
    firsts_changed = False
    for page, cuts in moved.items():
        if may_have_moved(month, page, cuts):
            firsts_kept = _firsts_are_kept(month)
            firsts_changed |= store(month, page, seen(month, page), revision=revision, keeping=firsts_kept)
    return True, firsts_changed


def follow_mappings(*, task: str = "") -> list[RolledUp]:
    """Note in published months that another metric stands for a subject, or that a section has other stages: a
    restatement without any new fact."""
    published = [Month.of(month) for month in FigureMonth.objects.published().values_list("month", flat=True)]
    if not published:
        return []
    last = {
        Month.of(revision.month): revision
        for revision in MonthRevision.objects.filter(month__in=[month.first for month in published])
        .order_by("month", "-pk")
        .distinct("month")
    }
    rows, stages = mapping_rows(), structure()
    done = []
    for month in published:
        now = Kept(in_force(rows, month), stages)
        if month in last and difference_of(Kept.read(last[month].mapping), now):
            done.append(_follow_mapping(month, task=task))
    return done


@transaction.atomic
def _follow_mapping(month: Month, *, task: str) -> RolledUp:
    take_lock()
    rows = mapping_rows()
    now = kept_now(month, rows)
    last = MonthRevision.objects.filter(month=month.first).order_by("-pk").first()
    why = difference_of(Kept.read(last.mapping), now) if last is not None else MAPPING_CHANGED
    if not why:
        return RolledUp(month, whole=False, changed=False, notes=0)
    since = last.at if last is not None else None
    revision = MonthRevision.objects.create(
        month=month.first,
        causes=[why],
        actors=sorted({row.made_by for row in rows if row.made_by and (since is None or row.made_at > since)}),
        task=task,
        mapping=now.as_json(),
    )
    FigureMonth.objects.filter(month=month.first).update(revision=revision.pk, computed_at=timezone.now())
    return RolledUp(month, whole=False, changed=True, notes=0)
