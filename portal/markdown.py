"""Markdown to safe HTML: docs pages, handbook prose, notes. No HTML of the writer survives, links are checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import nh3
from linkify_it import LinkifyIt
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.front_matter import front_matter_plugin

from portal.highlight import highlight

MISLEADING = re.compile(
    "[\u0000-\u001f\u007f\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]|^[a-z]+://[^/?#]*@", re.IGNORECASE
)
"""What makes an address look like another: hidden and turning characters, a name before the host."""
LinkRule = Callable[[str], str]

INLINE = ("a", "abbr", "b", "br", "code", "del", "em", "i", "img", "s", "span", "strong", "sub", "sup")
BLOCKS = ("blockquote", "dd", "div", "dl", "dt", "hr", "li", "ol", "p", "pre", "ul")
TABLES = ("table", "tbody", "td", "th", "thead", "tr")
TAGS = frozenset((*INLINE, *BLOCKS, *TABLES, "h1", "h2", "h3", "h4", "h5", "h6"))
ATTRIBUTES: dict[str, set[str]] = {
    "a": {"href", "title", "class"},
    "img": {"src", "alt", "title"},
    "code": {"class", "data-copy"},
    "pre": {"class", "data-copy", "tabindex"},
    "div": {"class", "tabindex"},
    "span": {"class"},
    "table": {"class"},
    "td": {"class"},
    "th": {"class", "scope"},
    **{f"h{level}": {"id"} for level in range(1, 7)},
}


@dataclass(frozen=True)
class Heading:
    """A heading of the text, for the list of contents."""

    level: int
    text: str
    anchor: str


@dataclass(frozen=True)
class Rendered:
    """HTML that is safe to show, and the headings in it."""

    html: str
    headings: tuple[Heading, ...]


def render_markdown(text: str, *, link: LinkRule | None = None, anchors: bool = False, top: int = 1) -> Rendered:
    """Render Markdown. ``link`` rewrites addresses, ``anchors`` gives headings ids, ``top`` is the highest level."""
    parser = _parser()
    tokens = parser.parse(text)
    headings = list(_mark_headings(tokens, anchors=anchors, top=top))
    if link is not None:
        for token in _all(tokens):
            _rewrite(token, link)
    html = parser.renderer.render(tokens, parser.options, {})
    return Rendered(sanitised(html), tuple(headings))


def render_line(text: str, *, link: LinkRule | None = None) -> str:
    """One line of Markdown as safe HTML without a paragraph around it: emphasis, code and links."""
    parser = _parser()
    tokens = parser.parseInline(" ".join(text.split()))
    if link is not None:
        for token in _all(tokens):
            _rewrite(token, link)
    return sanitised(parser.renderer.render(tokens, parser.options, {}))


def _rewrite(token: Token, link: LinkRule) -> None:
    """Give a link or image the address that the rule says; one without any keeps its words only."""
    name = {"link_open": "href", "image": "src"}.get(token.type)
    if name is None:
        return
    address = link(str(token.attrGet(name) or ""))
    if address:
        token.attrSet(name, address)
    else:
        token.attrs.pop(name, None)


def sanitised(html: str) -> str:
    """Only known tags and attributes, links to http(s), mail and our own pages; outside links give no opener away."""
    return nh3.clean(
        html,
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
    )


def plain(text: str) -> str:
    """The words of a Markdown text, without its marks, for snippets and search."""
    parts = [token.content for token in _words(_parser().parse(text)) if token.content]
    return re.sub(r"\s+", " ", "".join(parts)).strip()


def _words(tokens: Iterable[Token]) -> Iterator[Token]:
    """The tokens that hold what is read, with a blank for what parts lines and paragraphs."""
    for token in tokens:
        if token.type in {"text", "code_inline", "image", "fence", "code_block"}:
            yield token
        if token.type == "inline":
            yield from _words(token.children or [])
        if token.block or token.type in {"softbreak", "hardbreak"}:
            yield Token("text", "", 0, content=" ")


def slug(text: str) -> str:
    """The anchor of a heading: lower case words joined by dashes."""
    return re.sub(r"[^\w]+", "-", text.lower()).strip("-") or "section"


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": True, "typographer": False})
    parser.enable(["table", "strikethrough"])
    parser.use(front_matter_plugin)
    # Only the rule that looks at finished text: the one that looks ahead takes in the marks of an emphasis.
    parser.core.ruler.enable("linkify")
    parser.linkify = _BareAddresses()
    # An address is shown as it was typed: decoded, look-alike letters would pass for those of another host.
    parser.normalizeLinkText = str  # type: ignore[method-assign, assignment]  # it is meant to be replaced
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("code_block", _fence)
    parser.add_render_rule("table_open", lambda *_: '<div class="table-wrap"><table class="table">')
    parser.add_render_rule("table_close", lambda *_: "</table></div>")
    for cell in ("th", "td"):
        parser.add_render_rule(f"{cell}_open", _cell)
    return parser


class _BareAddresses(LinkifyIt):  # type: ignore[misc]  # linkify-it has no types
    """Finds http and https addresses that stand bare in a text, and passes over those that look like another."""

    def __init__(self) -> None:
        super().__init__(options={"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
        for schema in ("ftp:", "//", "mailto:"):
            self.add(schema, None)

    def pretest(self, text: str) -> bool:
        """Whether a look is worth while. What this misses is never looked at, as an address in ``_emphasis_`` was."""
        return "://" in text

    def match(self, text: str) -> list[Any]:
        """The addresses in a text and where they stand."""
        return [found for found in super().match(text) or () if not MISLEADING.search(found.raw)]


def _fence(_renderer: object, tokens: list[Token], index: int, *_rest: object) -> str:
    token = tokens[index]
    language = token.info.split()[0] if token.info.strip() else ""
    return f'<div class="code-box"><pre class="code" data-copy="">{highlight(token.content, language)}</pre></div>\n'


def _cell(_renderer: object, tokens: list[Token], index: int, *_rest: object) -> str:
    # markdown-it writes the alignment of a column as an inline style, which the content policy forbids.
    token = tokens[index]
    numeric = "right" in str(token.attrGet("style") or "")
    align = ' class="num"' if numeric else ""
    scope = ' scope="col"' if token.tag == "th" else ""
    return f"<{token.tag}{scope}{align}>"


def _mark_headings(tokens: list[Token], *, anchors: bool, top: int) -> Iterable[Heading]:
    used: dict[str, int] = {}
    for position, token in enumerate(tokens):
        if token.type not in {"heading_open", "heading_close"}:
            continue
        level = min(int(token.tag[1]) + top - 1, 6)
        token.tag = f"h{level}"
        if token.type == "heading_close":
            continue
        inline = tokens[position + 1]
        text = "".join(child.content for child in inline.children or [] if child.type in {"text", "code_inline"})
        base = slug(text)
        used[base] = used.get(base, 0) + 1
        anchor = base if used[base] == 1 else f"{base}-{used[base]}"
        if anchors:
            token.attrSet("id", anchor)
        yield Heading(level, text, anchor)


def _all(tokens: Iterable[Token]) -> Iterable[Token]:
    for token in tokens:
        yield token
        yield from _all(token.children or [])
