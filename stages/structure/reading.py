"""What sections.yml, stages.yml and categories.yml say, and what is irregular in them. Pure: no Django in it.

Irregular is reported and imported all the same; an error is only what leaves no sensible reading.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.structure.reader import PEOPLE, Irregularity, Reader
from stages.structure.yamlfile import YamlFile, read_yaml

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
        related = reader.keys(entry, "related", path)
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
    categories = tuple(reader.keys(entry, "categories", path))
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
