"""Reads the lines of one known block into items."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stages.content import Item
from stages.handbook import marks
from stages.handbook.parsing.lines import Fences, Line, body_of, italic_paragraph, unguarded
from stages.handbook.template import PLACEHOLDER_CHANNEL, TEMPLATES, corrected, is_placeholder_sql, is_prompt
from stages.names import folded

NOT_APPLICABLE = re.compile(r"^not applicable: (.+)$", re.IGNORECASE | re.DOTALL)
DOC_LABELS = {"smau": "smau", "gmau": "gmau", "other": "other", "no label": ""}
MOST_LINKS_OF_A_LINE = 200
LANGUAGES = {"": "sql", "sql": "sql", "snowflake": "snowflake", "postgres": "postgresql", "postgresql": "postgresql"}


class BlockReader:
    """Reads the lines of one known block into items."""

    def __init__(self, kind: str, lines: Sequence[Line]) -> None:
        self.kind = kind
        self.lines = list(lines)
        self.fences = Fences(self.lines)
        self.at = 0
        self.note = ""
        self.not_applicable = ""
        self.items: list[Item] = []
        self.placeholders: list[str] = []
        self.body: list[Line] = []
        self.unrecognised: list[Line] = []
        self.started = False
        self.prose: list[Line] = []
        self.title = ""
        self.last_was_body = False

    def read(self) -> None:
        """Go through the lines once."""
        while self.at < len(self.lines):
            line = self.lines[self.at]
            text = line.text.rstrip("\r")
            if not text.strip():
                self.blank(line)
            elif (end := self.fences.end(self.at)) is not None:
                self.fence(end)
            elif marks.is_layout(text):
                self.end_prose()
                self.at += 1
            elif self.kind == "slack" and self.channels(text):
                self.started = True
            elif (links := list(self.links(text))) and not self.inside_prose(text):
                self.end_prose()
                self.started = True
                self.link_items(links)
            elif self.kind == "data_docs":
                self.document_line(line)
            else:
                self.text_line(line)
        self.end_prose()

    def blank(self, line: Line) -> None:
        """Blank lines keep paragraphs of a body or prose apart."""
        if self.prose:
            self.prose.append(line)
        elif self.last_was_body:
            self.body.append(line)
        self.at += 1

    def links(self, text: str) -> Iterator[marks.Link]:
        """The links of a line that starts with one; several where nothing but separators is between them."""
        content = marks.BULLET.sub("", text).strip()
        found = marks.leading_link(content)
        for _ in range(MOST_LINKS_OF_A_LINE):
            if found is None:
                return
            between = marks.SEPARATOR.match(found.rest)
            following = marks.leading_link(found.rest[between.end() :]) if between else None
            if following is None:
                yield found
                return
            yield marks.Link(found.label, found.url, "")
            found = following
        if found is not None:
            yield found

    def link_items(self, links: Sequence[marks.Link]) -> None:
        """Make items of the links of one line, the last with the description that follows."""
        self.at += 1
        for position, link in enumerate(links):
            description = ""
            if position == len(links) - 1:
                same_line = marks.DASH.sub("", link.rest.rstrip("\r"), count=1).strip() if link.rest.strip() else ""
                same_line = marks.italic(same_line) or same_line
                below = self.description_below(plain=not same_line)
                description = " ".join(part for part in (same_line, below) if part)
            self.add(link.label, link.url, description)

    def add(self, label: str, url: str, description: str) -> None:
        """An item, unless it is the template's."""
        self.last_was_body = False
        if not url and self.kind != "slack":
            self.placeholders.append(corrected(label))
            if description and not is_prompt(description) and not known_prompt(description):
                self.items.append(Item(label=label, description=description))
                self.placeholders.pop()
            return
        self.items.append(Item(label=label, url=url, description="" if is_prompt(description) else description))

    def description_below(self, *, plain: bool) -> str:
        """An italic text on the next line or after one blank line; a plain one only directly below."""
        at = self.at
        if at < len(self.lines) and not self.lines[at].text.strip():
            at += 1
            plain = False
        if at >= len(self.lines) or self.fences.end(at) is not None:
            return ""
        text = self.lines[at].text.rstrip("\r")
        if marks.is_layout(text) or marks.BULLET.match(text):
            return ""
        found, after = italic_paragraph(self.lines, at)
        if found is not None:
            self.at = after
            return found
        goes_on = at == self.at and text.startswith(("  ", "\t"))
        if not (plain or goes_on) or not text.strip() or marks.leading_link(text) or marks.CHANNEL.match(text.strip()):
            return ""
        if marks.heading(text) is not None or ("](" in text and self.kind == "slack"):
            return ""
        self.at = at + 1
        return unguarded(text.strip())

    def channels(self, text: str) -> bool:
        """The Slack channels of a line, if it starts with one."""
        content = marks.BULLET.sub("", text).strip()
        link = marks.leading_link(content)
        if link is not None and link.label.strip("*_` ").startswith("#"):
            found = [(link.label.strip("*_` "), link.url)]
            rest = link.rest
        else:
            found = []
            rest = content
            while channel := marks.CHANNEL.match(rest.lstrip(" ,;&")):
                found.append((channel[1], ""))
                rest = rest.lstrip(" ,;&")[channel.end() :]
            if not found:
                return False
        self.at += 1
        same_line = marks.DASH.sub("", rest, count=1).strip() if rest.strip() else ""
        same_line = marks.italic(same_line) or same_line
        below = self.description_below(plain=not same_line)
        description = " ".join(part for part in (same_line, below) if part)
        for position, (name, url) in enumerate(found):
            of_this = description if position == len(found) - 1 else ""
            if name.casefold() == PLACEHOLDER_CHANNEL and not url:
                self.placeholders.append(name)
                if of_this and not is_prompt(of_this):
                    self.unplaced(Line(self.lines[self.at - 1].number, of_this))
            else:
                self.items.append(Item(label=name, url=url, description="" if is_prompt(of_this) else of_this))
        self.last_was_body = False
        return True

    def fence(self, end: int) -> None:
        """A fence: a query in data documentation, text elsewhere."""
        lines = self.lines[self.at : end + 1]
        opening = marks.FENCE.match(lines[0].text)
        info = opening[2].strip() if opening else ""
        if self.kind != "data_docs" or opening is None:
            self.end_prose()
            self.body += lines
            self.unrecognised.append(lines[0])
            self.last_was_body = True
            self.at = end + 1
            return
        self.end_prose()
        self.started = True
        text = "\n".join(line.text for line in lines[1:-1])
        self.at = end + 1
        doc_label, description = self.doc_label()
        title, self.title = self.title, ""
        if not doc_label and title.casefold() in DOC_LABELS:
            doc_label, title = DOC_LABELS[title.casefold()], ""
        if is_placeholder_sql(text):
            self.placeholders.append({"smau": "SMAU", "gmau": "GMAU", "other": "Other"}.get(doc_label, ""))
            if description or title:
                self.unplaced(Line(lines[0].number, " ".join(part for part in (title, description) if part)))
            return
        language = info.split()[0].casefold() if info else ""
        dialect = LANGUAGES.get(language, language[:20])
        self.items.append(Item(label=title, text=text, dialect=dialect, doc_label=doc_label, description=description))

    def doc_label(self) -> tuple[str, str]:
        """The label in italics after a query or prose, and a description in italics after that."""
        at = self.at
        while at < len(self.lines) and not self.lines[at].text.strip() and at - self.at < 1:
            at += 1
        if at >= len(self.lines):
            return "", ""
        found, after = italic_paragraph(self.lines, at)
        if found is None:
            return "", ""
        self.at = after
        label = found.casefold().rstrip(":. ")
        if label in DOC_LABELS:
            below = ""
            if after < len(self.lines):
                text, end = italic_paragraph(self.lines, after)
                if text is not None and text.casefold() not in DOC_LABELS:
                    below, self.at = text, end
            return DOC_LABELS[label], below
        guessed = next((word for word in ("smau", "gmau") if re.match(rf"{word}\b", label)), "")
        return guessed, found

    def inside_prose(self, text: str) -> bool:
        """Whether a link is a part of prose: a bullet or a line under prose that goes on without a blank."""
        if self.kind != "data_docs" or not self.prose or not self.prose[-1].text.strip():
            return False
        return marks.BULLET.match(text) is None

    def document_line(self, line: Line) -> None:
        """A line of data documentation that is no query and no link: its title, its label, or prose."""
        text = line.text.rstrip("\r")
        found = marks.heading(text)
        title = found.text if found and found.bold else ""
        if not title and self.followed_by_fence():
            short = text.strip().rstrip(":").strip("*_ ")
            if short.casefold() in DOC_LABELS or (text.strip().endswith(":") and len(short) < 80):
                title = short
        if title:
            self.end_prose()
            if self.title:
                self.unplaced(Line(line.number, self.title))
            self.title = title
            self.at += 1
            return
        inside = marks.italic(text)
        if inside is not None and not self.started and not self.prose:
            self.take_note(inside)
            self.at += 1
            return
        if inside is not None and self.prose and inside.casefold() in DOC_LABELS:
            doc_label, description = self.doc_label()
            self.end_prose(doc_label, description)
            return
        self.prose.append(line)
        self.started = True
        self.at += 1

    def followed_by_fence(self) -> bool:
        """Whether the next line with text opens a fence."""
        for at in range(self.at + 1, min(self.at + 3, len(self.lines))):
            if self.lines[at].text.strip():
                return self.fences.end(at) is not None
        return False

    def end_prose(self, doc_label: str = "", description: str = "") -> None:
        """Make an item of the prose so far."""
        text = body_of(self.prose)
        self.prose = []
        if text:
            title, self.title = self.title, ""
            if not doc_label and title.casefold() in DOC_LABELS:
                doc_label, title = DOC_LABELS[title.casefold()], ""
            self.items.append(
                Item(label=title, text=text, dialect="prose", doc_label=doc_label, description=description)
            )
        elif self.title and self.at >= len(self.lines):
            self.unplaced(Line(self.lines[-1].number if self.lines else 0, self.title))
            self.title = ""

    def text_line(self, line: Line) -> None:
        """A line that is no link: the note under the heading, a name in a list, or text without a place."""
        text = line.text.rstrip("\r")
        if not self.started and not self.body:
            found, after = italic_paragraph(self.lines, self.at)
            if found is not None:
                self.take_note(found)
                self.at = after
                return
        if marks.BULLET.match(text):
            words = marks.BULLET.sub("", text).strip()
            link = marks.only_link(words)
            label, url = (link.label, link.url) if link else (marks.unescaped(words), "")
            self.at += 1
            self.started = True
            self.items.append(Item(label=label, url=url, description=self.description_below(plain=False)))
            self.last_was_body = False
            return
        self.unplaced(line)
        self.at += 1

    def take_note(self, text: str) -> None:
        """The italic line under the heading."""
        self.started = True
        if found := NOT_APPLICABLE.match(text):
            self.not_applicable = found[1].strip()
        else:
            self.note = text

    def unplaced(self, line: Line) -> None:
        """Keep a line in the body and name it."""
        if self.body and not self.last_was_body:
            self.body.append(Line(line.number, ""))
        self.body.append(line)
        self.unrecognised.append(line)
        self.last_was_body = True


def known_prompt(description: str) -> bool:
    """Whether a description is word for word one of the template's, also those that real items may keep."""
    wanted = folded(description)
    prompts = {folded(template.prompt) for template in TEMPLATES if template.prompt}
    return wanted in prompts | {folded("Resource to understand the current OKRs for this team")}
