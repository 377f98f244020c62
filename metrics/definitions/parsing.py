"""From a file's entry to a definition: old and new format, list time frames expanded. No Django, no database."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from metrics.definitions.files import Entry, Fault

VALUE_TYPES = ("string", "number", "boolean", "object")
TIME_FRAMES = ("7d", "28d", "all", "none")
STATUSES = {
    "active": "active",
    "broken": "broken",
    "removed": "removed",
    "data_available": "active",
    "implemented": "active",
    "deprecated": "deprecated",
    "not_used": "not_used",
}
"""Words of both formats; ``deprecated`` and ``not_used`` have no successor and stay what they are."""

TIERS = {
    "free": "free",
    "starter": "premium",
    "bronze": "premium",
    "silver": "premium",
    "premium": "premium",
    "gold": "ultimate",
    "ultimate": "ultimate",
}
CATEGORIES = ("operational", "optional", "subscription", "standard")
SUFFIXES = {"7d": "_weekly", "28d": "_monthly", "all": ""}

FIELDS = frozenset(
    {
        "key_path",
        "name",
        "description",
        "product_group",
        "product_categories",
        "value_type",
        "value_json_schema",
        "status",
        "milestone",
        "milestone_removed",
        "introduced_by_url",
        "removed_by_url",
        "repair_issue_url",
        "time_frame",
        "data_source",
        "data_category",
        "instrumentation_class",
        "options",
        "events",
        "performance_indicator_type",
        "tiers",
    }
)
OLD_FIELDS = frozenset(
    {
        "product_section",
        "product_stage",
        "product_category",
        "distribution",
        "tier",
        "skip_validation",
    }
)

INDICATORS = ("smau", "gmau", "paid_gmau", "umau")


@dataclass(frozen=True, kw_only=True)
class ParsedDefinition:
    """One definition as the dictionary keeps it."""

    key_path: str
    values: dict[str, Any]
    file: str
    line: int
    raw: dict[str, Any]
    text: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ParsedEvent:
    """An event definition, recognised by its ``action``."""

    action: str
    values: dict[str, Any]
    file: str
    line: int
    raw: dict[str, Any]


@dataclass
class _Reading:
    """Collects the faults and notes while one entry is read."""

    entry: Entry
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def fault(self, key: str, message: str) -> None:
        line = self.entry.lines.get(key, self.entry.line)
        self.faults.append(Fault(file=self.entry.file, line=line, key=key, message=message))

    def text(self, key: str) -> str:
        value = self.entry.fields.get(key)
        if value is None:
            return ""
        if isinstance(value, bool | int):
            return str(value).lower() if isinstance(value, bool) else str(value)
        if not isinstance(value, str):
            self.fault(key, f"expected text, found {_named(value)}")
            return ""
        return value.strip()

    def words(self, key: str) -> list[str]:
        value = self.entry.fields.get(key)
        if value is None or value == "":
            return []
        if isinstance(value, str):
            self.notes.append(f"{key} is a text where a list is expected; read as a list of one")
            return [value.strip()]
        if not isinstance(value, list) or not all(isinstance(item, str | int) for item in value):
            self.fault(key, f"expected a list of words, found {_named(value)}")
            return []
        return list(dict.fromkeys(str(item).strip() for item in value))

    def choice(self, key: str, allowed: tuple[str, ...] | dict[str, str]) -> str:
        value = self.text(key)
        if value.lower() in allowed:
            return allowed[value.lower()] if isinstance(allowed, dict) else value.lower()
        if not any(fault.key == key for fault in self.faults):
            found = f"found {value!r}" if value else "it is missing" if key not in self.entry.fields else "it is empty"
            self.fault(key, f"expected one of {', '.join(allowed)}; {found}")
        return ""


def is_event(entry: Entry) -> bool:
    """Whether an entry is an event definition and not a metric."""
    return "key_path" not in entry.fields and "action" in entry.fields


def parse_event(entry: Entry) -> ParsedEvent | Fault:
    """An event definition; only its action is demanded, the rest is kept as it is."""
    reading = _Reading(entry)
    action = reading.text("action")
    if not action:
        reading.fault("action", "expected the event's name")
    values: dict[str, Any] = {key: reading.text(key) for key in ("description", "category", "product_group")}
    values["internal_events"] = entry.fields.get("internal_events") is True
    if reading.faults:
        return reading.faults[0]
    return ParsedEvent(action=action, values=values, file=entry.file, line=entry.line, raw=entry.fields)


def parse_definition(entry: Entry, *, allow_unknown_fields: bool = False) -> tuple[list[ParsedDefinition], list[Fault]]:
    """The definitions of an entry: one, or one for each of its time frames. With a fault, none."""
    reading = _Reading(entry)
    _check_fields(reading, allow_unknown_fields)
    key_path = _key_path(reading)
    values = _values(reading)
    frames = _time_frames(reading)
    if reading.faults:
        return [], reading.faults
    expanded = len(frames) > 1 or isinstance(entry.fields.get("time_frame"), list)
    return [
        ParsedDefinition(
            key_path=key_path + SUFFIXES[frame] if expanded else key_path,
            values=values | {"time_frame": frame},
            file=entry.file,
            line=entry.line,
            raw=entry.fields,
            text=entry.text,
            notes=tuple(reading.notes),
        )
        for frame in frames
    ], []


def indicator_kinds(
    *, types: Sequence[str], value_type: str, time_frame: str, written_time_frame: object
) -> tuple[str, ...]:
    """The indicators for which a definition stands, in a fixed order; none for what is no number.

    When one file names several windows, the indicator is the 28-day one: otherwise its weekly twin would be a second
    metric of the same subject, a conflict that the author of the file cannot have meant.
    """
    if value_type != "number":
        return ()
    if isinstance(written_time_frame, list) and "28d" in written_time_frame and time_frame != "28d":
        return ()
    return tuple(kind for kind in INDICATORS if kind in types)


def _check_fields(reading: _Reading, allow_unknown: bool) -> None:
    known = FIELDS | OLD_FIELDS
    for key in reading.entry.fields:
        if key in known:
            continue
        if allow_unknown:
            reading.notes.append(f"unknown field {key}, kept as read")
            continue
        close = difflib.get_close_matches(key, known, n=1, cutoff=0.75)
        hint = f"did you mean {close[0]}?" if close else "remove it, or import with --allow-unknown-fields"
        reading.fault(key, f"no field of a metric definition; {hint}")


def _key_path(reading: _Reading) -> str:
    key_path = reading.text("key_path")
    if not key_path:
        reading.fault("key_path", "expected the dot-joined path of the metric; it is missing or empty")
    elif any(not part for part in key_path.split(".")) or any(letter.isspace() for letter in key_path):
        reading.fault("key_path", f"expected keys joined by single dots, without spaces; found {key_path!r}")
    elif "/" in key_path:
        reading.fault("key_path", f"a slash is no part of a key path; found {key_path!r}")
    return key_path


def _time_frames(reading: _Reading) -> list[str]:
    value = reading.entry.fields.get("time_frame")
    if not isinstance(value, list):
        return [reading.choice("time_frame", TIME_FRAMES)]
    frames = reading.words("time_frame")
    wrong = [frame for frame in frames if frame not in SUFFIXES]
    if wrong or not frames or len(frames) != len(value):
        reading.fault("time_frame", f"expected a list of different ones of {', '.join(SUFFIXES)}; found {value!r}")
    return frames


def _values(reading: _Reading) -> dict[str, Any]:
    fields = reading.entry.fields
    values: dict[str, Any] = {
        key: reading.text(key)
        for key in (
            "name",
            "description",
            "product_group",
            "product_section",
            "product_stage",
            "value_json_schema",
            "milestone",
            "milestone_removed",
            "introduced_by_url",
            "removed_by_url",
            "repair_issue_url",
            "instrumentation_class",
        )
    }
    values["value_type"] = reading.choice("value_type", VALUE_TYPES)
    values["status"] = reading.choice("status", STATUSES)
    values["data_source"] = reading.text("data_source").lower()
    category = reading.text("data_category").lower()
    if category and category not in CATEGORIES:
        reading.fault("data_category", f"expected one of {', '.join(CATEGORIES)}; found {category!r}")
    values["data_category"] = category
    categories = reading.words("product_categories")
    old_category = reading.text("product_category")
    values["product_categories"] = categories or ([old_category] if old_category else [])
    values["performance_indicator_type"] = [word.lower() for word in reading.words("performance_indicator_type")]
    tier_key = "tiers" if "tiers" in fields else "tier"
    tiers = [TIERS.get(word.lower(), word.lower()) for word in reading.words(tier_key)]
    values["tiers"] = list(dict.fromkeys(tiers))
    values["distribution"] = [word.lower() for word in reading.words("distribution")]
    options = fields.get("options")
    if options is not None and not isinstance(options, dict):
        reading.fault("options", f"expected a mapping, found {_named(options)}")
    values["options"] = options if isinstance(options, dict) else {}
    values["events"] = _events(reading, values["options"])
    return values


def _events(reading: _Reading, options: dict[str, Any]) -> list[dict[str, Any]]:
    """The events counted, as ``{name, unique?, filter?, operator?}``; old files list bare names in the options."""
    events = reading.entry.fields.get("events")
    if events is None:
        events = options.get("events")
        events = events if isinstance(events, list) else []
    if not isinstance(events, list):
        reading.fault("events", f"expected a list of events, found {_named(events)}")
        return []
    made: list[dict[str, Any]] = []
    for event in events:
        if isinstance(event, str):
            made.append({"name": event})
        elif isinstance(event, dict) and isinstance(event.get("name"), str):
            made.append(event)
        else:
            reading.fault("events", f"expected events with a name, found {_named(event)}")
            return []
    return made


def _named(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return f"{value!r}"
