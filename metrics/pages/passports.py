"""The passport page of a figure, and why it moved."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from metrics.boards import words
from metrics.boards.findings import Finding, findings_about
from metrics.boards.fresh import figures_version, kept
from metrics.boards.lines import MONTHS, label_of, line_of, long_month, passport_page, trend_of, window_of
from metrics.boards.names import subject_name, subject_url
from metrics.engine.estimates import EditionEstimate, Grain
from metrics.engine.rules import version_text
from metrics.exact import Number
from metrics.figures import passport as passports
from metrics.figures.asking import check_subject
from metrics.figures.contributions import Contribution, contributions, contributions_found
from metrics.figures.dictionary import mapping_of
from metrics.figures.left_out import REASONS, left_out, left_out_counts
from metrics.figures.movement import CLASSES, movement
from metrics.figures.queries import Figure, figures
from metrics.figures.question import Question, QuestionError, parse_id
from metrics.figures.scope import scope_of
from metrics.periods import Month
from metrics.slots import FIGURE_NOTES
from portal import words as portal_words
from portal.permissions import requires
from portal.roles import Role
from portal.sources import source_links

PER_PAGE = 100
MOST_PAGES = 100_000
SHOWN_REPORTS = 10
"""So many reports of a restatement are listed with their pages; the template says how many more there are."""
TABS = {
    "counted": "Counted",
    "left-out": "Left out",
    "estimate": "Estimate",
    "definition": "Definition and mapping",
    "restatements": "Restatements",
    "sql": "As SQL and API",
}


def _question(figure_id: str) -> Question:
    try:
        question = parse_id(figure_id)
        check_subject(question)
    except QuestionError as error:
        raise Http404(error.sentence) from error
    return question


@requires(Role.VIEWER)
def passport(request: HttpRequest, figure_id: str) -> HttpResponse:
    """All that stands behind a figure, by tabs. Only the tab that is open is read in full."""
    question = _question(figure_id)
    tab = request.GET.get("tab", "counted")
    tab = tab if tab in TABS else "counted"
    opened = passports.passport(question, with_left_out=tab == "left-out")
    figure, name = opened.figure, subject_name(question)
    context: dict[str, Any] = {
        "passport": opened,
        "figure": figure,
        "question": question,
        "name": name,
        "label": label_of(figure),
        "cut": question.cut.words(),
        "window": window_of(figure),
        "when": portal_words.month(question.period.first)
        if isinstance(question.period, Month)
        else f"week {question.period}",
        "subject_url": subject_url(question),
        "sentence": sentence(name, opened),
        "notes": words.notes(figure.flags),
        "why_empty": words.why_empty(figure.flags),
        "saas": figure.saas,
        "tabs": [(key, title, _count(key, opened)) for key, title in TABS.items()],
        "tab": tab,
        "FIGURE_NOTES": FIGURE_NOTES,
        "q": request.GET.get("q", "").strip(),
    }
    if isinstance(question.period, Month):
        chart, findings = kept(f"passport:{question.id}", figures_version(), lambda: _around(question, name))
        context |= {
            "chart": chart,
            "before": reverse("metrics:passport", args=[replace(question, period=question.month.previous).id]),
            "after": reverse("metrics:passport", args=[replace(question, period=question.month.next).id]),
            "may_move": True,
            "findings": findings,
        }
    context |= _tab(request, tab, question, opened)
    return render(request, "metrics/passport.html", context)


def sentence(name: str, opened: passports.Passport) -> str:
    """The figure in words."""
    figure = opened.figure
    cut = figure.question.cut.words()
    what = f"{name} {label_of(figure)}{f' ({cut})' if cut else ''} for {long_month(figure)}"
    if figure.question.published:
        what = f"{what}, as published,"
    if figure.recorded is None:
        return f"There is no {what}. {words.why_empty(figure.flags)}"
    parts = opened.contributions_count
    noun = "stage" if opened.parts else "installation"
    of = f"{portal_words.number(parts)} {noun}{'' if parts == 1 else 's'}"
    recorded = portal_words.number(figure.recorded)
    if figure.uplift:
        return (
            f"{what} is {portal_words.number(figure.estimated)}, estimated. It is the {recorded} that {of} recorded, "
            f"and an uplift of {portal_words.number(figure.uplift)} for those that do not report."
        )
    return f"{what} is {recorded}, recorded. It is the sum of {of}."


def _count(tab: str, opened: passports.Passport) -> int | None:
    if tab == "counted":
        return opened.contributions_count
    if tab == "left-out":
        return None if opened.left_out_counts is None else sum(opened.left_out_counts.values())
    return len(opened.restatements) if tab == "restatements" else None


def _around(question: Question, name: str) -> tuple[Any, tuple[Finding, ...]]:
    """The chart, and what looks odd about the figure beside others of its month."""
    return _chart(question, name), findings_about(question.month, question.id)


def _chart(question: Question, name: str) -> Any:
    """Fourteen months around the one that the page is about, which is marked."""
    last = min(question.month.plus(3), max(Month.of(timezone.now()), question.month))
    asked = [replace(question, period=last.plus(-back)) for back in range(MONTHS - 1, -1, -1)]
    line = line_of(name, figures(asked), shown=question.month)
    return trend_of(line, marked=question.month) if line.is_ever_there else None


def _tab(request: HttpRequest, tab: str, question: Question, opened: passports.Passport) -> dict[str, Any]:
    if tab == "counted":
        return _counted(request, question, opened)
    if tab == "left-out":
        return _left_out(request, question, opened)
    if tab == "estimate":
        return {
            "editions": [_edition(part) for part in opened.figure.parts],
            "grains": _grains(opened),
            "assumptions": passports.ASSUMPTIONS,
        }
    if tab == "definition":
        return {"rows": mapping_of(opened.figure)}
    if tab == "sql":
        return {"api": _api(request, question), "command": f"manage.py passport {question.id} --json"}
    urls = _sources(str(report["report"]) for one in opened.restatements for report in one.reports[:SHOWN_REPORTS])
    return {"changes": [(one, [_link(report, urls) for report in one.reports]) for one in opened.restatements]}


class _Counted(Sequence[None]):
    """A list of a known length: the rows of a page are read by the database, not cut out here."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: Any) -> Any:
        return [None] * len(range(*index.indices(self.length))) if isinstance(index, slice) else None


def _page(request: HttpRequest, length: int) -> Any:
    return Paginator(_Counted(length), PER_PAGE).get_page(request.GET.get("page"))


@dataclass(frozen=True, kw_only=True)
class Row:
    """A contribution with its share and the page of its report."""

    contribution: Contribution
    share: float | None
    url: str


def _counted(request: HttpRequest, question: Question, opened: passports.Passport) -> dict[str, Any]:
    search = request.GET.get("q", "")
    length = contributions_found(opened.scope, search=search) if search.strip() else opened.contributions_count
    if opened.parts:
        return {
            "parts": [
                (part.figure, subject_name(part.figure.question), passport_page(part.figure.id))
                for part in opened.parts
            ]
        }
    page, key = _page(request, length), _key(opened)
    found = contributions(opened.scope, search=search, offset=page.start_index() - 1 if length else 0, limit=PER_PAGE)
    urls = _sources((one.source for one in found), key)
    return {
        "page_obj": page,
        "rows": [
            Row(contribution=one, share=_share(one.value, opened.figure.recorded), url=urls.get(one.source, ""))
            for one in found
        ],
        "is_all_time": any(one.baseline is not None for one in found),
        "export": f"/api/v1/figures/{question.id}/contributions/?as=csv",
    }


def _share(value: Number, of: Number | None) -> float | None:
    """The share of the whole; ``None`` where it says nothing."""
    if not of or of < 0 or value < 0:
        return None
    share = float(value) / float(of)
    return share if math.isfinite(share) else None


def _sources(references: Iterable[str], key: str = "") -> dict[str, str]:
    """The pages of the records behind reports, at the metric's value where that has a place of its own."""
    return {reference: link.to_key(key) for reference, link in source_links(references).items()}


def _key(opened: passports.Passport) -> str:
    return opened.figure.metric.key_path if opened.figure.metric is not None else ""


def _left_out(request: HttpRequest, question: Question, opened: passports.Passport) -> dict[str, Any]:
    reason, search, key = request.GET.get("reason", ""), request.GET.get("q", ""), _key(opened)
    counts = opened.left_out_counts
    if counts is None:
        # Too many to be counted: one row more than the page shows whether there is another page.
        number = request.GET.get("page", "")
        offset = (min(int(number), MOST_PAGES) - 1) * PER_PAGE if number.isdecimal() and int(number) else 0
        reason = reason if reason in REASONS else ""
        found = left_out(question, opened.scope, reason=reason, search=search, offset=offset, limit=PER_PAGE + 1)
        page, found = _page(request, offset + len(found)), found[:PER_PAGE]
    else:
        reason = reason if reason in counts else ""
        page = _page(request, counts[reason] if reason else sum(counts.values()))
        found = left_out(
            question, opened.scope, reason=reason, search=search, offset=max(page.start_index() - 1, 0), limit=PER_PAGE
        )
    urls = _sources((one.source for one in found if one.source), key)
    return {
        "page_obj": page,
        "reasons": [
            (word, words.reason_title(word), words.reason_help(word), count)
            for word, count in sorted((counts or {}).items(), key=lambda pair: -pair[1])
        ],
        "reason": reason,
        "left": [
            (
                one,
                words.reason_title(one.reason),
                urls.get(one.source, "") if one.source else passport_page(one.figure) if one.figure else "",
            )
            for one in found
        ],
        "export": f"/api/v1/figures/{question.id}/left-out/?as=csv",
    }


def _edition(part: EditionEstimate) -> dict[str, Any]:
    """An edition's estimate with p as a fraction and a share."""
    return {
        "part": part,
        "first": version_text(part.first_version),
        "p": float(part.share.p),
        "uplift": float(part.uplift),
    }


def _grains(opened: passports.Passport) -> list[dict[str, Any]]:
    """The same figure by every grain, side by side."""
    return [
        {
            "title": words.GRAINS[Grain(name)],
            "figure": one,
            "url": passport_page(one.id),
            "editions": [_edition(part) for part in one.parts],
        }
        for name, one in opened.grains.items()
    ]


def _api(request: HttpRequest, question: Question) -> list[tuple[str, str]]:
    """The calls that answer the same."""
    asked = {"indicator": question.indicator}
    asked["month" if isinstance(question.period, Month) else "week"] = str(question.period)
    if question.subject:
        asked[question.kind] = question.subject
    asked |= {
        name: str(value).lower() if value is True else str(value) for name, value in question.cut.as_json().items()
    }
    if question.indicator == "paid_gmau":
        asked.pop("paid", None)
    asked["grain"] = question.grain.value
    if question.published:
        asked["as"] = "published"
    return [
        ("The figure", request.build_absolute_uri(f"/api/v1/figures/?{urlencode(asked)}")),
        ("Its passport", request.build_absolute_uri(f"/api/v1/figures/{question.id}/passport/")),
        ("All contributions", request.build_absolute_uri(f"/api/v1/figures/{question.id}/contributions/?as=ndjson")),
    ]


def _link(report: Mapping[str, Any], urls: Mapping[str, str]) -> tuple[str, str]:
    """A report of a restatement: what to call it and its page."""
    return f"{report['installation']['hostname']}, {report['recorded_at'][:10]}", urls.get(str(report["report"]), "")


@requires(Role.VIEWER)
def why(request: HttpRequest, figure_id: str) -> HttpResponse:
    """Why a figure moved since another month: what became of each installation, adding up to the change."""
    question = _question(figure_id)
    since = None
    try:
        since = Month.parse(request.GET["since"]) if request.GET.get("since") else None
        moved = movement(question, since=since)
    except (QuestionError, ValueError) as error:
        raise Http404(str(error)) from error
    name = subject_name(question)
    context = {
        "moved": moved,
        "name": name,
        "label": label_of(moved.now),
        "figure": moved.now,
        "passport_url": passport_page(moved.now.id),
        "before_url": passport_page(moved.before.id),
        "sentence": why_sentence(name, moved.now, moved.before, moved.groups),
        "groups": sorted(moved.groups, key=lambda group: CLASSES.index(group.kind)),
        "lists": [
            ("Largest installations", moved.top),
            ("Rising most", moved.risers),
            ("Falling most", moved.fallers),
            ("Largest accounts", moved.top_accounts),
            ("Accounts rising most", moved.rising_accounts),
            ("Accounts falling most", moved.falling_accounts),
        ],
        "stages": [
            (one, reverse("metrics:why", args=[replace(question, indicator="smau", subject=one.name).id]))
            for one in moved.stages
        ],
        "adoption": [(one, one.using / one.reporting if one.reporting else None) for one in moved.adoption],
    }
    return render(request, "metrics/why.html", context)


@requires(Role.VIEWER)
def left_out_in_short(request: HttpRequest, figure_id: str) -> HttpResponse:
    """How many were left out, for the passport, which fetches it after it is drawn: they take longer to count."""
    question = _question(figure_id)
    counts = left_out_counts(question, scope_of(question))
    return HttpResponse(f"({portal_words.number(sum(counts.values()))})", content_type="text/plain")


@requires(Role.VIEWER)
def why_in_short(request: HttpRequest, figure_id: str) -> HttpResponse:
    """The change in one sentence, for pages that fetch it after they are drawn."""
    question = _question(figure_id)
    try:
        said = kept(f"why:{question.id}", figures_version(), lambda: _why_in_short(question))
    except QuestionError as error:
        raise Http404(error.sentence) from error
    return render(request, "metrics/_why.html", {"sentence": said, "figure_id": question.id})


def _why_in_short(question: Question) -> str:
    moved = movement(question)
    return why_sentence(subject_name(question), moved.now, moved.before, moved.groups)


def why_sentence(name: str, now: Figure, before: Figure, groups: Sequence[Any]) -> str:
    """The change in one sentence, with its largest cause."""
    what = f"{name} {label_of(now)}"
    if now.recorded is None or before.recorded is None:
        return f"{what} cannot be compared: one of the two months has no figure."
    change = now.recorded - before.recorded
    if change == 0:
        return f"{what} did not change."
    verb = "grew" if change > 0 else "fell"
    told = f"{what} {verb} by {portal_words.number(abs(change))}"
    largest = max((group for group in groups if group.change * change > 0), key=lambda g: abs(g.change), default=None)
    if largest is None:
        return f"{told}."
    return (
        f"{told}, most of it {portal_words.number(largest.installations)} installations {_CAUSE[largest.kind]} "
        f"({portal_words.number(largest.change)})."
    )


_CAUSE = {
    "increased": "with more users than before",
    "decreased": "with fewer users than before",
    "unchanged": "without a change",
    "newly_reporting": "that newly report",
    "no_data_received": "of which no data was received",
    "relabelled": "that were re-labelled",
    "erased": "that were erased since",
}
