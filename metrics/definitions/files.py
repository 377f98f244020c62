"""Reading definition files: bytes to plain values that remember their lines. No Django, no database.

Scalars that look like versions stay text: an unquoted ``milestone: 14.10`` is the version 14.10 and not the float 14.1.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

SUFFIXES = (".yml", ".yaml")
LARGEST_FILE = 64 * 1024 * 1024
LARGEST_TREE = 2_000_000
DEEPEST_TREE = 100
"""A definition file holds no more values than this, aliases written out: a guard against files made to explode."""

TEXT_FIELDS = frozenset({"milestone", "milestone_removed", "key_path", "name", "description"})
_NULL_TAG = "tag:yaml.org,2002:null"
_PLAIN_TAGS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:bool")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Why a file or one entry of it was refused: where, and what was expected."""

    file: str
    message: str
    line: int | None = None
    key: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"

    def as_json(self) -> dict[str, Any]:
        """The fault as a plain document."""
        return {"file": self.file, "line": self.line, "key": self.key, "message": self.message}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One mapping of a file, with the line of each of its keys and the text that it was read from."""

    file: str
    line: int
    fields: dict[str, Any]
    lines: dict[str, int] = field(default_factory=dict)
    text: str = ""


class _Faulty(Exception):
    """Carries a fault from a nested node up to the entry that it spoils."""

    def __init__(self, message: str, line: int | None = None, key: str = "") -> None:
        super().__init__(message)
        self.message, self.line, self.key = message, line, key


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C loader where there is one
    """A safe loader that knows no dates: definitions have none, and a version such as 2021-01 must stay text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":float"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def definition_files(path: Path) -> list[Path]:
    """The YAML files of a folder in a steady order, or the file itself."""
    if path.is_dir():
        return sorted(found for found in path.rglob("*") if found.suffix in SUFFIXES and found.is_file())
    return [path]


def read_file(path: Path, name: str) -> tuple[list[Entry], list[Fault]]:
    """All entries of one file; a file that cannot be read at all gives one fault and no entries."""
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            return [], [Fault(file=name, message=f"{size:,} bytes; at most {LARGEST_FILE:,} are read")]
        content = path.read_bytes()
    except FileNotFoundError:
        return [], [Fault(file=name, message="there is no such file")]
    except OSError as error:
        return [], [Fault(file=name, message=f"cannot be read ({error.strerror or error})")]
    return read_bytes(content, name)


def read_bytes(content: bytes, name: str) -> tuple[list[Entry], list[Fault]]:
    """The entries of a file's bytes: one definition, a list of definitions, or several documents of these."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return [], [Fault(file=name, line=line, message=f"byte {error.start} is not UTF-8; save the file as UTF-8")]
    try:
        documents = [node for node in yaml.compose_all(text, Loader=_Loader) if node is not None]
    except yaml.YAMLError as error:
        return [], [_yaml_fault(error, name, text)]
    except RecursionError:
        return [], [Fault(file=name, message="nested too deeply to be a definition")]
    entries: list[Entry] = []
    faults: list[Fault] = []
    nodes = list(_entry_nodes(documents))
    if not nodes:
        return [], [Fault(file=name, message="empty; expected a definition or a list of definitions")]
    single = len(nodes) == 1 and isinstance(documents[0], yaml.MappingNode)
    for node in nodes:
        at = node.start_mark.line + 1
        try:
            _bounded(node)
            fields, field_lines = _mapping(node)
        except _Faulty as fault:
            faults.append(Fault(file=name, line=fault.line or at, key=fault.key, message=fault.message))
            continue
        own = text if single else _own_text(text, node)
        entries.append(Entry(file=name, line=at, fields=fields, lines=field_lines, text=own))
    return entries, faults


def _yaml_fault(error: yaml.YAMLError, name: str, text: str) -> Fault:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        words = ", ".join(part for part in (error.context, error.problem) if part)
        # A file that ends too early is at fault in its last line, not in the one after it.
        line = min(mark.line + 1, len(text.splitlines())) if mark else None
        return Fault(file=name, line=line, message=f"not valid YAML: {words}")
    return Fault(file=name, message=f"not valid YAML: {error}".replace("\n", " "))


def _own_text(text: str, node: yaml.Node) -> str:
    """What was written of one entry of many, moved to the left. A file may hold all of them on one line."""
    own = text[node.start_mark.index : node.end_mark.index]
    if "\n" in own.strip():
        own = textwrap.dedent(" " * node.start_mark.column + own)
    return own.strip() + "\n"


def _entry_nodes(documents: list[yaml.Node]) -> Iterator[yaml.Node]:
    for document in documents:
        if isinstance(document, yaml.SequenceNode):
            yield from document.value
        elif not (isinstance(document, yaml.ScalarNode) and document.tag == _NULL_TAG):
            yield document


def _bounded(node: yaml.Node) -> None:
    """Refuse a tree that is endless or explodes when its aliases are written out."""
    count, waiting = 0, [(node, 0)]
    while waiting:
        here, depth = waiting.pop()
        count += 1
        if count > LARGEST_TREE or depth > DEEPEST_TREE:
            raise _Faulty("holds too many or too deeply nested values (aliases may multiply or refer to themselves)")
        if isinstance(here, yaml.SequenceNode):
            waiting.extend((item, depth + 1) for item in here.value)
        elif isinstance(here, yaml.MappingNode):
            waiting.extend((part, depth + 1) for pair in here.value for part in pair)


def _mapping(node: yaml.Node) -> tuple[dict[str, Any], dict[str, int]]:
    if not isinstance(node, yaml.MappingNode):
        raise _Faulty(f"expected a definition (a mapping of fields), found {_kind(node)}", node.start_mark.line + 1)
    fields: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise _Faulty("a field's name must be text", line)
        key = str(key_node.value)
        if key in fields:
            raise _Faulty(f"written twice (first on line {lines[key]})", line, key)
        fields[key] = _value(value_node, as_text=key in TEXT_FIELDS)
        lines[key] = line
    return fields, lines


def _value(node: yaml.Node, *, as_text: bool = False) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return [_value(item) for item in node.value]
    if isinstance(node, yaml.MappingNode):
        return {str(_value(key)): _value(value) for key, value in node.value}
    if node.tag == _NULL_TAG:
        return None
    if as_text or node.tag not in _PLAIN_TAGS:
        # PostgreSQL keeps neither NUL nor half a surrogate pair.
        return str(node.value).replace("\x00", "").encode("utf-8", "replace").decode()
    try:
        return yaml.constructor.SafeConstructor().construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError) as error:
        raise _Faulty(f"cannot be read as {node.tag}: {error}".replace("\n", " "), node.start_mark.line + 1) from error


def _kind(node: yaml.Node) -> str:
    return "a list" if isinstance(node, yaml.SequenceNode) else f"the text {str(node.value)[:60]!r}"
