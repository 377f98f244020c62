"""One question to every source of the portal: pages of the host, the documentation, and what plugins know."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING

from django.db import connection, transaction
from rapidfuzz import fuzz

from portal import docs
from portal.navigation import HOST_ITEMS, address
from portal.permissions import has_role
from portal.plugin import SearchHit, SearchSource
from portal.plugins.registry import registry

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.models import User

log = logging.getLogger(__name__)

PER_SOURCE = 50
LONGEST_QUERY = 200
WORD = re.compile(r"[^\W_]+")
ALIKE = 80.0
"""From which likeness on (0 to 100) a word of a title passes for one that was mistyped: "data" is not "date"."""


@dataclass(frozen=True)
class Found:
    """All hits, best first, how many there are of each kind, and the sources that could not answer."""

    query: str
    hits: tuple[SearchHit, ...]
    kinds: tuple[tuple[str, int], ...]
    unavailable: tuple[str, ...]

    def of_kind(self, kind: str) -> tuple[SearchHit, ...]:
        """The hits of one kind; all where none is named."""
        return tuple(hit for hit in self.hits if hit.kind == kind) if kind else self.hits


def search(query: str, user: User | AnonymousUser, *, limit: int = PER_SOURCE) -> Found:
    """Ask every source. One that raises is logged and named; the others' answers stand."""
    asked = " ".join(query.split())[:LONGEST_QUERY]
    if not asked:
        return Found("", (), (), ())
    hits: list[SearchHit] = []
    unavailable = []
    for owner, source in sources():
        try:
            # A failed statement would poison a transaction around the page; a savepoint keeps it out.
            with transaction.atomic() if connection.in_atomic_block else nullcontext():
                hits += list(source.search(asked, user, limit))[:limit]
        except Exception:
            log.exception("search source %r of %s failed", source.name, owner)
            unavailable.append(source.name)
    unique: dict[str, SearchHit] = {}
    for hit in hits:
        if hit.url not in unique or unique[hit.url].score < hit.score:
            unique[hit.url] = hit
    ranked = sorted(unique.values(), key=ranking(asked))
    kinds = Counter(hit.kind for hit in ranked)
    return Found(asked, tuple(ranked), tuple(sorted(kinds.items())), tuple(unavailable))


def ranking(query: str) -> Callable[[SearchHit], tuple[float, ...]]:
    """The order of hits whichever source they are of: by how their title fits, then as the sources judge.

    A title that is what was typed comes first, then titles that begin with it, those with a word that begins with each
    word of it, those with words like it, and last what only the text holds. Where nothing tells two apart, the sources
    come in their order, and so do the hits of each.
    """
    typed = words_of(query)
    line = " ".join(typed)
    likeness = lru_cache(maxsize=None)(fuzz.ratio)

    def rank(hit: SearchHit) -> tuple[float, ...]:
        words = words_of(hit.title)
        title = " ".join(words)
        if line and title.startswith(line):
            return (0 if title == line else 1, len(title), -hit.score)
        left = [one for one in typed if not any(word.startswith(one) for word in words)]
        if typed and not left:
            return (2, -hit.score)
        if typed and all(len(one) >= 4 and any(likeness(one, word) >= ALIKE for word in words) for one in left):
            return (3, -hit.score)
        return (4, -hit.score)

    return rank


def words_of(text: str) -> list[str]:
    """The words of a text in small letters; what stands between letters and digits parts them."""
    return [word.casefold() for word in WORD.findall(text)]


def sources() -> Iterator[tuple[str, SearchSource]]:
    """The host's sources, then the plugins'."""
    yield "portal", SearchSource(name="Pages", search=pages)
    yield "portal", SearchSource(name="Documentation", search=documentation)
    for plugin, source in registry.each("search"):
        yield plugin.name, source


def pages(query: str, user: User | AnonymousUser, limit: int) -> Sequence[SearchHit]:
    """Lines of the navigation by their name."""
    wanted = query.lower()
    items = [*HOST_ITEMS, *(item for _, item in registry.each("navigation"))]
    hits = []
    for item in items:
        if wanted in item.label.lower() and has_role(user, item.role) and (url := address(item)):
            score = 95.0 if item.label.lower().startswith(wanted) else 70.0
            hits.append(SearchHit(title=item.label, url=url, kind="Page", snippet=item.group.value, score=score))
    return hits[:limit]


def documentation(query: str, user: User | AnonymousUser, limit: int) -> Sequence[SearchHit]:
    """Pages of the documentation that hold the words."""
    return [
        SearchHit(
            title=match.page.title,
            url=match.page.url,
            kind="Documentation",
            snippet=match.snippet,
            score=match.score,
        )
        for match in docs.search(query, limit)
    ]


def marker(query: str, also: Iterable[str] = ()) -> Callable[[str], str]:
    """Makes a text HTML with the words of the query marked, and ``also`` what they were taken for."""
    words = sorted({word for word in [*query.split(), *also] if len(word) > 1}, key=len, reverse=True)
    if not words:
        return escape
    pattern = re.compile("|".join(re.escape(word) for word in words), re.IGNORECASE)

    def mark(text: str) -> str:
        parts, last = [], 0
        for found in pattern.finditer(text):
            parts += [escape(text[last : found.start()]), f"<mark>{escape(found.group())}</mark>"]
            last = found.end()
        return "".join([*parts, escape(text[last:])])

    return mark
