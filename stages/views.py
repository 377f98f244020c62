"""Pages of the catalog: understand the request, ask one query, answer."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from portal.permissions import requires
from portal.roles import Role
from stages import queries, slots
from stages.models import Category, Group, Section, Stage


@requires(Role.VIEWER)
def index(request: HttpRequest) -> HttpResponse:
    """All stages by section."""
    context = {
        "sections": queries.stages_by_section(),
        "catalog": queries.catalog(),
        "CATALOG_OVERVIEW": slots.CATALOG_OVERVIEW,
    }
    return render(request, "stages/index.html", context)


@requires(Role.VIEWER)
def stage(request: HttpRequest, key: str) -> HttpResponse:
    """One stage on one screen."""
    found = get_object_or_404(Stage.objects.select_related("section"), key=key)
    context = {
        "stage": found,
        "groups": found.groups.filter(retired_on=None),
        "STAGE_FIGURES": slots.STAGE_FIGURES,
        "STAGE_TREND": slots.STAGE_TREND,
        "STAGE_FEATURES": slots.STAGE_FEATURES,
        "STAGE_GROUPS": slots.STAGE_GROUPS,
        "STAGE_NOTES": slots.STAGE_NOTES,
    }
    return render(request, "stages/stage.html", context)


@requires(Role.VIEWER)
def group(request: HttpRequest, key: str) -> HttpResponse:
    """A group with its categories."""
    found = get_object_or_404(Group.objects.select_related("stage__section"), key=key)
    context = {
        "group": found,
        "categories": queries.categories_of(found),
        "GROUP_FIGURES": slots.GROUP_FIGURES,
    }
    return render(request, "stages/group.html", context)


@requires(Role.VIEWER)
def section(request: HttpRequest, key: str) -> HttpResponse:
    """A section with its stages."""
    found = get_object_or_404(Section, key=key)
    context = {
        "section": found,
        "stages": found.stages.filter(retired_on=None),
        "SECTION_FIGURES": slots.SECTION_FIGURES,
    }
    return render(request, "stages/section.html", context)


@requires(Role.VIEWER)
def category(request: HttpRequest, key: str) -> HttpResponse:
    """A category: maturity, dates and the groups that build it."""
    found = get_object_or_404(Category.objects.select_related("stage"), key=key)
    return render(request, "stages/category.html", {"category": found, "groups": found.groups.select_related("stage")})
