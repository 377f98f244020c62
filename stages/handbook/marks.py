"""The small marks of a handbook page: links, bullets, italics, fences, headings; reading and escaping. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stages.validation import LONGEST_HEADING

LONGEST_LINE = 2000
BULLET = re.compile(r"^\s*(?:[*+-]|\d{1,3}[.)])\s+(?=\S)")
ATX = re.compile(r"^ {0,3}(#{1,6})[ \t\xa0]+(\S.*)$")
HTML_HEADING = re.compile(r"^\s*<h([1-6])[^>]*>(.*?)</h\1>\s*$", re.IGNORECASE)
BOLD = re.compile(r"^\s*(?:\*\*(?!\s)([^*]+?)(?<!\s)\*\*|__(?!\s)([^_]+?)(?<!\s)__)\s*:?\s*$")
LAYOUT = re.compile(
    r"""^\s*(?:
        \{:.*\} | -\s*TOC | </?details[^>]*> | </summary> | <br\s*/?> | -{3,} | \*{3,} | _{3,}
        | (?:<details[^>]*>)?\s*<summary>\s*(?:click\ to\ expand|expand|details)?\s*</summary>
    )\s*$""",
    re.IGNORECASE | re.VERBOSE,
)
SUMMARY = re.compile(r"^\s*(?:<details[^>]*>)?\s*<summary>(.*?)</summary>\s*$", re.IGNORECASE)
FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[ \t]*([^`]*?)[ \t\r]*$")
CHANNEL = re.compile(r"^[*_`]*(#\w[\w.-]*[\w-]|#\w)[*_`]*(?=$|[\s,;:.)–—-])")
AUTOLINK = re.compile(r"^<(https?://[^\s<>]+)>")
BARE = re.compile(r"^(https?://[^\s<>]+)")
ANCHOR = re.compile(r"^<a\s[^>]*href=[\"']([^\"']*)[\"'][^>]*>(.*?)</a>", re.IGNORECASE)
SEPARATOR = re.compile(r"^\s*(?:,|;|\||/|&|·|\band\b)\s*(?=\[)")
DASH = re.compile(r"^\s*(?:[-–—:]+\s*|\s)")


def is_layout(line: str) -> bool:
    """Whether a line only arranges the page: kramdown attributes, folds, rules."""
    return len(line) <= LONGEST_HEADING and LAYOUT.match(line) is not None


@dataclass(frozen=True)
class Link:
    """A link at the start of a text, and what follows it."""

    label: str
    url: str
    rest: str


def leading_link(text: str) -> Link | None:
    """The link that a text starts with: Markdown (also bold), autolink, HTML anchor or a bare address."""
    stripped = text.strip()
    for mark in ("**", "__", "*", "_"):
        if stripped.startswith(f"{mark}[") and mark in stripped[len(mark) :]:
            inside = markdown_link(stripped[len(mark) :])
            if inside is not None and inside.rest.startswith(mark):
                return Link(inside.label, inside.url, inside.rest[len(mark) :])
    if found := markdown_link(stripped):
        return found
    if len(stripped) < 5000 and (anchor := ANCHOR.match(stripped)):
        label = re.sub(r"<[^>]+>", "", anchor[2]).strip()
        return Link(label, anchor[1].strip(), stripped[anchor.end() :])
    if auto := AUTOLINK.match(stripped):
        return Link("", auto[1], stripped[auto.end() :])
    if bare := BARE.match(stripped):
        url = bare[1].rstrip(".,;:!?")
        while url.endswith(")") and url.count("(") < url.count(")"):
            url = url[:-1]
        return Link("", url, stripped[len(url) :])
    return None


def markdown_link(text: str) -> Link | None:
    """``[label](url "title")`` at the start; brackets in the label and parentheses in the address may nest."""
    if not text.startswith("["):
        return None
    end = closing(text, 0, "[", "]")
    if end is None or text[end + 1 : end + 2] != "(":
        return None
    label = unescaped(text[1:end])
    start = end + 2
    while start < len(text) and text[start] in " \t":
        start += 1
    if text[start : start + 1] == "<":
        stop = start + 1
        while stop < len(text) and text[stop] != ">":
            stop += 2 if text[stop] == "\\" else 1
        if stop >= len(text):
            return None
        url = re.sub(r"\\([<>\\])", r"\1", text[start + 1 : stop])
        close = text.find(")", stop)
        return None if close < 0 else Link(label.strip(), url, text[close + 1 :])
    closes = closing(text, end + 1, "(", ")")
    # An address with an unbalanced bracket takes all up to the last one of the line.
    stop = text.rfind(")") if closes is None else closes
    if stop <= end + 1:
        return None
    inside = text[start:stop].strip()
    titled = re.match(r"^(\S*)\s+[\"'](.*)[\"']$", inside)
    if titled:
        return Link(label.strip(), titled[1], (" " + titled[2] if titled[2] else "") + text[stop + 1 :])
    return Link(label.strip(), inside, text[stop + 1 :])


def only_link(text: str) -> Link | None:
    """The one link within a text, with all of the text as its label: ``see [here](/x) first``."""
    if text.count("](") != 1 or len(text) > LONGEST_LINE:
        return None
    found: Link | None = None
    label, position = "", 0
    while position < len(text):
        link = (
            markdown_link(text[position:]) if text[position] == "[" and text[position - 1 : position] != "!" else None
        )
        if link is not None:
            if not link.url:
                return None
            found = link
            label += link.label
            position = len(text) - len(link.rest)
            continue
        step = 2 if text[position] == "\\" else 1
        label += text[position : position + step]
        position += step
    return Link(unescaped(label).strip(), found.url, "") if found is not None else None


def closing(text: str, start: int, opening: str, close: str) -> int | None:
    """Where the bracket that opens at ``start`` closes; a backslash hides the next character."""
    depth = 0
    position = start
    while position < len(text):
        mark = text[position]
        if mark == "\\":
            position += 2
            continue
        if mark == opening:
            depth += 1
        elif mark == close:
            depth -= 1
            if depth == 0:
                return position
        position += 1
    return None


def unescaped(label: str) -> str:
    r"""A label without the backslashes before brackets: ``\[`` is ``[``."""
    return re.sub(r"\\([\[\]\\])", r"\1", label)


def escaped(label: str) -> str:
    """A label that can stand between brackets."""
    return re.sub(r"([\[\]\\])", r"\\\1", label)


def written_link(label: str, url: str) -> str:
    """A link in Markdown that ``markdown_link`` reads back to the same two texts."""
    plain = markdown_link(f"[{escaped(label)}]({url})")
    if plain is not None and plain == Link(label, url, ""):
        return f"[{escaped(label)}]({url})"
    target = re.sub(r"([<>\\])", r"\\\1", url)
    return f"[{escaped(label)}](<{target}>)"


def italic(line: str) -> str | None:
    """The inside of a line that is italic as a whole."""
    text = line.strip()
    if len(text) > 2 and text[0] in "_*" and text[-1] == text[0] and not text.startswith(("**", "__")):
        return text[1:-1].strip()
    if len(text) > 6 and text[:3] == text[-3:] and text[:3] in ("***", "___"):
        return text[3:-3].strip()
    return None


def written_italic(text: str) -> str:
    """A text in italics that ``italic`` reads back."""
    mark = "*" if text.startswith("_") else "_"
    return f"{mark}{text}{mark}"


@dataclass(frozen=True)
class Heading:
    """A heading as met: its depth (bold ones lie deeper than marked ones) and its text."""

    depth: int
    text: str
    bold: bool = False


def heading(line: str) -> Heading | None:
    """The heading that a line is, by its marks, as HTML, in bold, or as the summary of a fold."""
    if len(line) > LONGEST_HEADING:
        return None
    # Blanks that do not break come along with text copied from elsewhere.
    line = line.replace("\xa0", " ")
    if found := ATX.match(line):
        return Heading(len(found[1]), strip_marks(found[2])) if strip_marks(found[2]) else None
    if found := HTML_HEADING.match(line):
        text = strip_marks(re.sub(r"<[^>]+>", "", found[2]))
        return Heading(int(found[1]), text) if text else None
    if found := BOLD.match(line):
        text = strip_marks(found[1] or found[2])
        if text and not text.startswith(("#", "[")):
            return Heading(7, text, bold=True)
        return None
    if (found := SUMMARY.match(line)) and not is_layout(line):
        text = strip_marks(re.sub(r"<[^>]+>", "", found[1]))
        return Heading(7, text, bold=True) if text else None
    return None


def strip_marks(text: str) -> str:
    """The text of a heading without kramdown attributes, emphasis around all of it, and a closing colon."""
    text = text.strip()
    if text.endswith("}") and (start := text.rfind("{")) >= 0 and text[start + 1 : start + 2] in (":", "#", "."):
        text = text[:start].rstrip()
    if (bare := text.rstrip("#")) != text and bare.endswith((" ", "\t")):
        text = bare.rstrip()
    for mark in ("**", "__", "*", "_"):
        if len(text) > 2 * len(mark) and text.startswith(mark) and text.endswith(mark):
            text = text[len(mark) : -len(mark)].strip()
    return text.rstrip(":").strip()
