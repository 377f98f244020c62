"""The dictionary in the portal's search: forgiving of typing errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.urls import reverse
from rapidfuzz import fuzz

from metrics.definitions.catalogue import definitions_version
from metrics.models import MetricDefinition
from portal.permissions import has_role
from portal.plugin import SearchHit
from portal.roles import Role

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
