"""What may be saved in a block, and why not. Pure: forms and API say the same sentences.

Text is kept as typed; only line breaks inside one-line fields become blanks, as the page has one line for them.
"""

from __future__ import annotations

from dataclasses import replace

from stages.content import BlockContent, Item
from stages.links import refusal

LONGEST_HEADING = 500
LONGEST_LINE = 1000
LONGEST_URL = 4000
LONGEST_TEXT = 200_000
MOST_LAID_OUT = 50_000
"""Laying out Markdown takes up to a second for so many characters, and a page shows ten texts."""
MOST_ITEMS = 500
LINK_KINDS = frozenset({"dashboards", "research", "roadmap", "okrs", "indicators", "key_pages", "team", "other"})


def one_line(text: str) -> str:
    """A text on one line, without blanks at the ends."""
    return " ".join(text.split())


def cleaned(content: BlockContent, kind: str) -> tuple[BlockContent, dict[str, str]]:
    """The content as it may be saved, and what is wrong with it by field (``items.2.url``); then it must not be."""
    errors: dict[str, str] = {}
    items: list[Item] = []
    for item in content.items:
        if item.is_empty:
            continue
        number = len(items)
        cleaned_item, wrong = cleaned_item_of(item, kind)
        errors |= {f"items.{number}.{name}": sentence for name, sentence in wrong.items()}
        items.append(cleaned_item)
    if len(items) > MOST_ITEMS:
        errors["items"] = f"A block holds at most {MOST_ITEMS} items; these are {len(items)}."
    cleaned_content = replace(
        content,
        heading=one_line(content.heading),
        note=one_line(content.note),
        body=content.body.replace("\r\n", "\n").strip("\n").rstrip(),
        not_applicable=one_line(content.not_applicable),
        items=tuple(items),
    )
    limits = (("heading", LONGEST_HEADING), ("note", LONGEST_LINE), ("not_applicable", 500), ("body", LONGEST_TEXT))
    for name, limit in limits:
        length = len(getattr(cleaned_content, name))
        if length > limit:
            errors[name] = f"This is {length} characters long; at most {limit} fit."
    if "\x00" in str((content.heading, content.note, content.body, content.not_applicable)) or any(
        "\x00" in text for item in items for text in (item.label, item.url, item.description, item.text)
    ):
        errors["body"] = "The text holds a NUL character, which cannot be stored."
    if kind == "other" and not cleaned_content.heading:
        errors["heading"] = "A block of your own needs a heading."
    elif kind == "other" and (why := _misread(cleaned_content.heading)):
        errors.setdefault("heading", why)
    if cleaned_content.not_applicable and items:
        errors["not_applicable"] = "Say that there is none, or list some; not both."
    return cleaned_content, errors


def _misread(heading: str) -> str:
    """Why the handbook page would take the heading of a block of one's own for another one; empty when it would not."""
    from stages.handbook.marks import strip_marks  # They take their limits from here.
    from stages.handbook.template import BY_KIND, kind_of_heading

    read = strip_marks(heading)
    if (known := kind_of_heading(read)) is not None:
        part = BY_KIND[known].heading if known in BY_KIND else "the description"
        return f"On the handbook page this is the heading of {part}. Edit that part, or choose another heading."
    return "" if read == heading else f"The handbook page would read this heading as “{read}”. Write it like that."


def cleaned_item_of(item: Item, kind: str) -> tuple[Item, dict[str, str]]:
    """One item."""
    errors: dict[str, str] = {}
    found = replace(
        item,
        label=one_line(item.label),
        url=item.url.strip(),
        description=one_line(item.description),
        text=item.text.replace("\r\n", "\n").strip("\n")
        if item.dialect == "prose"
        else item.text.replace("\r\n", "\n"),
    )
    if kind == "slack" and found.label and not found.label.startswith("#"):
        found = replace(found, label=f"#{found.label.lstrip('#')}")
    if kind == "slack" and not found.label:
        errors["label"] = "Name the channel, such as #s_create."
    if kind == "slack" and found.label and (" " in found.label):
        errors["label"] = "A channel's name has no blanks."
    if found.url and (why := refusal(found.url)):
        errors["url"] = why
    if any(blank in found.url for blank in "\n\r\t"):
        errors["url"] = "The address holds a line break. Paste one address."
    if kind == "data_docs" and not (found.text.strip() or found.url or found.label):
        errors["text"] = "Give the query, or say in words which tables to use."
    if kind in LINK_KINDS and not (found.label or found.url):
        errors["url"] = "Give a link or at least a name."
    if kind not in ("data_docs", "other") and found.text:
        errors["text"] = "Only data documentation has a query."
    limits = (("label", LONGEST_LINE), ("description", LONGEST_LINE), ("url", LONGEST_URL), ("text", LONGEST_TEXT))
    for name, limit in limits:
        length = len(getattr(found, name))
        if length > limit:
            errors[name] = f"This is {length} characters long; at most {limit} fit."
    if found.doc_label not in ("", "smau", "gmau", "other"):
        errors["doc_label"] = "Choose SMAU, GMAU, other or none."
    if len(found.dialect) > 20:
        errors["dialect"] = "The name of the language is too long."
    if found.text and not found.dialect:
        found = replace(found, dialect="sql")
    return found, errors
