"""A handbook page from any of the forms in which it is exported: Markdown, JSON, YAML. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from stages.content import ITEM_FIELDS, TEXT_FIELDS, BlockContent, Item
from stages.handbook.limits import told_twice, too_many_lines, too_much
from stages.handbook.parsing import DOC_LABELS, Page, ParsedBlock, ParsedStage, Start, Text, parse_page
from stages.handbook.reading import HandbookError
from stages.handbook.template import KINDS
from stages.structure.yamlfile import StructureError, parse_yaml
from stages.validation import LONGEST_HEADING

BLOCK_KINDS = ("description", *KINDS, "other")
LONGEST_DIALECT = 20
ENDINGS = (".json", ".yml", ".yaml")


def page_of(text: str, name: str) -> Page:
    """The page in a file: by its name a document of values, else Markdown. One that holds too much, or a
    stage twice, is refused."""
    if why := too_many_lines(text):
        raise HandbookError(f"{name}: {why}")
    page = _read(text, name)
    if why := told_twice(page) or too_much(page):
        raise HandbookError(f"{name}: {why}")
    return _named_throughout(page)


def _named_throughout(page: Page) -> Page:
    items = [(block.kind, item) for stage in page.stages for block in stage.blocks for item in block.content.items]
    names = {(kind, item.url): item.label for kind, item in reversed(items) if item.url and item.label}

    def named(block: ParsedBlock) -> ParsedBlock:
        if all(item.label or (block.kind, item.url) not in names for item in block.content.items):
            return block
        found = tuple(
            item if item.label else replace(item, label=names.get((block.kind, item.url), ""))
            for item in block.content.items
        )
        return replace(block, content=replace(block.content, items=found))

    stages = tuple(replace(stage, blocks=tuple(named(block) for block in stage.blocks)) for stage in page.stages)
    return replace(page, stages=stages)


def _read(text: str, name: str) -> Page:
    if PurePath(name).suffix.lower() not in ENDINGS:
        return parse_page(text)
    try:
        value = json.loads(text) if name.lower().endswith(".json") else parse_yaml(text, name).value
    except StructureError as error:
        raise HandbookError(str(error)) from error
    except json.JSONDecodeError as error:
        raise HandbookError(f"{name}, line {error.lineno}: this is not valid JSON: {error.msg}.") from error
    except (ValueError, RecursionError) as error:
        raise HandbookError(f"{name}: this JSON cannot be read: {error}.") from error
    return Reader(name).page(value)


class Reader:
    """Reads a document that was exported, and names what is not as expected."""

    def __init__(self, name: str) -> None:
        self.name = name

    def page(self, value: Any) -> Page:
        """The whole page."""
        document = self.mapping(value, "the document")
        stages = [self.stage(one, at) for at, one in enumerate(self.list(document, "stages", "stages"))]
        texts = self.list(document, "texts", "texts")
        starts = self.list(document, "starting_points", "starting_points")
        return Page(
            title=self.text(document, "title", "title"),
            front=self.text(document, "front", "front"),
            partial=document.get("partial") is True,
            sections=tuple(dict.fromkeys(stage.section for stage in stages if stage.section)),
            stages=tuple(stages),
            starting_points=tuple(
                Start(**self.fields(one, ("text", "label", "url"), f"starting_points.{at}"))
                for at, one in enumerate(starts)
            ),
            texts=tuple(
                Text(**self.fields(one, ("heading", "body", "place", "section"), f"texts.{at}"), depth=self.depth(one))
                for at, one in enumerate(texts)
            ),
        )

    def stage(self, value: Any, at: int) -> ParsedStage:
        """One stage."""
        where = f"stages.{at}"
        entry = self.mapping(value, where)
        name = self.text(entry, "name", where)
        if not name.strip():
            raise self.error(where, "The stage has no name")
        blocks = [self.block(one, f"{where}.blocks.{n}") for n, one in enumerate(self.list(entry, "blocks", where))]
        return ParsedStage(name=name, section=self.text(entry, "section", where), line=0, blocks=tuple(blocks))

    def block(self, value: Any, where: str) -> ParsedBlock:
        """One block."""
        entry = self.mapping(value, where)
        kind = self.text(entry, "kind", where)
        if kind not in BLOCK_KINDS:
            raise self.error(where, f"The kind {kind!r} is none of {', '.join(BLOCK_KINDS)}")
        if len(self.text(entry, "heading", where)) > LONGEST_HEADING:
            raise self.error(f"{where}.heading", f"At most {LONGEST_HEADING} characters fit")
        items = self.list(entry, "items", where)
        placeholders = self.list(entry, "placeholders", where)
        content = BlockContent(
            **self.fields(entry, TEXT_FIELDS, where),
            items=tuple(self.item(one, f"{where}.items.{n}") for n, one in enumerate(items)),
            placeholders=tuple(str(label) for label in placeholders),
        )
        return ParsedBlock(kind=kind, line=0, content=content)

    def item(self, value: Any, where: str) -> Item:
        """One item."""
        read: dict[str, Any] = {**self.fields(value, ITEM_FIELDS, where)}
        if read["doc_label"] not in DOC_LABELS.values() or len(read["dialect"]) > LONGEST_DIALECT:
            raise self.error(where, "There is no such doc_label or dialect")
        return Item(**read)

    def fields(self, value: Any, names: tuple[str, ...], where: str) -> dict[str, str]:
        """Some texts of an entry; what is missing is empty."""
        entry = self.mapping(value, where)
        return {name: self.text(entry, name, where) for name in names}

    def text(self, entry: Mapping[str, Any], name: str, where: str) -> str:
        """A text; a number or a date is taken as it is written."""
        value = entry.get(name)
        if value is None:
            return ""
        if isinstance(value, dict | list | bool):
            raise self.error(f"{where}.{name}", "Expected text")
        if "\x00" in (text := str(value)):
            raise self.error(f"{where}.{name}", "The text holds a NUL character")
        return text

    def depth(self, value: Any) -> int:
        """The level of a heading."""
        depth = value.get("depth") if isinstance(value, dict) else None
        return depth if isinstance(depth, int) and 1 <= depth <= 6 else 2

    def mapping(self, value: Any, where: str) -> dict[str, Any]:
        """A mapping."""
        if not isinstance(value, dict):
            raise self.error(where, "Expected a mapping")
        return {str(key): entry for key, entry in value.items()}

    def list(self, entry: Mapping[str, Any], name: str, where: str) -> list[Any]:
        """A list; none is empty."""
        value = entry.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.error(f"{where}.{name}", "Expected a list")
        return value

    def error(self, where: str, sentence: str) -> HandbookError:
        """The error that ends the run."""
        return HandbookError(f"{self.name}, {where}: {sentence}.")
