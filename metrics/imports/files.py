"""CSV files that are imported line by line: what can be wrong with them, and what an import did."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

Row = TypeVar("Row")
Say = Callable[[str], None]

SAID_EVERY = 10_000
"""Lines between two sentences about progress."""


class Unreadable(ValueError):
    """The file as a whole cannot be read; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that cannot be imported."""

    line: int
    sentence: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.sentence}"


@dataclass(slots=True)
class Outcome:
    """What an import did, or would do."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    faults: list[Fault] = field(default_factory=list)
    imported: bool = False

    def as_document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "imported": self.imported,
            "created": self.created,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "faults": [{"line": fault.line, "error": fault.sentence} for fault in self.faults],
        }


def lines_of(content: bytes, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str] | None]]:
    """The lines of a CSV with their numbers; ``None`` where a line has another number of fields than the head."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"The file is not UTF-8 (byte {error.start}).") from error
    if "\x00" in text:
        raise Unreadable("The file holds NUL bytes; it is no CSV.")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = [name.strip().lower() for name in next(reader, [])]
        missing = [name for name in columns if name not in head]
        if missing:
            raise Unreadable(
                f"The first line must name the columns {', '.join(columns)}; missing: {', '.join(missing)}."
            )
        twice = sorted({name for name in head if head.count(name) > 1})
        if twice:
            raise Unreadable(f"The first line names columns twice: {', '.join(twice)}.")
        for fields in reader:
            if not any(value.strip() for value in fields):
                continue
            if len(fields) != len(head):
                yield reader.line_num, None
                continue
            yield reader.line_num, {name: value.strip() for name, value in zip(head, fields, strict=True)}
    except csv.Error as error:
        raise Unreadable(f"The file is no CSV: line {reader.line_num}: {error}.") from error


def read(
    content: bytes,
    columns: Sequence[str],
    parse: Callable[[int, Mapping[str, str]], Row],
    *,
    say: Say | None = None,
) -> tuple[list[tuple[int, Row]], list[Fault]]:
    """The lines that can be parsed, with their numbers, and the faults of those that cannot."""
    good: list[tuple[int, Row]] = []
    faults: list[Fault] = []
    for number, (line, values) in enumerate(lines_of(content, columns)):
        if say is not None and number and number % SAID_EVERY == 0:
            say(f"{number:,} lines read")
        if values is None:
            faults.append(Fault(line, "it has another number of fields than the first line."))
            continue
        try:
            good.append((line, parse(line, values)))
        except ValueError as error:
            faults.append(Fault(line, str(error)))
    return good, faults
