"""Builders of the metrics tests: definitions as files, a small catalog, imports of both."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import yaml

from metrics.definitions.importing import ImportReport, import_definitions
from metrics.models import MetricDefinition
from stages.models import Group, Section, Stage


def definition(key_path: str, **fields: Any) -> dict[str, Any]:
    """A definition in good order, as its YAML would say it; ``None`` leaves a field out."""
    values = {
        "key_path": key_path,
        "description": "People who did something",
        "product_group": "source_code",
        "value_type": "number",
        "status": "active",
        "milestone": "13.2",
        "introduced_by_url": "https://example.org/mr/1",
        "time_frame": "28d",
        "data_source": "database",
        "data_category": "optional",
        "tiers": ["free", "premium", "ultimate"],
        "performance_indicator_type": [],
    } | fields
    return {key: value for key, value in values.items() if value is not None}


def write_definitions(folder: Path, *definitions: dict[str, Any]) -> Path:
    """The definitions as one file with a list."""
    file = folder / "definitions.yml"
    file.write_text(yaml.safe_dump(list(definitions), sort_keys=False), encoding="utf-8")
    return file


def import_all(folder: Path, *definitions: dict[str, Any], from_month: date | None = None) -> ImportReport:
    """Import these definitions as a person would."""
    return import_definitions(path=write_definitions(folder, *definitions), from_month=from_month)


def the_metric(key_path: str) -> MetricDefinition:
    """The definition of a key path, fresh from the database."""
    return MetricDefinition.objects.get(key_path=key_path)


def a_small_catalog() -> None:
    """Dev with Create (Source Code, Code Review) and Plan (Project Management)."""
    dev = Section.objects.create(key="dev", name="Dev")
    create = Stage.objects.create(key="create", name="Create", section=dev)
    plan = Stage.objects.create(key="plan", name="Plan", section=dev)
    Group.objects.create(key="source_code", name="Source Code", stage=create)
    Group.objects.create(key="code_review", name="Code Review", stage=create)
    Group.objects.create(key="project_management", name="Project Management", stage=plan)
