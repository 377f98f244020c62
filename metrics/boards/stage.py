"""What a stage's, a group's or a section's page shows of figures: read together, in a constant number of queries."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from metrics.boards.findings import Finding, Subject, findings_of
from metrics.boards.fresh import figures_version, kept
from metrics.boards.lines import MONTHS, Line, line_of, shown_month
from metrics.definitions.queries import Conflict, conflicts
from metrics.figures.queries import Known, figures, known_of
from metrics.figures.question import Cut, Question
from metrics.models import MetricDefinition
from metrics.models.dictionary import ProposedChange, Status, TimeFrame
from metrics.periods import Month
from stages.models import Group, Section, Stage

FEATURES_SHOWN = 8
FEATURES_ASKED = 40
"""More metrics than this are not ranked on a stage's page; the dictionary lists them all."""

PAID = Cut(paid=True)


@dataclass(frozen=True, kw_only=True)
class Board:
    """The figures of one subject: its own, the paid cut, those of what is below it, and its metrics ranked."""

    main: Line
    paid: Line
    below: tuple[Line, ...]
    features: tuple[Line, ...]
    features_left: int
    as_of: datetime | None
    findings: tuple[Finding, ...] = ()
    notes: Notes | None = None
    """Of stages."""

    @property
    def month(self) -> Month:
        """The month shown."""
        return self.main.now.question.month


def months_up_to(last: Month, count: int = MONTHS) -> list[Month]:
    """So many months up to one, oldest first."""
    return [last.plus(-back) for back in range(count - 1, -1, -1)]


def stage_board(stage: Stage) -> Board:
    """The figures of a stage, its groups and its metrics."""
    return kept(f"stage:{stage.pk}", figures_version(), lambda: _stage(stage, timezone.now().date()))


def group_board(group: Group) -> Board:
    """The figures of a group and its metrics."""
    return kept(f"group:{group.pk}", figures_version(), lambda: _group(group, timezone.now().date()))


def section_board(section: Section) -> Board:
    """The combined figure of a section and the figures of its stages."""
    return kept(f"section:{section.pk}", figures_version(), lambda: _section(section, timezone.now().date()))


def _stage(stage: Stage, today: date) -> Board:
    groups = list(stage.groups.all())
    current = [group for group in groups if group.retired_on is None]
    below = [(group.name, "gmau", group.key, group.get_absolute_url()) for group in current]
    known = _known(groups, today)
    board = _board(stage.name, "smau", stage.key, PAID, below, current, today, known)
    subjects = {("smau", stage.key), *((kind, group.key) for kind in ("gmau", "paid_gmau") for group in groups)}
    return replace(board, notes=_notes(groups, subjects, known), findings=_findings(board, subjects, known))


def _group(group: Group, today: date) -> Board:
    known = _known([group], today)
    board = _board(group.name, "gmau", group.key, None, [], [group], today, known)
    return replace(board, findings=_findings(board, {("gmau", group.key), ("paid_gmau", group.key)}, known))


def _section(section: Section, today: date) -> Board:
    stages = Stage.objects.filter(section=section, retired_on=None).order_by("order", "name")
    below = [(stage.name, "smau", stage.key, stage.get_absolute_url()) for stage in stages]
    known = _known([], today)
    board = _board(section.name, "section_cmau", section.key, PAID, below, [], today, known)
    return replace(board, findings=_findings(board, {("smau", key) for _name, _kind, key, _url in below}, known))


def _known(groups: Collection[Group], today: date) -> Known:
    """Months and dictionary, with the metrics of these groups that a board ranks or calls broken."""
    shown = Q(time_frame=TimeFrame.MONTH) | Q(status=Status.BROKEN)
    return known_of(months_up_to(Month.of(today)), Q(group__in=groups) & shown)


def _findings(board: Board, subjects: Collection[Subject], known: Known) -> tuple[Finding, ...]:
    return findings_of(known.months.get(board.month), subjects)


def _board(
    name: str,
    indicator: str,
    key: str,
    paid: Cut | None,
    below: Sequence[tuple[str, str, str, str]],
    groups: Collection[Group],
    today: date,
    known: Known,
) -> Board:
    shown = shown_month(today)
    months = months_up_to(Month.of(today))
    metrics = _metrics(groups, known)
    lines: list[list[Question]] = [[Question(indicator, month, key) for month in months]]
    # The paid GMAU has a metric of its own; the paid SMAU is a cut of the SMAU.
    paid_indicator, cut = ("paid_gmau", Cut()) if paid is None else (indicator, paid)
    lines.append([Question(paid_indicator, month, key, cut) for month in months])
    lines += [[Question(kind, month, subject) for month in months] for _name, kind, subject, _url in below]
    lines += [[Question("metric", month, metric.key_path) for month in months] for metric in metrics]
    # All in one call: it costs the same number of queries for one figure as for a thousand.
    answered = figures([question for line in lines for question in line], known=known)
    own = [answered[start : start + MONTHS] for start in range(0, len(answered), MONTHS)]
    features = _ranked(
        [
            line_of(
                metric.name or metric.key_path.rsplit(".", 1)[-1].replace("_", " "),
                found,
                shown=shown,
                url=reverse("metrics:definition", args=[metric.key_path]),
            )
            for metric, found in zip(metrics, own[2 + len(below) :], strict=True)
        ]
    )
    main = line_of(name, own[0], shown=shown)
    return Board(
        main=main,
        paid=line_of(name, own[1], shown=shown),
        below=tuple(
            line_of(one[0], found, shown=shown, url=one[3])
            for one, found in zip(below, own[2 : 2 + len(below)], strict=True)
        ),
        features=tuple(features[:FEATURES_SHOWN]),
        features_left=max(len(metrics) - FEATURES_SHOWN, 0),
        as_of=main.now.as_of,
    )


def _metrics(groups: Collection[Group], known: Known) -> list[MetricDefinition]:
    """The metrics that say how much features are used: numbers over 28 days that are still collected."""
    among = {group.pk for group in groups}
    return [
        one
        for one in known.definitions
        if one.group_id in among
        and one.time_frame == TimeFrame.MONTH
        and one.status in (Status.ACTIVE, Status.BROKEN)
        and one.slot is not None
    ][:FEATURES_ASKED]


def _ranked(lines: Sequence[Line]) -> list[Line]:
    """The most used first; those that never had a value stay away."""
    return sorted((line for line in lines if line.is_there), key=lambda line: (-(line.now.recorded or 0), line.name))


@dataclass(frozen=True, kw_only=True)
class Notes:
    """What is to know about the data of a stage."""

    conflicts: tuple[Conflict, ...] = ()
    broken: tuple[MetricDefinition, ...] = ()
    proposals: tuple[ProposedChange, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say."""
        return not (self.conflicts or self.broken or self.proposals or self.findings)


def stage_notes(stage: Stage, board: Board) -> Notes:
    """Conflicts, broken metrics and open reviews of a stage and its groups, and what looks odd about its month."""
    # Proposals are not among what moves figures, so they are read anew.
    return replace(board.notes or Notes(), proposals=tuple(_proposals(stage)), findings=board.findings)


def _proposals(stage: Stage) -> QuerySet[ProposedChange]:
    return (
        ProposedChange.objects.filter(definition__group__stage=stage, state=ProposedChange.State.OPEN)
        .select_related("definition", "proposed_by")
        .order_by("proposed_at")[:10]
    )


def _notes(groups: Collection[Group], subjects: Collection[Subject], known: Known) -> Notes:
    metrics: dict[Subject, set[int]] = {}
    for row in known.mappings:
        if (row.kind, row.subject_key) in subjects:
            metrics.setdefault((row.kind, row.subject_key), set()).add(row.metric_id)
    # Where no subject ever had two metrics there is no conflict to read.
    is_possible = any(len(of) > 1 for of in metrics.values())
    among = {group.pk for group in groups}
    broken = [one for one in known.definitions if one.group_id in among and one.status == Status.BROKEN]
    return Notes(
        conflicts=tuple(one for one in conflicts() if (one.kind, one.subject_key) in subjects) if is_possible else (),
        broken=tuple(broken[:10]),
    )
