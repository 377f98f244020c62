"""The table of all indicator figures of a month: UMAU, CMAU, sections, stages, groups, paid; with their trends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from metrics.boards.fresh import figures_version, kept
from metrics.boards.lines import MONTHS, Line, line_of
from metrics.engine.estimates import Grain
from metrics.engine.mapping import MappingRow
from metrics.figures.queries import Figure, figures, known_of
from metrics.figures.question import Cut, Question
from metrics.periods import Month
from stages.models import Group, Section, Stage

KINDS = {
    "umau": "Unique over the product",
    "cmau": "Combined over the product",
    "section_cmau": "Combined by section",
    "smau": "Stages",
    "paid_smau": "Stages, paid",
    "gmau": "Groups",
    "paid_gmau": "Groups, paid",
}
"""The parts of the table in their order, with their headings."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Something that has a figure of a kind."""

    kind: str
    key: str
    name: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Part:
    """One kind of figure with its lines; ``without`` are subjects that no metric is mapped to."""

    kind: str
    title: str
    lines: tuple[Line, ...]
    without: tuple[Subject, ...]

    @property
    def noun(self) -> str:
        """The head of the first column."""
        return {"smau": "Stage", "paid_smau": "Stage", "gmau": "Group", "paid_gmau": "Group"}.get(self.kind, "Subject")


def overview(*, month: Month, cut: Cut, grain: Grain) -> list[Part]:
    """All parts of the table for a month, each line with the months before it."""
    name = f"table:{month}:{'~'.join(map(str, cut.as_json().items()))}:{grain.value}"
    return kept(name.replace(" ", ""), figures_version(), lambda: _overview(month, cut, grain))


def _overview(month: Month, cut: Cut, grain: Grain) -> list[Part]:
    months = [month.plus(-back) for back in range(MONTHS - 1, -1, -1)]
    known = known_of(months)
    mapped = _mapped(known.mappings)
    subjects = _subjects(mapped.get("smau", set()))
    asked = [one for one in subjects if _is_asked(one, mapped)]
    questions = [_question(one, when, cut, grain) for one in asked for when in months]
    answered = figures(questions, known=known)
    lines: dict[str, list[Line]] = {kind: [] for kind in KINDS}
    for index, one in enumerate(asked):
        found = answered[index * MONTHS : (index + 1) * MONTHS]
        lines[one.kind].append(_line(one, found))
    return [
        Part(
            kind=kind,
            title=title,
            lines=tuple(lines[kind]),
            without=tuple(one for one in subjects if one.kind == kind and one not in asked),
        )
        for kind, title in KINDS.items()
        if lines[kind] or kind in ("smau", "gmau")
    ]


def _line(subject: Subject, found: Sequence[Figure]) -> Line:
    """The table is about one month: a line without a figure there says so and shows no other month's."""
    line = line_of(subject.name, found, shown=found[-1].question.month, url=subject.url)
    if line.now is not found[-1]:
        return Line(name=line.name, figures=line.figures, now=found[-1], before=found[-2], url=line.url)
    return line


def _subjects(smau: set[str]) -> list[Subject]:
    home = reverse("stages:index")
    found = [
        Subject(kind="umau", key="", name="Product", url=home),
        Subject(kind="cmau", key="", name="Product", url=home),
    ]
    # A section without any stage that has a metric has nothing to combine.
    sections = Section.objects.filter(retired_on=None, stages__key__in=smau).distinct()
    found += [
        Subject(kind="section_cmau", key=section.key, name=section.name, url=section.get_absolute_url())
        for section in sections
    ]
    stages = list(Stage.objects.filter(retired_on=None))
    groups = list(
        Group.objects.filter(retired_on=None).select_related("stage").order_by("stage__order", "order", "name")
    )
    for kind in ("smau", "paid_smau"):
        found += [Subject(kind=kind, key=one.key, name=one.name, url=one.get_absolute_url()) for one in stages]
    for kind in ("gmau", "paid_gmau"):
        found += [Subject(kind=kind, key=one.key, name=one.name, url=one.get_absolute_url()) for one in groups]
    return found


def _mapped(rows: Iterable[MappingRow]) -> Mapping[str, set[str]]:
    """By kind the subjects to which a metric is or was mapped."""
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row.kind, set()).add(row.subject_key)
    return found


def _is_asked(subject: Subject, mapped: Mapping[str, set[str]]) -> bool:
    """Only subjects with a metric are asked for; combined figures exist when any stage has one."""
    if subject.kind in ("cmau", "section_cmau"):
        return bool(mapped.get("smau"))
    kind = "smau" if subject.kind == "paid_smau" else subject.kind
    return subject.key in mapped.get(kind, set())


def _question(subject: Subject, month: Month, cut: Cut, grain: Grain) -> Question:
    if subject.kind == "paid_smau":
        return Question("smau", month, subject.key, Cut(**{**_parts(cut), "paid": True}), grain)
    return Question(subject.kind, month, subject.key, cut, grain)


def _parts(cut: Cut) -> dict[str, Any]:
    return {name: getattr(cut, name) for name in ("delivery", "edition", "tier", "paid", "version")}
