"""From the words of a command or a URL to questions; what makes no sense is refused with a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from metrics.figures.question import (
    AS,
    INDICATORS,
    SUBJECT_OF,
    Cut,
    Question,
    QuestionError,
    make_cut,
    make_grain,
)
from metrics.models.dictionary import MetricDefinition
from metrics.periods import Month, Period, Week
from stages.models import Group, Section, Stage
from stages.queries import group_named

PARAMETERS = (
    "indicator",
    "month",
    "week",
    "stage",
    "group",
    "section",
    "metric",
    "delivery",
    "edition",
    "tier",
    "paid",
    "version",
    "grain",
    "as",
)
"""The parameters of the API and, as options, of the command ``figures``."""

SUBJECTS = ("stage", "group", "section", "metric")
MODELS: dict[str, type[Stage] | type[Group] | type[Section]] = {"stage": Stage, "group": Group, "section": Section}
MOST_MONTHS = 60


def questions_from(asked: Mapping[str, str]) -> list[Question]:
    """The questions that these parameters ask: one, or one for each stage (group, section) when none is named."""
    unknown = sorted(set(asked) - set(PARAMETERS))
    if unknown:
        raise QuestionError(unknown[0], f"{unknown[0]}: there is no such parameter; there are {', '.join(PARAMETERS)}.")
    asked = {name: value.strip() for name, value in asked.items() if value.strip()}
    indicator = asked.get("indicator", "")
    if not indicator:
        raise QuestionError("indicator", f"indicator: name one of {', '.join(INDICATORS)}.")
    if indicator not in INDICATORS:
        raise QuestionError("indicator", f"indicator: {indicator!r} is none; it is one of {', '.join(INDICATORS)}.")
    periods = _periods(asked)
    kind = SUBJECT_OF[indicator]
    for name in SUBJECTS:
        if name in asked and name != kind:
            raise QuestionError(name, f"{name}: {indicator} is about a {kind}, not about a {name}.")
    cut = _cut(asked)
    grain = make_grain(asked.get("grain", ""))
    wanted = asked.get("as", "live")
    if wanted not in AS:
        raise QuestionError("as", f"as: {wanted!r} is none; it is one of {', '.join(AS)}.")
    subjects = _subjects(indicator, kind, asked)
    questions = [
        Question(
            indicator=indicator,
            period=period,
            subject=subject,
            cut=cut,
            grain=grain,
            published=wanted == "published",
        )
        for period in periods
        for subject in subjects
    ]
    for question in questions:
        check_weekly(question)
    return questions


def _periods(asked: Mapping[str, str]) -> list[Period]:
    if "week" in asked and "month" in asked:
        raise QuestionError("week", "week: ask for a month or for a week, not for both.")
    name = "week" if "week" in asked else "month"
    text = asked.get(name, "")
    if not text:
        raise QuestionError("month", "month: name a month as YYYY-MM, for example 2026-10.")
    words = [word.strip() for word in text.split(",") if word.strip()]
    if len(words) > MOST_MONTHS:
        raise QuestionError(name, f"{name}: at most {MOST_MONTHS} at once, not {len(words)}.")
    try:
        return [Week.parse(word) if name == "week" else Month.parse(word) for word in words]
    except ValueError as error:
        raise QuestionError(name, f"{name}: {error}.") from error


def _cut(asked: Mapping[str, str]) -> Cut:
    paid = asked.get("paid", "").lower()
    if paid not in ("", "true", "false", "1", "0", "yes", "no"):
        raise QuestionError("paid", f"paid: {asked['paid']!r} is neither true nor false.")
    return make_cut(
        delivery=asked.get("delivery", ""),
        edition=asked.get("edition", ""),
        tier=asked.get("tier", ""),
        paid=paid in ("true", "1", "yes"),
        version=asked.get("version", ""),
    )


def _subjects(indicator: str, kind: str, asked: Mapping[str, str]) -> list[str]:
    if kind == "product":
        return [""]
    named = asked.get(kind, "")
    if kind == "metric":
        return [_metric(indicator, named)]
    model = MODELS[kind]
    if not named:
        return list(model.objects.filter(retired_on=None).order_by("order", "key").values_list("key", flat=True))
    if model.objects.filter(key=named).exists():
        return [named]
    folded = named.lower().replace(" ", "_")
    if kind == "group":
        group = group_named(named)
        if group is not None:
            return [group.key]
    for key, name in model.objects.values_list("key", "name"):
        if folded in (key.replace("-", "_"), name.lower().replace(" ", "_").replace("-", "_")):
            return [key]
    raise QuestionError(kind, f"{kind}: the catalog has no {kind} {named!r}.")


def _metric(indicator: str, key_path: str) -> str:
    if not key_path:
        raise QuestionError("metric", f"metric: {indicator} needs the key path of a metric.")
    found = MetricDefinition.objects.filter(key_path=key_path).only("value_type", "time_frame", "slot").first()
    if found is None:
        raise QuestionError("metric", f"metric: the dictionary has no {key_path!r}.")
    if found.slot is None:
        raise QuestionError("metric", f"metric: {key_path} is a {found.value_type}, and only numbers have figures.")
    if indicator == "amau" and found.time_frame != "28d":
        raise QuestionError(
            "metric", f"metric: {key_path} covers {found.get_time_frame_display()}; an AMAU is a metric of 28 days."
        )
    return key_path


def check_weekly(question: Question) -> None:
    """Weekly figures exist for metrics of 7 days."""
    if isinstance(question.period, Week):
        frame = MetricDefinition.objects.filter(key_path=question.subject).values_list("time_frame", flat=True).first()
        if frame != "7d":
            raise QuestionError("week", f"week: {question.subject} is no metric of 7 days, so it has no weekly figure.")


def check_subject(question: Question) -> None:
    """Refuse a figure about something that is not there."""
    if question.kind == "metric":
        _metric(question.indicator, question.subject)
    elif question.kind != "product":
        model = MODELS[question.kind]
        if not model.objects.filter(key=question.subject).exists():
            raise QuestionError("id", f"id: the catalog has no {question.kind} {question.subject!r}.")
    check_weekly(question)
