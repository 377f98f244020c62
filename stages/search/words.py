"""The words of documents and where each stands, forgiving typing errors. Pure: no Django in it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import nsmallest

from rapidfuzz import fuzz, process

WORD = re.compile(r"[^\W_]+", re.UNICODE)
COMMON = frozenset(
    WORD.findall(
        """a an and any are at by do does for from has have how i in is it its me my of on or our show tell that the
        their there these they this to use used uses using was we what when where which who whom whose why with you"""
    )
)
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
    place: int = 9
    """Where it stands among others that fit as well: stages first, then what holds other things."""

    @cached_property
    def name(self) -> str:
        """The title as it is compared with a whole query."""
        return " ".join(words_of(self.title))

    @cached_property
    def order(self) -> tuple[int, int, str, str]:
        """Breaks ties the same way in each process."""
        return (self.place, len(self.title), self.name, self.url)


Written = tuple[Document, str]
Unit = int | str
"""What is read together: the block with this number, the structure, or the page's own texts."""


class Index:
    """The words of all documents, and where each stands. Never changed: ``updated`` makes another, sharing the rest."""

    def __init__(
        self,
        documents: dict[int, Document],
        words: dict[int, frozenset[str]],
        places: dict[str, dict[int, float]],
        units: dict[Unit, range],
        following: int,
    ) -> None:
        self.documents, self.words, self.places, self.units, self.following = (
            documents, words, places, units, following,
        )  # fmt: skip

    @cached_property
    def long(self) -> list[str]:
        """The words that others may be misspellings of."""
        return [word for word in self.places if len(word) >= 4]

    @classmethod
    def empty(cls) -> Index:
        """Finds nothing."""
        return cls({}, {}, {}, {}, 0)

    def updated(self, read: Mapping[Unit, Sequence[Written]], gone: Iterable[Unit] = ()) -> Index:
        """The index with the documents of these units in place of what they were, and without those that are gone."""
        documents, words, places = dict(self.documents), dict(self.words), dict(self.places)
        units, following, own = dict(self.units), self.following, set[str]()

        def place(word: str) -> dict[int, float]:
            if word not in own:
                places[word] = dict(places.get(word, ()))
                own.add(word)
            return places[word]

        for unit in (*read, *gone):
            for number in units.pop(unit, range(0)):
                del documents[number]
                for word in words.pop(number):
                    del place(word)[number]
        for unit, written in read.items():
            units[unit] = range(following, following + len(written))
            for number, (document, context) in zip(units[unit], written, strict=True):
                worths: dict[str, float] = {}
                for text, worth in ((context, CONTEXT), (document.text, TEXT), (document.title, TITLE)):
                    worths.update(dict.fromkeys(words_of(text), worth))
                documents[number], words[number] = document, frozenset(worths)
                for word, worth in worths.items():
                    place(word)[number] = worth
            following += len(written)
        for word in own:
            if not places[word]:
                del places[word]
        return Index(documents, words, places, units, following)

    def search(self, query: str, limit: int) -> list[tuple[float, Document]]:
        """The best documents: those whose title is or begins with what was typed, then by their words.

        Each word of the query counts once, at its best place; common words do not count.
        """
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
        typed = " ".join(words_of(query))

        def key(found: tuple[int, float]) -> tuple[object, ...]:
            document = self.documents[found[0]]
            named = 2 - document.name.startswith(typed) - (document.name == typed)
            return (named, -found[1], document.order)

        fitting = ((number, score) for number, score in scores.items() if hit[number] >= enough)
        ranked = nsmallest(limit, fitting, key=key)
        return [(round(score / len(asked) * 100, 1), self.documents[number]) for number, score in ranked]

    def meant(self, query: str) -> tuple[str, ...]:
        """The words of the catalog that a query's words were taken for where they are not known as typed."""
        asked = [word for word in words_of(query) if word not in COMMON]
        return tuple(other for word in asked[:12] if word not in self.places for other in self.like(word))[:MOST_MEANT]

    def like(self, word: str) -> dict[str, float]:
        """The known words that a word may mean: itself, what starts with it, what it is a misspelling of."""
        found: dict[str, float] = {word: 1.0} if word in self.places else {}
        stem = word.rstrip("s") if len(word) > 4 else word
        if len(stem) >= 2:
            for other in self.places:
                if other.startswith(stem) and other != word:
                    found[other] = 1.0 if other.rstrip("s") == stem else PREFIX
        if not found and len(word) >= 4:
            near = process.extract(word, self.long, scorer=fuzz.ratio, score_cutoff=72, limit=8)
            found = {other: FUZZY * ratio / 100 for other, ratio, _ in near}
        return found


def words_of(text: str) -> list[str]:
    """The words of a text in small letters."""
    return [word.casefold() for word in WORD.findall(text)]
