"""The search page and the suggestions under the search box."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe

from portal.permissions import requires
from portal.plugin import SearchHit
from portal.roles import Role
from portal.search import Found, marker, search

SUGGESTED = 8
PAGE_SIZE = 25


@requires(Role.VIEWER)
def search_page(request: HttpRequest) -> HttpResponse:
    """All hits, by kind and by what else they belong to (a stage), a page at a time."""
    kind, narrow = request.GET.get("kind", ""), request.GET.get("narrow", "")
    found = search(request.GET.get("q", ""), request.user)
    of_kind = found.of_kind(kind)
    narrowed = [hit for hit in found.hits if not narrow or narrow in facets_of(hit)]
    chosen = [hit for hit in of_kind if hit in narrowed]
    hits = Paginator(chosen, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "found": found,
        "kind": kind,
        "narrow": narrow,
        # Each choice counts what the other leaves, so that a number is what a click on it shows.
        "kinds": sorted(Counter(hit.kind for hit in narrowed).items()),
        "narrowed": len(narrowed),
        "facets": sorted(Counter(facet for hit in of_kind for facet in facets_of(hit)).items()),
        "page_obj": hits,
        "hits": marked(found, hits.object_list),
        "search_query": found.query,
    }
    return render(request, "portal/search.html", context)


def facets_of(hit: SearchHit) -> set[str]:
    """What a hit belongs to, as it stands in the address and in the list: ``stage: create``."""
    return {f"{name}: {value}" for name, value in hit.facets}


@requires(Role.VIEWER)
def suggest(request: HttpRequest) -> HttpResponse:
    """The best few, for the box at the top."""
    found = search(request.GET.get("q", ""), request.user, limit=SUGGESTED)
    context = {"found": found, "hits": marked(found, found.hits[:SUGGESTED])}
    return render(request, "portal/_search_suggestions.html", context)


def marked(found: Found, hits: Iterable[SearchHit]) -> list[tuple[SearchHit, str, str]]:
    """Each hit with its title and snippet as HTML, the words looked for marked."""
    shown: list[tuple[SearchHit, str, str]] = []
    for hit in hits:
        mark = marker(found.query, hit.words)
        shown.append((hit, mark_safe(mark(hit.title)), mark_safe(mark(hit.snippet))))
    return shown
