"""The documentation: the project's own pages in ``docs/`` and those that plugins bring, as one shelf.

A page is a Markdown file; its title is its first heading, its group the folder it lies in. Links from page to page are
written as links to files, so that they work in the repository too, and become links within the portal here.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.urls import reverse

from portal.markdown import Rendered, plain, render_markdown
from portal.plugins.registry import registry

GROUPS = {
    "users": "For everyone",
    "product-managers": "For product managers",
    "analysts": "For analysts",
    "editors": "For editors",
    "senders": "For those who send pings",
    "operators": "For operators",
    "developers": "For developers",
    "reference": "Reference",
    "decisions": "Decisions",
}
ORDER = list(GROUPS.values())
OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:|//|#|/", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of the shelf."""

    slug: str
    title: str
    group: str
    order: int
    path: Path
    plugin: str = ""

    @property
    def url(self) -> str:
        """Where it is shown."""
        return reverse("portal:docs-page", args=[self.slug])

    def text(self) -> str:
        """The Markdown as written."""
        return self.path.read_text(encoding="utf-8")


@dataclass(frozen=True)
class Shelf:
    """The pages of one group, in reading order."""

    title: str
    pages: tuple[Page, ...]


def pages() -> tuple[Page, ...]:
    """Every page; one that a plugin names but that is not there is left out (the checks tell)."""
    found = [*own_pages(), *plugin_pages()]
    return tuple(sorted(found, key=lambda page: (rank(page.group), page.group, page.order, page.title.lower())))


def rank(group: str) -> int:
    """Readers before references; groups that only a plugin knows come last."""
    return ORDER.index(group) if group in ORDER else len(ORDER)


def shelves() -> tuple[Shelf, ...]:
    """The pages by group."""
    groups: dict[str, list[Page]] = {}
    for page in pages():
        groups.setdefault(page.group, []).append(page)
    return tuple(Shelf(title, tuple(own)) for title, own in groups.items())


def own_pages() -> list[Page]:
    """The files of ``docs/`` and the project's own front pages."""
    root = Path(settings.BASE_DIR)
    folder = root / "docs"
    found = []
    for path in sorted(folder.rglob("*.md")):
        relative = path.relative_to(folder)
        if any(part.startswith((".", "_")) for part in relative.parts):
            continue
        key = relative.parts[0] if len(relative.parts) > 1 else "reference"
        slug = relative.with_suffix("").as_posix()
        order = 1 if relative.stem in {"README", "index"} else 50
        found.append(page_of(path, slug=slug, group=GROUPS.get(key, key.replace("-", " ").capitalize()), order=order))
    for name, slug, group in (
        ("README.md", "readme", "For everyone"),
        ("CHANGELOG.md", "changelog", "Reference"),
        ("portal/README.md", "portal", "For developers"),
    ):
        if (root / name).is_file():
            found.append(page_of(root / name, slug=slug, group=group, order=10))
    return found


def plugin_pages() -> list[Page]:
    """The pages that plugins bring."""
    return [
        Page(
            slug=page.slug,
            title=page.title,
            group=page.group,
            order=page.order,
            path=Path(page.path),
            plugin=plugin.name,
        )
        for plugin, page in registry.each("docs")
        if Path(page.path).is_file()
    ]


def page_of(path: Path, *, slug: str, group: str, order: int) -> Page:
    """A page with the title that its text gives it."""
    return Page(slug=slug, title=title_of(path, path.stat().st_mtime_ns), group=group, order=order, path=path)


@lru_cache(maxsize=512)
def title_of(path: Path, _changed: int) -> str:
    """The first heading; the file's name in words where there is none."""
    fenced = False
    for line in path.read_text(encoding="utf-8").splitlines():
        fenced ^= line.startswith("```")
        if not fenced and line.startswith("# "):
            return plain(line[2:])
    return path.stem.replace("-", " ").replace("_", " ").capitalize()


def find(slug: str) -> Page | None:
    """The page of a slug."""
    return next((page for page in pages() if page.slug == slug), None)


def rendered(page: Page) -> Rendered:
    """The page as HTML with its headings; kept until the file changes."""
    return _rendered(page, page.path.stat().st_mtime_ns)


@lru_cache(maxsize=128)
def _rendered(page: Page, _changed: int) -> Rendered:
    known = {other.path.resolve(): other.url for other in pages()}

    def link(target: str) -> str:
        return resolved(target, page.path, known)

    return render_markdown(page.text(), link=link, anchors=True)


def resolved(target: str, source: Path, known: dict[Path, str]) -> str:
    """A link as it works in the portal: to a page of the shelf where there is one; a file elsewhere becomes no link."""
    if OUTSIDE.match(target):
        return target
    name, _, anchor = target.partition("#")
    path = Path(posixpath.normpath(source.resolve().parent / name))
    url = known.get(path) or known.get(path / "README.md")
    if url is None:
        return ""
    return f"{url}#{anchor}" if anchor else url


@dataclass(frozen=True)
class Match:
    """A page that holds the words looked for, with a piece of its text around the first."""

    page: Page
    score: float
    snippet: str


def search(query: str, limit: int) -> list[Match]:
    """Pages that hold every word, those with the words in the title first."""
    words = [word for word in query.lower().split() if word]
    if not words:
        return []
    found = []
    for page in pages():
        text = _plain(page.path, page.path.stat().st_mtime_ns)
        title, low = page.title.lower(), text.lower()
        if not all(word in title or word in low for word in words):
            continue
        in_title = sum(word in title for word in words) / len(words)
        often = min(sum(low.count(word) for word in words), 20)
        found.append(Match(page, 40 + 45 * in_title + often * 0.5, around(text, words)))
    return sorted(found, key=lambda match: (-match.score, match.page.title))[:limit]


def around(text: str, words: list[str], length: int = 160) -> str:
    """The text around the first of the words."""
    low = text.lower()
    at = min((place for word in words if (place := low.find(word)) >= 0), default=0)
    start = max(at - length // 3, 0)
    piece = text[start : start + length].strip()
    return f"{'…' if start else ''}{piece}{'…' if start + length < len(text) else ''}"


@lru_cache(maxsize=512)
def _plain(path: Path, _changed: int) -> str:
    return plain(path.read_text(encoding="utf-8"))
