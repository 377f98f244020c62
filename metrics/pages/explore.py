"""The explorer: pick a figure, a cut and months; get a chart, a table, the API call and a CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from metrics.boards import words
from metrics.boards.lines import label_of, passport_page, points, series_of, shown_month
from metrics.boards.names import subject_name, subject_url
from metrics.exact import as_json
from metrics.figures.asking import check_subject, questions_from
from metrics.figures.predictions import Prediction, predictions
from metrics.figures.queries import Figure, figures
from metrics.figures.question import DELIVERIES, EDITIONS, SUBJECT_OF, TIERS, Cut, Question, QuestionError
from metrics.forms import ExploreForm
from metrics.models import IndicatorMapping, MetricDefinition
from metrics.periods import Month, state_by_date
from portal.api.export import stream_csv
from portal.charts import Point, Series, trend
from portal.permissions import requires
from portal.roles import Role

PARTS = {"delivery": DELIVERIES, "edition": EDITIONS, "tier": TIERS}
PART_WORDS = {"saas": "SaaS", "self_managed": "Self-managed"}
SUGGESTED = 500
NO_LINE = "four finished months in a row are needed"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was asked for: one question per part, each over the months."""

    question: Question
    months: tuple[Month, ...]
    parts: tuple[tuple[str, tuple[Figure, ...]], ...]
    predicted: tuple[Prediction, ...] = ()


def _asked(form: ExploreForm) -> Asked | None:
    """The figures asked for; a fault is put beside its field."""
    try:
        question = _question(form)
    except QuestionError as error:
        field = "subject" if error.parameter in (*SUBJECT_OF.values(), "id") else error.parameter
        form.add_error(field if field in form.fields else None, error.sentence)
        return None
    count = form.cleaned_data["months"] or 14
    months = tuple(question.month.plus(-back) for back in range(count - 1, -1, -1))
    by = form.cleaned_data["by"]
    wanted = [(PART_WORDS.get(value, value.title() if by == "tier" else value), value) for value in PARTS.get(by, ())]
    lines = [
        (name, replace(question, cut=_with(question.cut, by, value)))
        for name, value in wanted
        if getattr(question.cut, by) in ("", value)
    ] or [("", question)]
    found = figures([replace(line, period=month) for _name, line in lines for month in months])
    size = len(months)
    try:
        ahead = _predicted(question, form.cleaned_data["ahead"] or 0, is_whole=len(lines) == 1)
    except QuestionError as error:
        form.add_error("ahead", error.sentence)
        return None
    return Asked(
        question=question,
        months=months,
        parts=tuple(
            (name, tuple(found[index * size : (index + 1) * size])) for index, (name, _line) in enumerate(lines)
        ),
        predicted=ahead,
    )


def _predicted(question: Question, ahead: int, *, is_whole: bool) -> tuple[Prediction, ...]:
    """The months to come, from the last finished ones."""
    if not ahead:
        return ()
    if not is_whole:
        raise QuestionError("ahead", "Only a whole figure is predicted, not one that is broken down.")
    today = timezone.now().date()
    over = shown_month(today)
    # On the first day of a month the one before is open still.
    finished = min(question.month, over.previous if state_by_date(over, today) == "open" else over)
    return tuple(predictions(replace(question, period=finished), ahead))


def _with(cut: Cut, by: str, value: str) -> Cut:
    """The cut narrowed to one part."""
    parts: dict[str, Any] = {by: value}
    return replace(cut, **parts)


def _question(form: ExploreForm) -> Question:
    given = form.cleaned_data
    indicator = given["indicator"]
    subject = given["subject"].strip()
    kind = SUBJECT_OF[indicator]
    if kind == "product":
        subject = ""
    if kind not in ("product", "metric") and subject:
        # The key, the name, or the label: as tolerant as the API.
        [named] = questions_from({"indicator": indicator, "month": str(form.chosen_month), kind: subject})
        subject = named.subject
    question = Question(indicator, form.chosen_month, subject, form.chosen_cut, form.chosen_grain)
    check_subject(question)
    return question


@requires(Role.VIEWER)
def index(request: HttpRequest) -> HttpResponse:
    """The form, and below it what it asks for."""
    form = ExploreForm(request.GET or _to_begin_with(), today=timezone.now().date())
    context: dict[str, Any] = {"form": form, "suggested": _suggested()}
    asked = _asked(form) if form.is_bound and form.is_valid() else None
    if asked is not None:
        context |= _shown(request, asked)
    return render(request, "metrics/explore.html", context, status=422 if form.is_bound and form.errors else 200)


def _to_begin_with() -> dict[str, str] | None:
    """What is shown before anything was asked for: the product's unique users, where they are counted."""
    if not IndicatorMapping.objects.filter(kind="umau").exists():
        return None
    return {"indicator": "umau", "month": str(shown_month(timezone.now().date())), "months": "14", "ahead": "0"}


def _suggested() -> list[str]:
    """Key paths for the field's list of suggestions."""
    return list(
        MetricDefinition.objects.filter(slot__isnull=False)
        .exclude(status="removed")
        .order_by("key_path")
        .values_list("key_path", flat=True)[:SUGGESTED]
    )


def _shown(request: HttpRequest, asked: Asked) -> dict[str, Any]:
    name = subject_name(asked.question)
    label = label_of(asked.parts[0][1][-1])
    cut = asked.question.cut.words()
    title = f"{name} {label}{f', {cut}' if cut else ''}"
    return {
        "name": name,
        "label": label,
        "subject_url": subject_url(asked.question),
        "chart": trend(title=title, series=_series(asked), unit="users" if asked.question.kind != "metric" else ""),
        "rows": _rows(asked),
        "predicted": asked.predicted,
        "parts": [part or "Recorded" for part, _figures in asked.parts],
        "api": request.build_absolute_uri(f"/api/v1/figures/?{urlencode(_api(asked))}"),
        "export": f"{reverse('metrics:explore-csv')}?{request.GET.urlencode()}",
        "is_broken_down": len(asked.parts) > 1 or bool(asked.parts[0][0]),
    }


def _series(asked: Asked) -> Sequence[Series]:
    if len(asked.parts) == 1 and not asked.parts[0][0]:
        made = series_of(asked.parts[0][1])
        if asked.predicted:
            ahead = [Point(x=one.month.first, y=one.value, note=NO_LINE) for one in asked.predicted]
            made.append(Series(name="Predicted", kind="predicted", points=ahead))
        return made
    return [Series(name=name, points=points(found, estimated=False)) for name, found in asked.parts]


def _rows(asked: Asked) -> list[dict[str, Any]]:
    """The table: a line per month, the newest first."""
    made = []
    for index in range(len(asked.months) - 1, -1, -1):
        of_month = [found[index] for _name, found in asked.parts]
        made.append(
            {
                "month": asked.months[index],
                "figures": [(one, passport_page(one.id), words.why_empty_short(one.flags)) for one in of_month],
                "first": of_month[0],
                "before": asked.parts[0][1][index - 1] if index else None,
            }
        )
    return made


def _api(asked: Asked) -> dict[str, str]:
    question = asked.question
    called = {"indicator": question.indicator, "month": ",".join(map(str, asked.months))}
    if question.subject:
        called[question.kind] = question.subject
    for name, value in question.cut.as_json().items():
        if not (name == "paid" and question.indicator == "paid_gmau"):
            called[name] = "true" if value is True else str(value)
    return called | {"grain": question.grain.value}


@requires(Role.VIEWER)
def export(request: HttpRequest) -> HttpResponseBase:
    """What is shown as CSV."""
    form = ExploreForm(request.GET, today=timezone.now().date())
    asked = _asked(form) if form.is_valid() else None
    columns = (
        "month",
        "part",
        "recorded",
        "uplift",
        "estimated",
        "reporting",
        "pinging",
        "known",
        "state",
        "flags",
        "id",
    )
    return stream_csv(_csv(asked), columns=columns, filename="explore.csv")


def _csv(asked: Asked | None) -> Iterator[dict[str, Any]]:
    for name, found in asked.parts if asked is not None else ():
        for one in found:
            yield {
                "month": str(one.period),
                "part": name,
                "recorded": as_json(one.recorded),
                "uplift": one.uplift,
                "estimated": as_json(one.estimated),
                "reporting": one.coverage.reporting,
                "pinging": one.coverage.pinging,
                "known": one.coverage.known,
                "state": one.state,
                "flags": " ".join(one.flags),
                "id": one.id,
            }
