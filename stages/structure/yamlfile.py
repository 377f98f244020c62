"""A YAML file with the line of each key, read safely. Pure: no Django in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Path_ = tuple[str | int, ...]
MAX_NODES = 500_000
LARGEST = 2 * 2**20
"""Bytes of a file that is handed in."""


class StructureError(Exception):
    """A structure file that cannot be imported: says which file, line and key, and what was expected."""

    def __init__(self, sentence: str, *, file: str, line: int | None = None, key: str = "") -> None:
        self.sentence, self.file, self.line, self.key = sentence, file, line, key
        place = file + (f", line {line}" if line else "") + (f", key {key}" if key else "")
        super().__init__(f"{place}: {sentence}")


class Loader(yaml.SafeLoader):
    """The safe loader; a date that does not exist stays text instead of ending the run."""

    def construct_date(self, node: yaml.ScalarNode) -> Any:
        """A date, or the text as written."""
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError:
            return node.value


Loader.add_constructor("tag:yaml.org,2002:timestamp", Loader.construct_date)


@dataclass(frozen=True)
class YamlFile:
    """The value of a file, and where each of its keys stands (paths of keys and list positions → line)."""

    name: str
    value: Any
    lines: dict[Path_, int] = field(default_factory=dict)
    text: str = ""

    def line(self, *path: str | int) -> int | None:
        """The line of a key, or of the nearest one above it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


def read_yaml(path: Path) -> YamlFile:
    """Read a file whole; everything that is wrong with it as YAML is a ``StructureError``."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StructureError(
            f"The file cannot be read ({error.strerror}). Name a YAML file.", file=str(path)
        ) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise StructureError("The file is not UTF-8; save it as UTF-8.", file=str(path), line=line) from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, name: str) -> YamlFile:
    """The value and the lines of a YAML text."""
    loader = Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return YamlFile(name, None, {}, text)
        lines = dict(positions(node, name))
        value = loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        sentence = f"This is not valid YAML: {error.problem or error.context or error}."
        raise StructureError(sentence, file=name, line=mark.line + 1 if mark else None) from error
    except yaml.YAMLError as error:
        raise StructureError(f"This is not valid YAML: {' '.join(str(error).split())}.", file=name) from error
    except (RecursionError, ValueError, TypeError) as error:
        raise StructureError(f"This YAML cannot be read: {error}.", file=name) from error
    finally:
        loader.dispose()
    return YamlFile(name, value, lines, text)


def positions(root: yaml.Node, name: str) -> Iterator[tuple[Path_, int]]:
    """The line of each key. A key that stands twice in one mapping is refused: the first value would be lost."""
    stack: list[tuple[Path_, yaml.Node, tuple[int, ...]]] = [((), root, ())]
    visited = 0
    while stack:
        path, node, above = stack.pop()
        visited += 1
        if id(node) in above:
            raise StructureError(
                "A value holds itself through an anchor.",
                file=name,
                line=node.start_mark.line + 1,
                key=".".join(map(str, path)),
            )
        if visited > MAX_NODES or len(path) > 100:
            raise StructureError("The file nests or repeats too much to be a structure file.", file=name)
        above = (*above, id(node))
        if isinstance(node, yaml.MappingNode):
            seen: dict[str, int] = {}
            for key_node, value_node in node.value:
                key = str(key_node.value)
                line = key_node.start_mark.line + 1
                if key in seen and key != "<<":
                    raise StructureError(
                        f"The key stands twice, first on line {seen[key]}. Keep one of them.",
                        file=name,
                        line=line,
                        key=".".join(map(str, (*path, key))),
                    )
                seen[key] = line
                yield (*path, key), line
                stack.append(((*path, key), value_node, above))
        elif isinstance(node, yaml.SequenceNode):
            for position, item in enumerate(node.value):
                yield (*path, position), item.start_mark.line + 1
                stack.append(((*path, position), item, above))
