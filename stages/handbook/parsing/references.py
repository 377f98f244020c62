"""Links by reference (``[label][name]``, with ``[name]: address`` elsewhere) as links like any other. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stages.handbook.parsing.lines import Fences, Line
from stages.names import folded

DEFINITION = re.compile(
    r"""^ {0,3}\[(?!\^)([^\[\]]{1,200})\]:[ \t]*(?:<([^<>]*)>|(\S+))[ \t]*(["'(].*["')])?[ \t\r]*$"""
)


def with_links_in_place(lines: Sequence[Line]) -> list[Line]:
    """The lines with each link by reference written out; definitions that were used are taken out, others stay."""
    fences = Fences(lines)
    plain = [True] * len(lines)
    for position in range(len(lines)):
        if plain[position] and (end := fences.end(position)) is not None:
            plain[position : end + 1] = [False] * (end + 1 - position)
    targets: dict[str, str] = {}
    found: dict[int, str] = {}
    for position, line in enumerate(lines):
        if plain[position] and (definition := DEFINITION.match(line.text)):
            name = folded(definition[1])
            target = f"<{definition[2]}>" if definition[2] is not None else definition[3]
            if target and name not in targets:
                title = f' "{definition[4][1:-1]}"' if definition[4] else ""
                # Between angle brackets an address may hold what would end it.
                written = (
                    f"<{target}>" if not target.startswith("<") and re.search(r"[()]", target) and not title else target
                )
                targets[name] = f"({written}{title})"
                found[position] = name
    if not targets:
        return list(lines)
    used: set[str] = set()
    written_out = [
        Line(line.number, _written_out(line.text, targets, used)) if plain[at] and at not in found else line
        for at, line in enumerate(lines)
    ]
    return [Line(line.number, "") if found.get(at) in used else line for at, line in enumerate(written_out)]


def _written_out(text: str, targets: dict[str, str], used: set[str]) -> str:
    """A line with its links by reference written out."""
    closes = _brackets(text)
    kept: list[str] = []
    position = 0
    while position < len(text):
        end = closes.get(position)
        if end is None:
            kept.append(text[position])
            position += 1
            continue
        after, name = end + 1, text[position + 1 : end]
        if text[after : after + 1] == "(":
            # A link as it should be: nothing in its label is one by reference.
            kept.append(text[position:after])
            position = after
            continue
        if (close := closes.get(after)) is not None:
            name, after = text[after + 1 : close] or name, close + 1
        if (key := folded(name[:300])) in targets:
            used.add(key)
            kept.append(f"{text[position : end + 1]}{targets[key]}")
            position = after
        else:
            kept.append(text[position])
            position += 1
    return "".join(kept)


def _brackets(text: str) -> dict[int, int]:
    """Where each bracket that opens closes; a backslash hides the next character."""
    closes: dict[int, int] = {}
    open_: list[int] = []
    position = 0
    while position < len(text):
        mark = text[position]
        if mark == "[":
            open_.append(position)
        elif mark == "]" and open_:
            closes[open_.pop()] = position
        position += 2 if mark == "\\" else 1
    return closes
