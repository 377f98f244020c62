"""The dictionary in the portal's search: forgiving of typing errors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils import timezone
from rapidfuzz import fuzz, process

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
NEAR = 0.85
"""What a likeness is worth beside the same thing as it was typed."""


class Entry:
    """A definition with its texts as they are compared, made once and not for every search."""

    __slots__ = ("bare", "description", "key_path", "name", "names", "parts", "status", "text")

    def __init__(self, key_path: str, name: str, description: str, status: str) -> None:
        self.key_path, self.name, self.description, self.status = key_path, name, description, status
        self.names = (key_path.casefold(), name.casefold())
        self.bare = _spaced(" ".join(self.names))
        self.text = f"{self.bare} {description.casefold()}"
        self.parts = tuple(set(self.bare.split()))


class Book:
    """All entries, and where each word of their key paths and names stands."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.places: dict[str, list[int]] = defaultdict(list)
        for number, entry in enumerate(entries):
            for part in entry.parts:
                self.places[part].append(number)
        self.words = list(self.places)

    def near(self, wanted: str) -> list[tuple[float, Entry]]:
        """How near each word comes to some word of the key path or name, for when nothing fits as it was typed."""
        words = _spaced(wanted).split()
        # However near the others come, with a word that is farther off the whole would fall below the lowest score.
        least = max(0.0, 100 - (100 - LOWEST_SCORE / NEAR) * len(words))
        total: dict[int, float] = defaultdict(float)
        for one in words:
            best: dict[int, float] = {}
            for word, ratio, _ in process.extract(one, self.words, scorer=fuzz.ratio, score_cutoff=least, limit=None):
                for number in self.places[word]:
                    # The nearest come first.
                    best.setdefault(number, ratio)
            for number, ratio in best.items():
                total[number] += ratio
        return [(NEAR * ratio / len(words), self.entries[number]) for number, ratio in total.items()]


_kept: tuple[int, Book] = (0, Book([]))


def search(query: str, user: User | AnonymousUser, limit: int) -> Sequence[SearchHit]:
    """Definitions whose key path, name or description fits the query, best first."""
    if not has_role(user, Role.VIEWER) or not query.strip():
        return []
    wanted = query.casefold().strip()
    book = _book()
    found = [(_score(wanted, entry), entry) for entry in book.entries]
    if not any(score for score, _entry in found):
        found = book.near(wanted)
    found = [(score, entry) for score, entry in found if score >= LOWEST_SCORE]
    found.sort(key=lambda pair: (-pair[0], len(pair[1].key_path), pair[1].key_path))
    return [
        SearchHit(
            title=entry.name or entry.key_path,
            url=reverse("metrics:definition", args=[entry.key_path]),
            kind="Metric",
            snippet=entry.description if not entry.name else f"{entry.key_path}: {entry.description}",
            score=score,
            facets=(("status", entry.status),),
        )
        for score, entry in found[:limit]
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


def _book() -> Book:
    """All definitions, kept per version of the dictionary."""
    global _kept
    version = definitions_version()
    if version == 0 or _kept[0] != version:
        rows = MetricDefinition.objects.values_list("key_path", "name", "description", "status")
        _kept = (version, Book([Entry(*row) for row in rows]))
    return _kept[1]


def _spaced(text: str) -> str:
    """A key path or what was typed, as words."""
    return text.replace("_", " ").replace(".", " ")


def _score(wanted: str, entry: Entry) -> float:
    """100 for the key path or name itself, then parts of them, then words of the description; 0 for no fit."""
    less = 8.0 if entry.status == "removed" else 0.0
    if wanted in entry.names:
        return 100.0 - less
    if wanted in entry.names[0] or wanted in entry.bare:
        return 92.0 - less
    return 84.0 - less if all(word in entry.text for word in wanted.split()) else 0.0
