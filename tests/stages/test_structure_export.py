"""The structure is exported as files that import without change."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from stages.contacts import remove_contact
from stages.models import Category, Contact, Group, Responsibility, Section, Stage
from stages.structure.exporting import export_structure
from stages.structure.reading import structure_of
from stages.structure.report import StructureReport
from stages.structure.sync import sync_structure
from stages.structure.yamlfile import parse_yaml
from tests.stages.test_structure import CATEGORIES, SECTIONS, STAGES

pytestmark = pytest.mark.django_db
SMALL = {"sections": SECTIONS, "stages": STAGES, "categories": CATEGORIES}


def bring_in(texts: dict[str, str]) -> StructureReport:
    files = {name: parse_yaml(text, f"{name}.yml") for name, text in texts.items()}
    return sync_structure(structure=structure_of(files), source="a test")


def test_the_real_structure_is_exported_and_imports_without_change(shared_data: Path) -> None:
    folder = shared_data / "handbook"
    bring_in({name: (folder / f"{name}.yml").read_text() for name in SMALL})
    exported = export_structure()
    report = bring_in(exported)
    assert (report.changes, report.conflicts) == ([], [])
    assert {kind: counts["unchanged"] for kind, counts in report.counts.items()} == {
        "sections": 10, "stages": 20, "groups": 60, "categories": 139,
    }  # fmt: skip
    people = sorted(Responsibility.objects.values_list("contact__name", "role"))
    for model in (Responsibility, Contact, Category, Group, Stage, Section):
        model._default_manager.all().delete()
    bring_in(exported)
    assert export_structure() == exported
    assert sorted(Responsibility.objects.values_list("contact__name", "role")) == people


def test_edits_are_exported_and_whoever_was_removed_is_not() -> None:
    bring_in(SMALL)
    Stage.objects.update(name="Build", direction="/mine", related_keys=["plan"], spend_percent="12.5")
    Category.objects.update(maturity="lovable", available=None, extra={"roi": 3, "maturity": "odd"})
    remove_contact(contact=Contact.objects.get(name="Bea"), on=date(2026, 11, 28))
    exported = export_structure()
    assert "Bea" not in exported["stages"]
    for text in ("display_name: Build", "direction: /mine", "stage_development_spend_percent: 12.5"):
        assert text in exported["stages"]
    assert "maturity: lovable" in exported["categories"]
    assert bring_in(exported).changes == []


def test_a_group_moved_to_a_stage_of_the_portal_takes_it_into_the_file() -> None:
    bring_in(SMALL)
    new = Stage.objects.create(key="new", name="New", in_structure=False)
    Stage.objects.create(key="page_only", name="Only a page", in_structure=False)
    Group.objects.update(stage=new)
    exported = export_structure()
    assert "page_only" not in exported["stages"]
    assert [one.how for one in bring_in(exported).changes] == ["updated"]
    assert Group.objects.get().stage == new


def test_files_are_written_and_downloaded(viewer_client: Client, tmp_path: Path) -> None:
    bring_in(SMALL)
    call_command("export_structure", str(tmp_path), stdout=io.StringIO())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["categories.yml", "sections.yml", "stages.yml"]
    answer = viewer_client.get("/stages/structure/stages.yml")
    assert answer.content.decode() == (tmp_path / "stages.yml").read_text()
    assert viewer_client.get("/stages/structure/other.yml").status_code == 404
    with pytest.raises(CommandError, match="is not a folder"):
        call_command("export_structure", str(tmp_path / "none"))
