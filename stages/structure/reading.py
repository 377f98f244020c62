"""What sections.yml, stages.yml and categories.yml say, and what is irregular in them. Pure: no Django in it.

Irregular is reported and imported all the same; an error is only what leaves no sensible reading.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from rapidfuzz.distance import DamerauLevenshtein

from stages.names import folded
from stages.structure.yamlfile import StructureError, YamlFile, read_yaml

PEOPLE = (
    "pm", "em", "pdm", "pmm", "spd", "ux", "uxr", "qm", "sm", "rem", "cm", "support", "sets",
    "backend_engineering_manager", "frontend_engineering_manager", "fullstack_managers",
    "fullstack_engineering_manager", "tech_writer", "appsec_engineer", "product_sponsor",
)  # fmt: skip
SECTION_KEYS = {"name", "direction", "slack", "handbook", "description", *PEOPLE}
STAGE_KEYS = {
    "display_name", "section", "marketing", "tw", "direction", "groups", "established", "related", "handbook",
    "roadmap", "slack", "lifecycle", "usage_driver_score", "revenue_driver_score", "sam_driver_score",
    "stage_development_spend_percent", "description", "body", "image", "gitlab_group", "analyst_reports",
    "enabling", "cta", "internal_customers", "comp_comparison", "pi_gmau", "pi_pgmau", *PEOPLE,
}  # fmt: skip
GROUP_KEYS = {
    "name", "categories", "internal_customers", "focus", "usage_driver_score", "asp_driver_score", "sam_driver_score",
    "pi_gmau", "pi_pgmau", "group_link", "handbook", "direction", "roadmap", "slack", "label", "description", "body",
    "feature_labels", "group_development_spend_percent", "analyst_reports", "comp_comparison", "gitlab_group",
    "google_group", "group_developers", "image", "be_team_tag", "fe_team_tag", "cs_team_tag",
    "infra_reliability_team_tag", *PEOPLE,
}  # fmt: skip
CATEGORY_KEYS = {
    "name", "stage", "direction", "description", "marketing", "maturity", "available", "viable", "complete", "lovable",
    "documentation", "roi", "dogfooding_status", "dogfooding_issue", "dogfooding_group", "priority_level",
    "ux_scorecard_score", "ux_scorecard_link", "label", "feature_labels", "competitors", "new_maturity",
    "marketing_page", "opportunity", "body", "acquisition_one", "acquisition_two", "link", "link_description",
}  # fmt: skip
MATURITIES = ("planned", "minimal", "viable", "complete", "lovable")
PRIORITIES = ("high", "medium", "low")
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


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A section, stage, group or category as read: fields by the names of our models, people, the rest."""

    key: str
    parent: str = ""
    order: int = 0
    fields: Mapping[str, Any] = field(default_factory=dict)
    people: tuple[tuple[str, str], ...] = ()
    categories: tuple[str, ...] = ()
    line: int | None = None


@dataclass(kw_only=True)
class Structure:
    """What was read; ``None`` for a file that was not given."""

    sections: list[Entry] | None = None
    stages: list[Entry] | None = None
    groups: list[Entry] | None = None
    categories: list[Entry] | None = None
    irregularities: list[Irregularity] = field(default_factory=list)


def read_structure(
    *, sections: Path | None = None, stages: Path | None = None, categories: Path | None = None
) -> Structure:
    """Read the files that are given and compare them with each other."""
    paths = {"sections": sections, "stages": stages, "categories": categories}
    return structure_of({name: read_yaml(path) for name, path in paths.items() if path is not None})


def structure_of(files: Mapping[str, YamlFile]) -> Structure:
    """What files say that were read already, by ``sections``, ``stages`` and ``categories``."""
    structure = Structure()
    for name, read in (("sections", _sections), ("stages", _stages), ("categories", _categories)):
        if name in files:
            reader = Reader(files[name], structure.irregularities)
            read(reader, structure)
            reader.finish()
    _compare(structure, *(files[name].name if name in files else "" for name in ("stages", "categories")))
    structure.irregularities.sort(key=lambda found: (found.kind, found.file, found.line or 0, found.key))
    return structure


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


def _sections(reader: Reader, structure: Structure) -> None:
    structure.sections = []
    root = {} if reader.file.value is None else reader.file.value
    for order, (key, entry, path) in enumerate(reader.entries(root, [], "section"), start=1):
        fields: dict[str, Any] = {
            "name": reader.name(entry, "name", path),
            "direction": reader.text(entry, "direction", path),
            "handbook": reader.text(entry, "handbook", path),
            "description": reader.text(entry, "description", path, 20_000),
            "slack_channel": reader.channel(entry, path),
            "tags": reader.rest(entry, path, SECTION_KEYS, ("name", "direction", "handbook", "description", "slack")),
        }
        structure.sections.append(Entry(key=key, order=order, fields=fields, people=reader.people(entry, path)))


STAGE_TAKEN = (
    "display_name", "section", "marketing", "direction", "groups", "established", "related", "handbook", "roadmap",
    "slack", "lifecycle", "usage_driver_score", "revenue_driver_score", "sam_driver_score",
    "stage_development_spend_percent", "description", "body",
)  # fmt: skip
GROUP_TAKEN = (
    "name", "categories", "focus", "usage_driver_score", "asp_driver_score", "sam_driver_score", "pi_gmau",
    "pi_pgmau", "group_link", "handbook", "direction", "roadmap", "slack", "label", "description", "body",
)  # fmt: skip
CATEGORY_TAKEN = (
    "name", "stage", "direction", "description", "marketing", "maturity", "available", "viable", "complete",
    "lovable", "documentation", "dogfooding_status", "priority_level", "label",
)  # fmt: skip


def _stages(reader: Reader, structure: Structure) -> None:
    structure.stages, structure.groups = [], []
    root = reader.mapping(reader.file.value, [], "a mapping with the key stages")
    if "stages" not in root:
        raise reader.error([], "Expected the top key stages with a mapping from stage key to stage.")
    spend: list[tuple[str, float]] = []
    first_seen: dict[str, str] = {}
    for order, (key, entry, path) in enumerate(reader.entries(root["stages"], ["stages"], "stage"), start=1):
        related = _texts(reader, entry, "related", path)
        percent = entry.get("stage_development_spend_percent")
        if isinstance(percent, int | float) and not isinstance(percent, bool) and 0 <= percent <= 100:
            spend.append((key, float(percent)))
        elif percent is not None:
            reader.report(
                "wrong_type", [*path, "stage_development_spend_percent"], f"Expected a per cent, found {percent!r}."
            )
            percent = None
        fields: dict[str, Any] = {
            "name": reader.name(entry, "display_name", path),
            "section": reader.text(entry, "section", path, 100),
            "description": reader.text(entry, "description", path, 20_000),
            "body": reader.text(entry, "body", path, 100_000),
            "direction": reader.text(entry, "direction", path),
            "handbook": reader.text(entry, "handbook", path),
            "roadmap": reader.text(entry, "roadmap", path),
            "slack_channel": reader.channel(entry, path),
            "established": reader.number(entry, "established", path, 3000),
            "lifecycle": reader.number(entry, "lifecycle", path, 100),
            "marketing": reader.flag(entry, "marketing", path),
            "usage_driver_score": reader.number(entry, "usage_driver_score", path, 5),
            "revenue_driver_score": reader.number(entry, "revenue_driver_score", path, 5),
            "sam_driver_score": reader.number(entry, "sam_driver_score", path, 5),
            "spend_percent": None if percent is None else str(round(float(percent), 3)),
            "related_keys": related,
            "extra": reader.rest(entry, path, STAGE_KEYS, STAGE_TAKEN),
        }
        people = reader.people(entry, path)
        line = reader.file.line(*path)
        structure.stages.append(
            Entry(key=key, parent=fields["section"], order=order, fields=fields, people=people, line=line)
        )
        groups = entry.get("groups")
        if groups is None:
            reader.report("no_groups", [*path, "groups"], "The stage has no groups.")
            continue
        for place, (group_key, group, group_path) in enumerate(
            reader.entries(groups, [*path, "groups"], "group"), start=1
        ):
            if group_key in first_seen:
                raise reader.error(
                    group_path, f"The group stands in {first_seen[group_key]} as well; a group has one stage."
                )
            first_seen[group_key] = key
            structure.groups.append(_group(reader, group_key, group, group_path, stage=key, order=order * 1000 + place))
    _related(reader, {stage.key for stage in structure.stages}, structure.stages)
    total = len(structure.stages)
    if spend and len(spend) < total:
        reader.report(
            "spend_incomplete",
            ["stages", spend[0][0], "stage_development_spend_percent"],
            f"stage_development_spend_percent adds up to {sum(value for _, value in spend):.3f} over the {len(spend)} "
            f"of {total} stages that have it.",
        )
    _labels(reader, structure.groups)


def _group(reader: Reader, key: str, entry: dict[str, Any], path: list[str], *, stage: str, order: int) -> Entry:
    label = reader.text(entry, "label", path, 200)
    if re.match(r"^group:(?!:)", label):
        reader.report("single_colon_label", [*path, "label"], f"The label {label!r} has one colon where two are usual.")
    fields: dict[str, Any] = {
        "name": reader.name(entry, "name", path),
        "stage": stage,
        "description": reader.text(entry, "description", path, 20_000),
        "body": reader.text(entry, "body", path, 100_000),
        "direction": reader.text(entry, "direction", path),
        "handbook": reader.text(entry, "handbook", path),
        "roadmap": reader.text(entry, "roadmap", path),
        "slack_channel": reader.channel(entry, path),
        "focus": reader.text(entry, "focus", path, 500),
        "label": label,
        "group_link": reader.text(entry, "group_link", path),
        "pi_gmau": reader.text(entry, "pi_gmau", path),
        "pi_pgmau": reader.text(entry, "pi_pgmau", path),
        "usage_driver_score": reader.number(entry, "usage_driver_score", path, 5),
        "asp_driver_score": reader.number(entry, "asp_driver_score", path, 5),
        "sam_driver_score": reader.number(entry, "sam_driver_score", path, 5),
        "extra": reader.rest(entry, path, GROUP_KEYS, GROUP_TAKEN),
    }
    categories = tuple(_texts(reader, entry, "categories", path))
    people = reader.people(entry, path)
    return Entry(
        key=key,
        parent=stage,
        order=order,
        fields=fields,
        people=people,
        categories=categories,
        line=reader.file.line(*path),
    )


def _categories(reader: Reader, structure: Structure) -> None:
    structure.categories = []
    root = {} if reader.file.value is None else reader.file.value
    for order, (key, entry, path) in enumerate(reader.entries(root, [], "category"), start=1):
        if str(entry.get("ux_scorecard_score", "")).strip() == "-":
            reader.report("no_score", [*path, "ux_scorecard_score"], "The score is a dash: no score.")
        fields: dict[str, Any] = {
            "name": reader.name(entry, "name", path),
            "stage": reader.text(entry, "stage", path, 100),
            "description": reader.text(entry, "description", path, 20_000),
            "direction": reader.text(entry, "direction", path),
            "documentation": reader.text(entry, "documentation", path),
            "marketing": reader.flag(entry, "marketing", path),
            "maturity": reader.choice(entry, "maturity", path, MATURITIES),
            "available": reader.day(entry, "available", path),
            "viable": reader.day(entry, "viable", path),
            "complete": reader.day(entry, "complete", path),
            "lovable": reader.day(entry, "lovable", path),
            "priority_level": reader.choice(entry, "priority_level", path, PRIORITIES),
            "dogfooding_status": reader.free_hand(entry, "dogfooding_status", path),
            "label": reader.text(entry, "label", path, 200),
            "extra": reader.rest(entry, path, CATEGORY_KEYS, CATEGORY_TAKEN),
        }
        if fields["maturity"] not in ("", *MATURITIES):
            fields["extra"]["maturity"], fields["maturity"] = fields["maturity"], ""
        structure.categories.append(
            Entry(key=key, parent=fields["stage"], order=order, fields=fields, line=reader.file.line(*path))
        )


def _related(reader: Reader, keys: set[str], stages: Sequence[Entry]) -> None:
    for stage in stages:
        for position, other in enumerate(stage.fields["related_keys"]):
            path: list[str | int] = ["stages", stage.key, "related", position]
            if other == stage.key:
                reader.report("related_to_itself", path, f"{stage.key} names itself as related.")
            elif other not in keys:
                reader.report(
                    "related_unknown", path, f"{stage.key} names {other} as related, which is not in the file."
                )


def _labels(reader: Reader, groups: Sequence[Entry]) -> None:
    owners: dict[str, list[Entry]] = defaultdict(list)
    for group in groups:
        if group.fields["label"]:
            owners[group.fields["label"]].append(group)
    for label, found in owners.items():
        if len(found) > 1:
            last = found[-1]
            path = ["stages", last.parent, "groups", last.key, "label"]
            names = ", ".join(group.key for group in found)
            reader.report("label_not_unique", path, f"The label {label!r} is that of {names}.")


def _compare(structure: Structure, stages_file: str, categories_file: str) -> None:
    """What only several files together show."""
    found = structure.irregularities
    if structure.stages is not None and structure.sections is not None:
        sections = {section.key for section in structure.sections}
        for stage in structure.stages:
            if stage.parent not in sections:
                sentence = f"The section {stage.parent!r} is not in the sections file; the stage stands without one."
                found.append(
                    Irregularity(
                        kind="section_unknown",
                        file=stages_file,
                        key=f"stages.{stage.key}",
                        line=stage.line,
                        sentence=sentence,
                    )
                )
    if structure.groups is None or structure.categories is None:
        return
    groups_of: dict[str, list[Entry]] = defaultdict(list)
    for group in structure.groups:
        for category in dict.fromkeys(group.categories):
            groups_of[category].append(group)
    known = {category.key for category in structure.categories}
    for key, groups in groups_of.items():
        if key not in known:
            where = f"stages.{groups[0].parent}.groups.{groups[0].key}.categories"
            sentence = f"The category {key} is not in the categories file; left out."
            found.append(
                Irregularity(
                    kind="category_unknown", file=stages_file, key=where, line=groups[0].line, sentence=sentence
                )
            )
    stage_keys = {stage.key for stage in structure.stages or []}
    for entry in structure.categories:
        groups = groups_of.get(entry.key, [])
        at: dict[str, Any] = {"file": categories_file, "key": entry.key, "line": entry.line}
        if not groups:
            found.append(Irregularity(kind="category_in_no_group", sentence=f"{entry.key} is in no group.", **at))
        elif len(groups) > 1:
            names = ", ".join(group.key for group in groups)
            sentence = f"{entry.key} is in {len(groups)} groups: {names}."
            found.append(Irregularity(kind="category_in_several_groups", sentence=sentence, **at))
        if groups and entry.parent not in {group.parent for group in groups}:
            sentence = (
                f"{entry.key} names the stage {entry.parent}, its group {groups[0].key} is in "
                f"{groups[0].parent}; the group wins."
            )
            found.append(Irregularity(kind="category_stage_differs", sentence=sentence, **at))
        if entry.parent and entry.parent not in stage_keys:
            sentence = f"{entry.key} names the stage {entry.parent}, which is not in the stages file."
            found.append(Irregularity(kind="category_stage_unknown", sentence=sentence, **at))


def _texts(reader: Reader, entry: Mapping[str, Any], key: str, path: Sequence[str]) -> list[str]:
    value = entry.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise reader.error([*path, key], f"Expected a list of keys, found {kind_of(value)}.")
    texts: list[str] = []
    for position, item in enumerate(value):
        if not isinstance(item, str):
            raise reader.error([*path, key, position], f"Expected a key, found {kind_of(item)}.")
        texts.append(item.strip())
    return list(dict.fromkeys(texts))


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
