"""``/docs/``: the documentation, rendered."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe

from portal import docs
from portal.permissions import requires
from portal.roles import Role


@requires(Role.VIEWER)
def index(request: HttpRequest) -> HttpResponse:
    """All pages by kind of reader."""
    return render(request, "portal/docs_index.html", {"shelves": docs.shelves()})


@requires(Role.VIEWER)
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """One page with its list of contents and its neighbours."""
    found = docs.find(slug)
    if found is None:
        raise Http404("The documentation has no such page. It may have been renamed: look in the contents.")
    rendered = docs.rendered(found)
    shelf = next(shelf for shelf in docs.shelves() if found in shelf.pages)
    at = shelf.pages.index(found)
    context = {
        "page": found,
        "html": mark_safe(rendered.html),
        "headings": [heading for heading in rendered.headings if heading.level in (2, 3)],
        "shelves": docs.shelves(),
        "before": shelf.pages[at - 1] if at else None,
        "after": shelf.pages[at + 1] if at + 1 < len(shelf.pages) else None,
    }
    return render(request, "portal/docs_page.html", context)
