"""Search over all content of the catalog, forgiving typing errors.

Each process keeps the words of the catalog in memory (``words``) and reads anew what changed (``freshness``). The
text of a page is thousands of short entries, so walking them costs a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from portal.plugin import SearchHit
from stages.search.freshness import index
from stages.search.words import COMMON, words_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.models import User

__all__ = ["index", "search", "snippet"]


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
    end = min(len(flat), at + around)
    # Cut between words, as long as there is a blank to cut at.
    if start:
        start = flat.find(" ", start, at) + 1 or start
    if end < len(flat):
        end = flat.rfind(" ", at + 1, end + 1) if " " in flat[at + 1 : end + 1] else end
    return ("… " if start else "") + flat[start:end] + (" …" if end < len(flat) else "")
