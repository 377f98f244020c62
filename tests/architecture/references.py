"""Reads what code, templates and scripts name: imports, and the strings by which Django finds things.

``"app.Model"``, ``'app:url'``, template paths, dotted paths, addresses and table names are dependencies as much as an
import is, and no import checker sees them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
LAYERS = ("portal", "stages", "metrics", "telemetry")
TEXT_FILES = {".html", ".txt", ".js", ".css", ".svg", ".md"}


@dataclass(frozen=True)
class Reference:
    """A place that names a layer, and how."""

    file: str
    line: int
    layer: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} names {self.layer}: {self.text}"


def above(layer: str) -> tuple[str, ...]:
    """The layers that ``layer`` must not know."""
    return LAYERS[LAYERS.index(layer) + 1 :]


def in_python(text: str, file: str, layers: Iterable[str]) -> Iterator[Reference]:
    """Imports of ``layers`` and strings that refer to them. Docstrings are prose and do not count."""
    tree = ast.parse(text)
    prose = set(docstrings(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from imported(alias.name, node.lineno, file, layers)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from imported(node.module, node.lineno, file, layers)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            for layer in layers:
                if refers(node.value, layer):
                    yield Reference(file, node.lineno, layer, repr(node.value)[:100])


def imported(module: str, line: int, file: str, layers: Iterable[str]) -> Iterator[Reference]:
    """One import, if it is of one of the layers."""
    top = module.partition(".")[0]
    if top in layers:
        yield Reference(file, line, top, f"import of {module}")


def docstrings(tree: ast.AST) -> Iterator[int]:
    """The docstring nodes, by identity; also strings that stand alone below an assignment."""
    for node in ast.walk(tree):
        for statement in getattr(node, "body", []) if isinstance(getattr(node, "body", []), list) else []:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                yield id(statement.value)


def refers(text: str, layer: str) -> bool:
    """Whether a string is a way to find something of a layer."""
    name = re.escape(layer)
    if text == layer:
        return True
    whole = (
        rf"{name}(?:\.\w+)+",  # "app.Model", a dotted path
        rf"{name}:[\w:-]+",  # a URL name
        rf"/?(?:\.\./)*{name}/[\w./<>:{{}}-]*",  # a template, a static file, an address
    )
    if any(re.fullmatch(pattern, text) for pattern in whole):
        return True
    return re.search(rf"\b(?:from|join|into|update|table|only)\s+\"?{name}_\w+", text, re.IGNORECASE) is not None


def in_text(text: str, file: str, layers: Iterable[str]) -> Iterator[Reference]:
    """Templates and scripts: quoted references, addresses and tag libraries."""
    for number, line in enumerate(text.splitlines(), start=1):
        for layer in layers:
            name = re.escape(layer)
            quoted = re.search(rf"""['"]/?{name}[:/.][\w./:-]*""", line)
            loaded = re.search(rf"{{%\s*load\s[^%]*\b{name}(?:_\w+)?\b", line)
            found = quoted or loaded
            if found:
                yield Reference(file, number, layer, found.group()[:100])


def references(folder: Path, layers: Iterable[str]) -> Iterator[Reference]:
    """All references below a folder (or in one file) to any of ``layers``."""
    wanted = tuple(layers)
    files = [folder] if folder.is_file() else sorted(folder.rglob("*"))
    for file in files:
        if not file.is_file() or "__pycache__" in file.parts:
            continue
        name = file.relative_to(CHECKOUT).as_posix() if file.is_relative_to(CHECKOUT) else file.name
        if file.suffix == ".py":
            yield from in_python(file.read_text(encoding="utf-8"), name, wanted)
        elif file.suffix in TEXT_FILES:
            yield from in_text(file.read_text(encoding="utf-8"), name, wanted)
