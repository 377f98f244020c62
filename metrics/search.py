"""The dictionary in the portal's search: forgiving of typing errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils import timezone
from rapidfuzz import fuzz

from metrics.boards.lines import shown_month
from metrics.definitions.catalogue import definitions_version
from metrics.figures.question import Cut, Question
from metrics.models import MetricDefinition
from portal import words
from portal.permissions import has_role
from portal.plugin import SearchHit
from portal.roles import Role
from stages.models import Group, Stage

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.models import User

LOWEST_SCORE = 65.0

Row = tuple[str, str, str, str]
_kept: tuple[int, list[Row]] = (0, [])


def search(query: str, user: User | AnonymousUser, limit: int) -> Sequence[SearchHit]:
    """Definitions whose key path, name or description fits the query, best first."""
    if not has_role(user, Role.VIEWER) or not query.strip():
        return []
    wanted = query.casefold().strip()
    scored = [(_score(wanted, row), row) for row in _rows()]
    if not any(score for score, _row in scored):
        scored = [(_near(wanted, row), row) for _score, row in scored]
    scored.sort(key=lambda pair: (-pair[0], len(pair[1][0]), pair[1][0]))
    return [
        SearchHit(
            title=name or key_path,
            url=reverse("metrics:definition", args=[key_path]),
            kind="Metric",
            snippet=description if not name else f"{key_path}: {description}",
            score=score,
            facets=(("status", status),),
        )
        for score, (key_path, name, description, status) in scored[:limit]
        if score >= LOWEST_SCORE
    ]


KINDS = {"smau": "smau", "gmau": "gmau", "umau": "umau", "cmau": "cmau", "mau": "smau"}


def search_figures(query: str, user: User | AnonymousUser, limit: int) -> Sequence[SearchHit]:
    """``create smau`` leads to the passport of the last finished month, ``smau`` alone to all of its kind."""
    if not has_role(user, Role.VIEWER):
        return []
    wanted = query.casefold().split()
    kinds = {KINDS[word] for word in wanted if word in KINDS}
    rest = [word for word in wanted if word not in KINDS and word not in ("paid", "figure")]
    month = shown_month(timezone.now().date())
    cut = Cut(paid="paid" in wanted)
    found = []
    for kind in sorted(kinds):
        for key, name in _subjects_of(kind):
            if all(word in f"{key} {name}".casefold() for word in rest):
                question = Question(kind, month, key, cut)
                label = f"{name} {'paid ' if cut.paid else ''}{kind.upper()}, {words.month(month.first)}"
                found.append(
                    SearchHit(
                        title=label,
                        url=reverse("metrics:passport", args=[question.id]),
                        kind="Figure",
                        snippet="The figure with all that stands behind it.",
                        score=95.0 if rest else 70.0,
                    )
                )
    return found[:limit]


def _subjects_of(kind: str) -> list[tuple[str, str]]:
    """Keys and names of what a kind of figure is about."""
    if kind == "smau":
        return list(Stage.objects.filter(retired_on=None).values_list("key", "name"))
    if kind == "gmau":
        return list(Group.objects.filter(retired_on=None).values_list("key", "name"))
    return [("", "Product")]


def _rows() -> list[Row]:
    """All definitions, kept per version of the dictionary."""
    global _kept
    version = definitions_version()
    if version == 0 or _kept[0] != version:
        _kept = (version, list(MetricDefinition.objects.values_list("key_path", "name", "description", "status")))
    return _kept[1]


def _bare(row: Row) -> str:
    """Key path and name as words."""
    return f"{row[0]} {row[1]}".casefold().replace("_", " ").replace(".", " ")


def _score(wanted: str, row: Row) -> float:
    """100 for the key path or name itself, then parts of them, then words of the description; 0 for no fit."""
    key_path, name, description, status = (text.casefold() for text in row)
    bare = _bare(row)
    less = 8.0 if status == "removed" else 0.0
    if wanted in (key_path, name):
        return 100.0 - less
    if wanted in key_path or wanted in bare:
        return 92.0 - less
    return 84.0 - less if all(word in f"{bare} {description}" for word in wanted.split()) else 0.0


def _near(wanted: str, row: Row) -> float:
    """How near each word comes to some word of the key path or name, for when nothing fits as it was typed."""
    parts = _bare(row).split()
    words = wanted.replace("_", " ").replace(".", " ").split()
    return 0.85 * sum(max(fuzz.ratio(word, part) for part in parts) for word in words) / len(words)
