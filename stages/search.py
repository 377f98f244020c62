"""Search over all content of the catalog, forgiving typing errors.

Each process keeps the words of the catalog in memory and reads them anew when something changed, which one cheap
query tells. The text of a page is thousands of short entries, so walking them costs a few milliseconds.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING

from django.db import connection
from django.urls import reverse
from rapidfuzz import fuzz, process

from portal.plugin import SearchHit
from stages.links import visible
from stages.models import Block, BlockKind, Category, Group, PageText, Placement, Section, Stage, StartingPoint

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.models import User

WORD = re.compile(r"[^\W_]+", re.UNICODE)
COMMON = frozenset(
    WORD.findall(
        """a an and any are at by do does for from has have how i in is it its me my of on or our show tell that the
        their there these they this to use used uses using was we what when where which who whom whose why with you"""
    )
)
KIND_WORDS = dict(BlockKind.choices)
TITLE, TEXT, CONTEXT = 1.0, 0.75, 0.55
MOST_MEANT = 20
PREFIX, FUZZY = 0.9, 0.8


@dataclass(frozen=True)
class Document:
    """Something that can be found, with its words and what a hit in each is worth."""

    title: str
    url: str
    kind: str
    stage: str
    text: str


class Index:
    """The words of all documents, and where each stands."""

    def __init__(self, documents: Sequence[tuple[Document, str]]) -> None:
        self.documents = [document for document, _ in documents]
        self.places: dict[str, dict[int, float]] = defaultdict(dict)
        for number, (document, context) in enumerate(documents):
            for text, worth in ((context, CONTEXT), (document.text, TEXT), (document.title, TITLE)):
                for word in words_of(text):
                    self.places[word][number] = worth
        self.vocabulary = list(self.places)
        self.long = [word for word in self.vocabulary if len(word) >= 4]

    def search(self, query: str, limit: int) -> list[tuple[float, Document]]:
        """The best documents: each word of the query counts once, at its best place; common words do not count."""
        asked = list(dict.fromkeys(words_of(query)))
        asked = [word for word in asked if word not in COMMON] or asked
        if not asked:
            return []
        scores: dict[int, float] = defaultdict(float)
        hit: dict[int, int] = defaultdict(int)
        for word in asked[:12]:
            best: dict[int, float] = {}
            for other, nearness in self.like(word).items():
                for number, worth in self.places[other].items():
                    best[number] = max(best.get(number, 0.0), worth * nearness)
            for number, worth in best.items():
                scores[number] += worth
                hit[number] += 1
        enough = max(1, round(len(asked) * 0.6))
        ranked = nlargest(limit, ((score, -number) for number, score in scores.items() if hit[number] >= enough))
        return [(round(score / len(asked) * 100, 1), self.documents[-number]) for score, number in ranked]

    def meant(self, query: str) -> tuple[str, ...]:
        """The words of the catalog that a query's words were taken for where they are not known as typed."""
        asked = [word for word in words_of(query) if word not in COMMON]
        return tuple(other for word in asked[:12] if word not in self.places for other in self.like(word))[:MOST_MEANT]

    def like(self, word: str) -> dict[str, float]:
        """The known words that a word may mean: itself, what starts with it, what it is a misspelling of."""
        found: dict[str, float] = {word: 1.0} if word in self.places else {}
        stem = word.rstrip("s") if len(word) > 4 else word
        if len(stem) >= 2:
            for other in self.vocabulary:
                if other.startswith(stem) and other != word:
                    found[other] = 1.0 if other.rstrip("s") == stem else PREFIX
        if not found and len(word) >= 4:
            near = process.extract(word, self.long, scorer=fuzz.ratio, score_cutoff=72, limit=8)
            found = {other: FUZZY * ratio / 100 for other, ratio, _ in near}
        return found


def words_of(text: str) -> list[str]:
    """The words of a text in small letters."""
    return [word.casefold() for word in WORD.findall(text)]


_lock = threading.Lock()
_kept: tuple[tuple[object, ...], Index] | None = None

STAMP = """
SELECT (SELECT max(pgh_id) FROM stages_blockevent), (SELECT max(pgh_id) FROM stages_placementevent),
       (SELECT max(pgh_id) FROM stages_resourceevent), (SELECT max(pgh_id) FROM stages_stageevent),
       (SELECT max(pgh_id) FROM stages_groupevent), (SELECT max(pgh_id) FROM stages_categoryevent),
       (SELECT max(pgh_id) FROM stages_sectionevent), (SELECT max(pgh_id) FROM stages_startingpointevent),
       (SELECT max(pgh_id) FROM stages_pagetextevent), current_database()
"""


def index() -> Index:
    """The index of now."""
    global _kept
    with connection.cursor() as cursor:
        cursor.execute(STAMP)
        stamp = cursor.fetchone()
    kept = _kept
    if kept is None or kept[0] != stamp:
        with _lock:
            if _kept is None or _kept[0] != stamp:
                _kept = (stamp, Index(documents()))
            kept = _kept
    return kept[1]


def documents() -> list[tuple[Document, str]]:
    """Everything in use that can be found, with the words of its surroundings."""
    found: list[tuple[Document, str]] = []
    for stage in Stage.objects.select_related("section"):
        about = f"{stage.section.name if stage.section else ''} stage"
        text = f"{stage.description} {stage.body}"
        found.append(
            (Document(stage.name, stage.get_absolute_url(), "Stage", stage.name, text), f"{stage.key} {about}")
        )
    for section in Section.objects.all():
        found.append(
            (Document(section.name, section.get_absolute_url(), "Section", "", section.description), section.key)
        )
    for group in Group.objects.select_related("stage"):
        text = f"{group.description} {group.focus} {group.label}"
        document = Document(group.name, group.get_absolute_url(), "Group", group.stage.name, text)
        found.append((document, f"{group.key} {group.stage.name} group"))
    for category in Category.objects.select_related("stage"):
        name = category.stage.name if category.stage else ""
        document = Document(category.name, category.get_absolute_url(), "Category", name, category.description)
        found.append((document, f"{category.key} {name} category"))
    for block in Block.objects.select_related("stage").exclude(note="", body=""):
        title = block.heading or block.get_kind_display()
        url = f"{block.stage.get_absolute_url()}#{block.kind.replace('_', '-')}"
        if block.kind == "other":
            url = f"{block.stage.get_absolute_url()}#other-{block.pk}"
        document = Document(f"{block.stage.name}: {title}", url, "Text", block.stage.name, f"{block.note} {block.body}")
        found.append((document, ""))
    names = {stage.pk: (stage.name, stage.get_absolute_url()) for stage in Stage.objects.all()}
    rows = Placement.objects.values_list(
        "pk", "block__stage", "block__kind", "label", "description", "resource__label", "resource__url",
        "resource__text", "resource__doc_label",
    )  # fmt: skip
    for pk, stage_pk, kind, own_label, description, label, url, text, doc_label in rows:
        stage_name, address = names[stage_pk]
        document = Document(
            visible(own_label or label or url or f"{doc_label.upper()} query".strip()),
            f"{address}#item-{pk}",
            {"dashboards": "Dashboard", "data_docs": "Query", "slack": "Slack channel"}.get(kind, "Resource"),
            stage_name,
            visible(f"{description} {text}".strip()),
        )
        found.append((document, f"{stage_name} {KIND_WORDS[kind]} {doc_label} {url}"))
    for start in StartingPoint.objects.all():
        document = Document(start.label or start.text[:60], reverse("stages:index"), "Starting point", "", start.text)
        found.append((document, ""))
    for own in PageText.objects.exclude(place=PageText.Place.FRONT):
        title = own.heading or own.body[:60]
        found.append((Document(title, reverse("stages:crash-course"), "Text", "", own.body), ""))
    return found


def search(query: str, user: User | AnonymousUser, limit: int) -> Sequence[SearchHit]:
    """Answers the portal's search box. Everything in the catalog may be read by everyone who is signed in."""
    known = index()
    meant = known.meant(query)
    return [
        SearchHit(
            title=document.title,
            url=document.url,
            kind=document.kind,
            snippet=snippet(document.text, query, meant),
            score=score,
            facets=(("stage", document.stage),) if document.stage else (),
            words=meant,
        )
        for score, document in known.search(query, limit)
    ]


def snippet(text: str, query: str, meant: Sequence[str] = (), around: int = 90) -> str:
    """A piece of the text around the first word that was asked for, or that one was taken for."""
    flat = " ".join(text.split())
    asked = [*(word for word in words_of(query) if word not in COMMON), *meant]
    at = min((found for word in asked if (found := flat.casefold().find(word)) >= 0), default=0)
    start = max(0, at - around)
    piece = flat[start : at + around]
    return ("… " if start else "") + piece + (" …" if at + around < len(flat) else "")
