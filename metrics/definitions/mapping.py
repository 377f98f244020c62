"""Which metric is the figure of a subject, and since when: the verbs that write the mapping.

The mapping from the first import of a definition holds for all months; whatever changes later holds from a month on.
So history moves only when somebody says so. Every verb marks the months whose figures it can change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db import connection, transaction

from metrics.definitions.months import current_month, overlap, without
from metrics.definitions.parsing import indicator_kinds
from metrics.definitions.signals import mappings_changed
from metrics.engine.rollup import MAPPING_CHANGED
from metrics.facts import note, wake_roll_up
from metrics.models.dictionary import Indicator, IndicatorMapping, MetricDefinition
from metrics.models.figures import NOT_CHECKED, FigureMonth
from metrics.periods import Month
from portal.models import User
from stages.models import Group, Stage, Succession
from stages.queries import group_named

SubjectKind = IndicatorMapping.SubjectKind
Source = IndicatorMapping.Source

SUBJECT_OF: dict[str, str] = {
    Indicator.SMAU: SubjectKind.STAGE,
    Indicator.GMAU: SubjectKind.GROUP,
    Indicator.PAID_GMAU: SubjectKind.GROUP,
    Indicator.UMAU: SubjectKind.PRODUCT,
}
"""What each kind of figure is about."""

_LOCK = 0x6D65747269637301


class MappingRefused(Exception):
    """A mapping that makes no sense; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A figure that a definition wants to be: ``key`` is ``None`` while the group is not in the catalog."""

    kind: str
    subject_kind: str
    key: str | None
    product_group: str = ""


def lock_dictionary() -> None:
    """Hold all other writers of the dictionary off until the end of this transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def kinds_of(definition: MetricDefinition) -> tuple[str, ...]:
    """The indicators for which a stored definition stands."""
    return indicator_kinds(
        types=definition.performance_indicator_type,
        value_type=definition.value_type,
        time_frame=definition.time_frame,
        written_time_frame=definition.raw.get("time_frame"),
    )


def targets_of(*, kinds: Iterable[str], product_group: str, group: Group | None) -> frozenset[Target]:
    """The figures that a definition with these indicators and this group stands for."""
    made = set()
    for kind in kinds:
        subject_kind = SUBJECT_OF[kind]
        if subject_kind == SubjectKind.PRODUCT:
            made.add(Target(kind=kind, subject_kind=subject_kind, key=""))
            continue
        key = None if group is None else group.stage.key if subject_kind == SubjectKind.STAGE else group.key
        made.add(Target(kind=kind, subject_kind=subject_kind, key=key, product_group=product_group))
    return frozenset(made)


def follow_new_definition(*, definition: MetricDefinition, targets: Iterable[Target], actor: User | None) -> None:
    """The first import of a definition: its mapping holds for all months."""
    IndicatorMapping.objects.bulk_create(
        _row(definition, target, None, "first import", actor) for target in sorted(targets, key=_in_order)
    )


def follow_changed_definition(
    *,
    definition: MetricDefinition,
    old: frozenset[Target],
    new: frozenset[Target],
    from_month: date,
    reason: str,
    actor: User | None,
) -> bool:
    """A later change of a definition: what it stands for changes from a month on. Says whether anything changed.

    Only the difference between old and new moves rows, so that what a person decided is not undone by an import.
    """
    gone, come = old - new, new - old
    for target in sorted(gone, key=_in_order):
        rows = IndicatorMapping.objects.filter(
            metric=definition, kind=target.kind, subject_key=target.key, source=Source.DEFINITION
        )
        if target.key is None:
            rows.delete()
            continue
        for row in rows:
            _cut(row, (from_month, None))
    fresh = []
    for target in sorted(come, key=_in_order):
        mine = IndicatorMapping.objects.filter(metric=definition, kind=target.kind, subject_key=target.key)
        if target.key is None or not any(overlap(_span(row), (from_month, None)) for row in mine):
            fresh.append(_row(definition, target, from_month, reason, actor))
    IndicatorMapping.objects.bulk_create(fresh)
    return bool(gone or come)


@transaction.atomic
def map_indicator(
    *,
    kind: str,
    subject_key: str,
    metric: MetricDefinition,
    reason: str,
    actor: User | None,
    from_month: date | None = None,
    to_month: date | None = None,
    beside_others: bool = False,
) -> IndicatorMapping:
    """Make ``metric`` the figure of a subject in the months given (``None``: without bound).

    Whatever else stood for the subject in these months gives way, unless ``beside_others``: then there is a conflict.
    """
    lock_dictionary()
    subject_kind = _checked(kind=kind, subject_key=subject_key, metric=metric, reason=reason)
    span = (from_month, to_month)
    if from_month and to_month and from_month > to_month:
        raise MappingRefused(f"The last month {to_month:%Y-%m} lies before the first, {from_month:%Y-%m}.")
    rows = list(IndicatorMapping.objects.filter(kind=kind, subject_kind=subject_kind, subject_key=subject_key))
    covered = [row for row in rows if row.metric_id == metric.pk and not without(span, _span(row))]
    others = [row for row in rows if row.metric_id != metric.pk and overlap(_span(row), span)]
    if covered and (beside_others or not others):
        return covered[0]
    for row in rows:
        gives_way = not covered if row.metric_id == metric.pk else not beside_others
        if gives_way:
            _cut(row, span)
    made = covered[0] if covered else None
    if made is None:
        made = IndicatorMapping.objects.create(
            kind=kind,
            subject_kind=subject_kind,
            subject_key=subject_key,
            metric=metric,
            from_month=from_month,
            to_month=to_month,
            source=Source.PERSON,
            reason=reason,
            made_by=actor,
        )
    announce(span, reason=reason, actor=actor)
    return made


@transaction.atomic
def unmap_indicator(
    *,
    kind: str,
    subject_key: str,
    metric: MetricDefinition,
    reason: str,
    actor: User | None,
    from_month: date | None = None,
    to_month: date | None = None,
) -> bool:
    """``metric`` is no longer the figure of the subject in the months given. Says whether it was before."""
    lock_dictionary()
    _with_reason(reason)
    span = (from_month, to_month)
    rows = IndicatorMapping.objects.filter(kind=kind, subject_key=subject_key, metric=metric)
    cut = [row for row in rows if _cut(row, span)]
    if cut:
        announce(span, reason=reason, actor=actor)
    return bool(cut)


@transaction.atomic
def resolve_conflict(
    *,
    kind: str,
    subject_key: str,
    keep: MetricDefinition,
    reason: str,
    actor: User | None,
    from_month: date | None = None,
    to_month: date | None = None,
) -> int:
    """Of the metrics that stand for one subject, let only ``keep`` stand in the months given; returns the rows cut."""
    lock_dictionary()
    _with_reason(reason)
    span = (from_month, to_month)
    rows = list(IndicatorMapping.objects.filter(kind=kind, subject_key=subject_key))
    if not any(row.metric_id == keep.pk and overlap(_span(row), span) for row in rows):
        raise MappingRefused(f"{keep.key_path} does not stand for this figure in these months; map it instead.")
    cut = 0
    for kept in [row for row in rows if row.metric_id == keep.pk]:
        shared = overlap(_span(kept), span)
        if shared is not None:
            cut += sum(_cut(row, shared) for row in rows if row.metric_id != keep.pk and row.pk)
            rows = list(IndicatorMapping.objects.filter(kind=kind, subject_key=subject_key))
    if cut:
        announce(span, reason=reason, actor=actor)
    return cut


@transaction.atomic
def follow_structure(*, actor: User | None = None) -> int:
    """Join definitions and mappings to the catalog as it is now; returns how many rows of the mapping changed.

    A group that the catalog did not know is resolved as if it had always been known. A group that moved to another
    stage takes its metrics along from the current month on.
    """
    lock_dictionary()
    changed = _follow_renames(actor=actor)
    found: dict[str, Group | None] = {}
    moved: list[MetricDefinition] = []
    for definition in MetricDefinition.objects.exclude(product_group=""):
        written = definition.product_group
        if written not in found:
            found[written] = group_named(written)
        group = found[written]
        # A group that the catalog lost keeps its metrics: that it is gone is for a person to judge.
        if group is not None and definition.group_id != group.pk:
            definition.group = group
            moved.append(definition)
    MetricDefinition.objects.bulk_update(moved, ["group"])
    rows = IndicatorMapping.objects.exclude(subject_kind=SubjectKind.PRODUCT).filter(source=Source.DEFINITION)
    for row in rows.filter(subject_key=None):
        group = found.get(row.product_group) or group_named(row.product_group)
        if group is not None:
            row.subject_key = group.stage.key if row.subject_kind == SubjectKind.STAGE else group.key
            row.save()
            changed += 1
            announce(_span(row), reason=f"the catalog now knows {group.name}", actor=actor)
    now = current_month()
    for row in rows.exclude(subject_key=None).filter(to_month=None).select_related("metric__group__stage"):
        group = row.metric.group
        if group is None or row.product_group != row.metric.product_group:
            continue
        key = group.stage.key if row.subject_kind == SubjectKind.STAGE else group.key
        if key != row.subject_key:
            target = Target(kind=row.kind, subject_kind=row.subject_kind, key=key, product_group=row.product_group)
            reason = f"{group.name} moved in the catalog"
            _cut(row, (now, None))
            _row(row.metric, target, max(now, row.from_month or now), reason, actor).save()
            changed += 1
            announce((now, None), reason=reason, actor=actor)
    # Which stages a combined figure adds up may have changed, too.
    look_again((None, None))
    return changed


def _follow_renames(*, actor: User | None) -> int:
    """A subject that only got another key is still the same subject, in all months."""
    known = {
        SubjectKind.STAGE: set(Stage.objects.values_list("key", flat=True)),
        SubjectKind.GROUP: set(Group.objects.values_list("key", flat=True)),
    }
    changed = 0
    for row in IndicatorMapping.objects.exclude(subject_kind=SubjectKind.PRODUCT).exclude(subject_key=None):
        subject_kind = SubjectKind(row.subject_kind)
        if row.subject_key in known[subject_kind]:
            continue
        renamed = Succession.objects.filter(
            kind=row.subject_kind, how=Succession.How.RENAMED, from_key=row.subject_key
        ).first()
        if renamed is not None and renamed.to_key in known[subject_kind]:
            row.subject_key = renamed.to_key
            row.save()
            changed += 1
            announce(_span(row), reason=f"{renamed.from_name} is now {renamed.to_name}", actor=actor)
    return changed


def announce(span: tuple[date | None, date | None], *, reason: str, actor: User | None) -> None:
    """Note that figures of these months may have changed, and have the roll-up look at them after the commit.

    Figures follow the mapping when they are asked for. Only published months need a note: there the change is a
    restatement, and it should say who caused it.
    """
    published = FigureMonth.objects.published().values_list("month", flat=True)
    months = [Month.of(month) for month in published if overlap((month, month), span)]
    if months:
        note(months=months, cause=MAPPING_CHANGED, actor=actor)
    look_again(span)
    wake_roll_up()
    transaction.on_commit(
        lambda: mappings_changed.send(
            sender=IndicatorMapping, from_month=span[0], to_month=span[1], reason=reason, actor=actor
        )
    )


def look_again(span: tuple[date | None, date | None]) -> None:
    """Have plausibility look at these months once more: their sums are the same, and their figures are others."""
    first, last = span
    months = FigureMonth.objects.all()
    if first is not None:
        months = months.filter(month__gte=first)
    if last is not None:
        months = months.filter(month__lte=last)
    months.update(checked_revision=NOT_CHECKED)


def _checked(*, kind: str, subject_key: str, metric: MetricDefinition, reason: str) -> str:
    """The kind of subject, after refusing what cannot be a mapping."""
    if kind not in SUBJECT_OF:
        raise MappingRefused(f"{kind!r} is no indicator; expected one of {', '.join(SUBJECT_OF)}.")
    _with_reason(reason)
    if not metric.is_numeric:
        raise MappingRefused(f"{metric.key_path} is declared {metric.value_type}; only a number can be a figure.")
    subject_kind = SUBJECT_OF[kind]
    if subject_kind == SubjectKind.STAGE and not Stage.objects.filter(key=subject_key).exists():
        raise MappingRefused(f"The catalog has no stage {subject_key!r}.")
    if subject_kind == SubjectKind.GROUP and not Group.objects.filter(key=subject_key).exists():
        raise MappingRefused(f"The catalog has no group {subject_key!r}.")
    if subject_kind == SubjectKind.PRODUCT and subject_key:
        raise MappingRefused("UMAU is about the whole product; leave the subject empty.")
    return subject_kind


def _with_reason(reason: str) -> None:
    if not reason.strip():
        raise MappingRefused("Say why: a change of the mapping needs a reason.")


def _span(row: IndicatorMapping) -> tuple[date | None, date | None]:
    return row.from_month, row.to_month


def _cut(row: IndicatorMapping, hole: tuple[date | None, date | None]) -> bool:
    """Take the months of ``hole`` out of a row's span; the row shrinks, splits or goes. Says whether it changed."""
    rest = without(_span(row), hole)
    if rest == [_span(row)]:
        return False
    if not rest:
        row.delete()
        return True
    row.from_month, row.to_month = rest[0]
    row.save()
    for start, end in rest[1:]:
        IndicatorMapping.objects.create(
            kind=row.kind,
            subject_kind=row.subject_kind,
            subject_key=row.subject_key,
            product_group=row.product_group,
            metric=row.metric,
            from_month=start,
            to_month=end,
            source=row.source,
            reason=row.reason,
            made_by=row.made_by,
        )
    return True


def _row(
    definition: MetricDefinition, target: Target, from_month: date | None, reason: str, actor: User | None
) -> IndicatorMapping:
    return IndicatorMapping(
        kind=target.kind,
        subject_kind=target.subject_kind,
        subject_key=target.key,
        product_group=target.product_group,
        metric=definition,
        from_month=from_month,
        source=Source.DEFINITION,
        reason=reason,
        made_by=actor,
    )


def _in_order(target: Target) -> tuple[str, str]:
    return target.kind, target.key or ""
