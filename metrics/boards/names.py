"""What a figure is about, by the name that people use, and where that has its page."""

from __future__ import annotations

from django.urls import reverse

from metrics.figures.question import Question
from metrics.models import MetricDefinition
from stages.models import Group, Section, Stage

_MODELS = {"stage": Stage, "group": Group, "section": Section}


def subject_name(question: Question) -> str:
    """The stage's, group's or section's name; the metric's name or key path; the product."""
    if question.kind == "product":
        return "Product"
    if question.kind == "metric":
        found = MetricDefinition.objects.filter(key_path=question.subject).only("name", "key_path").first()
        return found.title if found else question.subject
    name = _MODELS[question.kind]._default_manager.filter(key=question.subject).values_list("name", flat=True).first()
    return name or question.subject


def subject_url(question: Question) -> str:
    """The page of what the figure is about."""
    if question.kind == "product":
        return reverse("metrics:dashboard")
    if question.kind == "metric":
        return reverse("metrics:definition", args=[question.subject])
    return reverse(f"stages:{question.kind}", args=[question.subject])
