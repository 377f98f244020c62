"""The form of one block: from content, from what was posted, and the steps on the way (add, move, remove, paste).

It works without a script: each step is a button that posts the form, and the order is the order of the rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from stages.content import BlockContent, Item
from stages.handbook.marks import markdown_link
from stages.handbook.parsing import BlockReader, Line

ITEM_FIELDS = ("label", "url", "description", "text", "dialect", "doc_label")
LINKS = ("label", "url", "description")
FIELDS_OF = {
    "data_docs": ("doc_label", "dialect", "text", "label", "description", "url"),
    "slack": ("label", "description", "url"),
    "description": (),
    "other": ("label", "url", "description"),
}
STEP = re.compile(r"^(up|down|remove)-(\d+)$")
ADDRESS = re.compile(r"^https?://\S+\Z", re.IGNORECASE)
MOST_ROWS = 600


@dataclass
class Row:
    """A row of the form: an item, and its number in the names of the fields."""

    number: int
    item: Item
    errors: dict[str, str] = field(default_factory=dict)


@dataclass
class BlockForm:
    """What is typed so far."""

    kind: str
    content: BlockContent
    base_version: int
    reason: str = ""
    paste: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def fields(self) -> tuple[str, ...]:
        """Which fields an item of this kind has."""
        return FIELDS_OF.get(self.kind, LINKS)

    @property
    def has_items(self) -> bool:
        """Whether this kind has items at all."""
        return bool(self.fields)

    @property
    def rows(self) -> list[Row]:
        """The rows in order, with their errors."""
        return [
            Row(
                number,
                item,
                {
                    name.split(".", 2)[2]: sentence
                    for name, sentence in self.errors.items()
                    if name.startswith(f"items.{number}.")
                },
            )
            for number, item in enumerate(self.content.items)
        ]

    @property
    def all_errors(self) -> list[str]:
        """The sentences for the top of the form."""
        return list(dict.fromkeys(self.errors.values()))

    def as_draft(self) -> dict[str, Any]:
        """The form as it is kept while nobody saved it."""
        from stages.content import to_json

        return {"content": to_json(self.content), "reason": self.reason, "paste": self.paste}


def empty_row(kind: str) -> Item:
    """A row to be filled in; of a query with the language set."""
    return Item(dialect="sql") if kind == "data_docs" else Item()


def form_of(kind: str, content: BlockContent, base_version: int) -> BlockForm:
    """The form of saved content, with a row to be filled in where there is none."""
    form = BlockForm(kind=kind, content=content, base_version=base_version)
    if form.has_items and not content.items and kind != "other":
        form.content = replace(content, items=(empty_row(kind),))
    return form


def posted(kind: str, data: Mapping[str, Any], order: Sequence[str], base_version: int) -> BlockForm:
    """The form as it was posted. NUL characters, which no keyboard types and no column holds, are left out."""
    data = {name: str(value).replace("\x00", "") for name, value in data.items()}
    items = []
    for number in list(dict.fromkeys(order))[:MOST_ROWS]:
        values = {name: data.get(f"item-{number}-{name}", "") for name in ITEM_FIELDS}
        items.append(Item(id=whole_number(data.get(f"item-{number}-id", "")), **values))
    content = BlockContent(
        heading=data.get("heading", ""),
        note=data.get("note", ""),
        body=data.get("body", ""),
        not_applicable=data.get("not_applicable", ""),
        items=tuple(items),
    )
    return BlockForm(
        kind=kind,
        content=content,
        base_version=base_version,
        reason=data.get("reason", "")[:1000],
        paste=data.get("paste", ""),
    )


def step(form: BlockForm, action: str) -> BlockForm:
    """Do what a button of the form says: add a row, move one, take one out, read what was pasted."""
    items = list(form.content.items)
    if action == "add":
        items.append(empty_row(form.kind))
    elif action == "paste":
        return take_paste(form)
    elif found := STEP.match(action):
        number = int(found[2])
        if number < len(items):
            item = items.pop(number)
            if found[1] == "up":
                items.insert(max(0, number - 1), item)
            elif found[1] == "down":
                items.insert(number + 1, item)
    return replace(form, content=replace(form.content, items=tuple(items)))


def take_paste(form: BlockForm) -> BlockForm:
    """Turn what was pasted into items: addresses, Markdown, channels, queries. The rest stays in the box."""
    if not form.paste.strip():
        return replace(form, paste="")
    reader = BlockReader(form.kind if form.kind != "other" else "key_pages", [
        Line(number, line) for number, line in enumerate(form.paste.replace("\r\n", "\n").split("\n"), start=1)
    ])  # fmt: skip
    reader.read()
    found = [item if item.label or not item.url else replace(item, label=name_from(item.url)) for item in reader.items]
    if form.kind == "data_docs" and not found and form.paste.strip():
        found = [Item(text=form.paste.replace("\r\n", "\n").strip("\n"), dialect="sql")]
    kept = [item for item in form.content.items if not item.is_empty]
    left = "\n".join(line.text for line in reader.body)
    note = form.content.note or reader.note
    return replace(form, paste=left, content=replace(form.content, note=note, items=(*kept, *found)))


def settled(form: BlockForm) -> BlockForm:
    """The form with what was put into the wrong field where it belongs: an address or Markdown link as a name.

    An address without a name gets one, as when it is pasted.
    """
    if "url" not in form.fields or form.kind in ("data_docs", "slack"):
        return form
    return replace(form, content=replace(form.content, items=tuple(_settled(item) for item in form.content.items)))


def _settled(item: Item) -> Item:
    name = item.label.strip()
    if not item.url.strip():
        if ADDRESS.match(name):
            item = replace(item, url=name, label="")
        elif (link := markdown_link(name)) is not None:
            item = replace(item, url=link.url, label=link.label)
    return replace(item, label=name_from(item.url.strip())) if item.url.strip() and not item.label.strip() else item


def whole_number(text: str) -> int | None:
    """A number as forms carry them; nothing else, and none that no column holds."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def name_from(url: str) -> str:
    """A label for an address that came without one: the last words of its path, else its host."""
    parts = urlsplit(url)
    words = [part for part in unquote(parts.path).split("/") if re.search(r"[A-Za-z]{3}", part)]
    text = words[-1] if words else ""
    text = re.sub(r"\.(html?|md|php|aspx)$", "", text)
    text = re.sub(r"[-_+\s]+", " ", text.replace(":-", ": ")).strip()
    if not text:
        return parts.hostname or url[:100]
    return text[:1].upper() + text[1:200]
