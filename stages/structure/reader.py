"""One structure file, read key by key: what is irregular is noted, what leaves no sensible reading is an error.

Pure: no Django in it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from rapidfuzz.distance import DamerauLevenshtein

from stages.names import folded
from stages.structure.yamlfile import StructureError, YamlFile

PEOPLE = (
    "pm", "em", "pdm", "pmm", "spd", "ux", "uxr", "qm", "sm", "rem", "cm", "support", "sets",
    "backend_engineering_manager", "frontend_engineering_manager", "fullstack_managers",
    "fullstack_engineering_manager", "tech_writer", "appsec_engineer", "product_sponsor",
)  # fmt: skip
UNDECIDED = ("tbd", "tba", "n/a", "-", "")
KEY = re.compile(r"^[a-z0-9][a-z0-9_-]*$")
COMMENTED = re.compile(r"^\s*#\s*(\w*score)\s*:")


@dataclass(frozen=True, kw_only=True)
class Irregularity:
    """Something in the files that a person may want to put right. Nothing was lost by it."""

    kind: str
    file: str
    key: str
    sentence: str
    line: int | None = None


class Reader:
    """Takes values out of one file, naming file, line and key where one is not as expected."""

    def __init__(self, file: YamlFile, irregularities: list[Irregularity]) -> None:
        self.file = file
        self.found = irregularities
        self.types: dict[str, Counter[str]] = defaultdict(Counter)
        self.first_of_type: dict[tuple[str, str], int | None] = {}
        self.values: dict[str, Counter[str]] = defaultdict(Counter)
        self.lines_of_value: dict[tuple[str, str], int | None] = {}

    def report(self, kind: str, path: Sequence[str | int], sentence: str) -> None:
        """Note an irregularity."""
        key = ".".join(map(str, path))
        line = self.file.line(*path)
        self.found.append(Irregularity(kind=kind, file=self.file.name, key=key, line=line, sentence=sentence))

    def error(self, path: Sequence[str | int], sentence: str) -> StructureError:
        """The error that ends the run."""
        key = ".".join(map(str, path))
        return StructureError(sentence, file=self.file.name, line=self.file.line(*path), key=key)

    def mapping(self, value: Any, path: Sequence[str | int], what: str) -> dict[str, Any]:
        """A mapping whose keys are text."""
        if not isinstance(value, dict):
            raise self.error(path, f"Expected {what}, found {kind_of(value)}.")
        return {str(key): entry for key, entry in value.items()}

    def entries(
        self, value: Any, path: Sequence[str | int], what: str
    ) -> Iterable[tuple[str, dict[str, Any], list[str]]]:
        """The entries of a mapping from key to mapping, with their paths."""
        for key, entry in self.mapping(value, path, f"a mapping from {what} key to {what}").items():
            here = [*map(str, path), key]
            if len(key) > 100 or not KEY.match(key):
                raise self.error(here, f"A {what} key is made of small letters, digits, hyphens and underscores.")
            if "-" in key:
                self.report("hyphenated_key", here, f"The {what} key {key} has a hyphen where others have underscores.")
            yield key, self.mapping(entry, here, f"the mapping of a {what}"), here

    def text(self, entry: Mapping[str, Any], key: str, path: Sequence[str], limit: int = 1000) -> str:
        """Text, without surrounding blanks; null and absent are empty. A number is read as its digits."""
        value = entry.get(key)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | float | date):
            raise self.error([*path, key], f"Expected text, found {kind_of(value)}.")
        text = str(value).strip()
        if "\x00" in text:
            raise self.error([*path, key], "The text holds a NUL character, which cannot be stored.")
        if len(text) > limit:
            raise self.error([*path, key], f"The text is {len(text)} characters long; at most {limit} fit.")
        return text

    def name(self, entry: Mapping[str, Any], key: str, path: Sequence[str]) -> str:
        """The name; one that is missing is reported and the key stands in."""
        name = self.text(entry, key, path, 200)
        if not name:
            self.report("no_name", [*path, key], f"There is no {key}; the key stands in for it.")
            return path[-1]
        near = DamerauLevenshtein.distance(folded(name), folded(path[-1]))
        if 0 < near <= 2:
            self.report("key_misspelt", path, f"The key {path[-1]} is nearly the name {name!r}: one is misspelt.")
        return name

    def flag(self, entry: Mapping[str, Any], key: str, path: Sequence[str]) -> bool:
        """Yes or no; anything else is reported and counts as no."""
        value = entry.get(key)
        if value is None or isinstance(value, bool):
            return bool(value)
        self.report("wrong_type", [*path, key], f"Expected true or false, found {kind_of(value)}; taken as false.")
        return False

    def number(self, entry: Mapping[str, Any], key: str, path: Sequence[str], most: int) -> int | None:
        """A whole number from 0; null is reported where the key stands."""
        if key not in entry:
            return None
        value = entry[key]
        if value is None:
            self.report("empty_score", [*path, key], f"The key {key} stands without a value.")
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            self.report(
                "wrong_type", [*path, key], f"Expected a whole number from 0 to {most}, found {value!r}; left out."
            )
            return None
        return value

    def day(self, entry: Mapping[str, Any], key: str, path: Sequence[str]) -> str | None:
        """A date as ISO text."""
        value = entry.get(key)
        if value is None:
            return None
        if isinstance(value, datetime):
            value = value.date()
        if not isinstance(value, date):
            self.report("wrong_type", [*path, key], f"Expected a date like 2022-11-30, found {value!r}; left out.")
            return None
        return value.isoformat()

    def channel(self, entry: Mapping[str, Any], path: Sequence[str]) -> str:
        """The Slack channel without its #; null and TBD are reported and empty."""
        slack = entry.get("slack")
        if slack is None:
            return ""
        if not isinstance(slack, dict):
            self.report("wrong_type", [*path, "slack"], f"Expected channel and alias, found {kind_of(slack)}.")
            return ""
        channel = slack.get("channel")
        if channel is None or str(channel).strip().lower() in UNDECIDED:
            self.report("no_channel", [*path, "slack", "channel"], f"The Slack channel is {channel!r}; taken as none.")
            return ""
        return self.text(slack, "channel", [*path, "slack"], 99).lstrip("#")

    def people(self, entry: Mapping[str, Any], path: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """(role, name) pairs. A name, a list of names or null are all met; TBD is nobody."""
        found: list[tuple[str, str]] = []
        for role in PEOPLE:
            if role not in entry:
                continue
            value = entry[role]
            self.note_type(role, value, [*path, role])
            names = value if isinstance(value, list) else [value]
            for position, name in enumerate(names):
                here: list[str | int] = [*path, role, *([position] if isinstance(value, list) else [])]
                if name is None:
                    continue
                if not isinstance(name, str) or "\x00" in name or len(name) > 200:
                    self.report("wrong_type", here, f"Expected a name, found {kind_of(name)}; left out.")
                elif name.strip().lower() in UNDECIDED:
                    self.report("to_be_decided", here, f"{role} is {name!r}: nobody yet.")
                else:
                    found.append((role, name.strip()))
        for position, customer in enumerate(_list(entry.get("internal_customers"))):
            if isinstance(customer, dict) and isinstance(customer.get("dri"), str):
                dri = customer["dri"].strip()
                if dri.lower() in UNDECIDED:
                    self.report("to_be_decided", [*path, "internal_customers", position, "dri"], "Nobody yet.")
                else:
                    found.append((f"dri of {customer.get('department') or 'a department'}"[:100], dri[:200]))
        return tuple(dict.fromkeys(found))

    def note_type(self, key: str, value: Any, path: Sequence[str | int]) -> None:
        """Remember of which type a key was, for keys whose type varies."""
        kind = kind_of(value)
        self.types[key][kind] += 1
        self.first_of_type.setdefault((key, kind), self.file.line(*path))

    def choice(self, entry: Mapping[str, Any], key: str, path: Sequence[str], allowed: Sequence[str]) -> str:
        """One of a list of words; another is kept as written and reported."""
        value = self.text(entry, key, path, 50)
        if value and allowed and value not in allowed:
            self.report("unknown_choice", [*path, key], f"{value!r} is none of {', '.join(allowed)}.")
        return value

    def free_hand(self, entry: Mapping[str, Any], key: str, path: Sequence[str]) -> str:
        """A word that is written in many ways; the ways are reported once the file is read."""
        value = self.text(entry, key, path, 50)
        if value:
            self.values[key][value] += 1
            self.lines_of_value.setdefault((key, value), self.file.line(*path, key))
        return value

    def rest(
        self, entry: Mapping[str, Any], path: Sequence[str], known: set[str], taken: Iterable[str]
    ) -> dict[str, Any]:
        """What has no field of its own, without people. A key that nobody knows is reported."""
        left: dict[str, Any] = {}
        for key, value in entry.items():
            if key in taken or key in PEOPLE:
                continue
            if key not in known and not key.endswith("_team_tag"):
                self.report("unknown_key", [*path, key], f"The key {key} is not known; its value is kept as read.")
            if key == "internal_customers":
                value = [one.get("department") for one in _list(value) if isinstance(one, dict)]
            left[key] = plain(value)
        return left

    def keys(self, entry: Mapping[str, Any], key: str, path: Sequence[str]) -> list[str]:
        """A list of keys, each once."""
        value = entry.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.error([*path, key], f"Expected a list of keys, found {kind_of(value)}.")
        texts: list[str] = []
        for position, item in enumerate(value):
            if not isinstance(item, str):
                raise self.error([*path, key, position], f"Expected a key, found {kind_of(item)}.")
            texts.append(item.strip())
        return list(dict.fromkeys(texts))

    def finish(self) -> None:
        """Report what only the whole file shows."""
        for key, kinds in self.types.items():
            if len(kinds) > 1:
                met = ", ".join(f"{kind} {count}×" for kind, count in kinds.most_common())
                rarest = kinds.most_common()[-1][0]
                self.found.append(
                    Irregularity(
                        kind="type_varies",
                        file=self.file.name,
                        key=key,
                        line=self.first_of_type[(key, rarest)],
                        sentence=f"{key} is of several types: {met}.",
                    )
                )
        for key, values in self.values.items():
            spellings: dict[str, list[str]] = defaultdict(list)
            for value in values:
                spellings[folded(value)].append(value)
            for written in spellings.values():
                if len(written) > 1:
                    self.found.append(
                        Irregularity(
                            kind="free_spelling",
                            file=self.file.name,
                            key=key,
                            line=self.lines_of_value[(key, written[-1])],
                            sentence=f"{key} spells one thing in {len(written)} ways: {', '.join(written)}.",
                        )
                    )
            if len(values) > 5:
                listed = ", ".join(f"{value} {count}×" for value, count in values.most_common())
                self.found.append(
                    Irregularity(
                        kind="free_enumeration",
                        file=self.file.name,
                        key=key,
                        sentence=f"{key} is written free hand, in {len(values)} ways: {listed}.",
                    )
                )
        for number, line in enumerate(self.file.text.splitlines(), start=1):
            if commented := COMMENTED.match(line):
                self.found.append(
                    Irregularity(
                        kind="commented_out",
                        file=self.file.name,
                        key=commented[1],
                        line=number,
                        sentence=f"A {commented[1]} is commented out; a YAML reader does not see it.",
                    )
                )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def kind_of(value: Any) -> str:
    """The type of a YAML value in words."""
    words = {
        type(None): "nothing", bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list",
        dict: "a mapping", date: "a date", datetime: "a time",
    }  # fmt: skip
    return words.get(type(value), type(value).__name__)


def plain(value: Any) -> Any:
    """The value as JSON can hold it."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return value.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    return str(value)
