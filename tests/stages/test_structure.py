"""The structure files: read with all that is irregular in them, brought into the catalog whole or not at all."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from portal.models import User
from stages.contacts import name_people, remove_contact
from stages.disputes import decide
from stages.models import Category, Contact, FieldConflict, FormerKey, Group, Responsibility, Section, Stage, Succession
from stages.restructuring import rename, today
from stages.restructuring.wishes import may_edit
from stages.structure.reading import read_structure
from stages.structure.yamlfile import StructureError
from tests.builders import a_user
from tests.conftest import browser_of
from tests.stages.builders import a_stage

SECTIONS = "dev:\n  name: Dev\n  direction: /d\n  pm: Ada\n"
STAGES = """\
stages:
  create:
    display_name: Create
    section: dev
    direction: /c
    pm: Ada
    em: [Bea, TBD]
    groups:
      source_code:
        name: Source Code
        categories: [scm]
"""
CATEGORIES = "scm:\n  name: SCM\n  stage: create\n  direction:\n  maturity: complete\n  available: 2020-01-01\n"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    written = {"sections": SECTIONS, "stages": STAGES, "categories": CATEGORIES}
    for name, text in written.items():
        (tmp_path / f"{name}.yml").write_text(text)
    return {name: tmp_path / f"{name}.yml" for name in written}


def run(files: dict[str, Path]) -> dict[str, Any]:
    out = io.StringIO()
    call_command("import_structure", stdout=out, json=True, **files)
    document: dict[str, Any] = json.loads(out.getvalue())
    return document


@pytest.fixture
def real(shared_data: Path) -> dict[str, Path]:
    return {name: shared_data / "handbook" / f"{name}.yml" for name in ("sections", "stages", "categories")}


@pytest.mark.django_db
def test_the_real_files_import_whole_and_a_second_time_without_change(real: dict[str, Path]) -> None:
    first, second = run(real), run(real)
    expected = {"sections": 10, "stages": 20, "groups": 60, "categories": 139}
    assert {kind: first[kind]["created"] for kind in expected} == expected
    assert {kind: second[kind]["unchanged"] for kind in expected} == expected
    assert (Section.objects.count(), Stage.objects.count()) == (10, 20)
    assert (Group.objects.count(), Category.objects.count()) == (60, 139)
    assert {group.key for group in Category.objects.get(key="gitaly").groups.all()} == {"gitaly_cluster", "gitaly_git"}
    assert Stage.objects.get(key="anti-abuse").section == Section.objects.get(key="data-science")


def test_each_irregularity_of_the_real_files_is_reported_by_kind_with_its_place(real: dict[str, Path]) -> None:
    found = read_structure(**real).irregularities
    keys: dict[str, set[str]] = {}
    for one in found:
        keys.setdefault(one.kind, set()).add(one.key)
    assert keys["category_in_several_groups"] == {"gitaly", "runner_saas"}
    assert keys["category_in_no_group"] == {"code_search", "dora_metrics", "gitlab_handbook", "snippets"}
    assert keys["category_stage_differs"] == {"value_stream_management"}
    assert {key.rsplit(".")[-1] for key in keys["hyphenated_key"]} == {"anti-abuse", "data-science", "5-min-app"}
    assert keys["key_misspelt"] == {"stages.mobile.groups.moble_devops"}
    assert keys["single_colon_label"] == {"stages.plan.groups.certify.label"}
    assert {key.split(".")[1] for key in keys["related_unknown"]} == {"platforms"}
    assert {key.split(".")[1] for key in keys["related_to_itself"]} == {"secure"}
    assert {"pm", "em", "support"} <= keys["type_varies"]
    kinds = ("label_not_unique", "to_be_decided", "no_channel", "commented_out", "empty_score", "no_score")
    assert keys["free_enumeration"] == {"dogfooding_status"}
    assert all(keys[kind] for kind in (*kinds, "spend_incomplete", "free_spelling"))
    assert all(one.file and one.key and one.sentence for one in found)
    assert {one.kind for one in found if one.line is None} == {"free_enumeration"}


BROKEN = {
    "stages": [
        ("stages:\n  create: [", 2, "not valid YAML"),
        ("stages:\n  create: text\n", 2, "Expected the mapping of a stage, found text"),
        ("other: 1\n", None, "Expected the top key stages"),
        ("- a\n", None, "Expected a mapping with the key stages, found a list"),
        ("", None, "found nothing"),
        (STAGES + "  create:\n    display_name: B\n", 12, "stands twice, first on line 2"),
        (STAGES.replace("[scm]", "scm"), 11, "Expected a list of keys, found text"),
        (STAGES.replace("name: Create", "name: [a]"), 3, "Expected text, found a list"),
        (STAGES.replace("source_code:", "Source Code!:"), 9, "A group key is made of"),
        ("stages: &a\n  x: *a\n", None, "A value holds itself"),
        ("stages: !!python/object:os.system {}\n", 1, "not valid YAML"),
    ]
}


@pytest.mark.django_db
@pytest.mark.parametrize(("text", "line", "sentence"), BROKEN["stages"])
def test_a_broken_file_names_its_place_and_nothing_is_imported(
    files: dict[str, Path], text: str, line: int | None, sentence: str
) -> None:
    files["stages"].write_text(text)
    with pytest.raises(CommandError) as raised:
        run(files)
    assert str(files["stages"]) in str(raised.value)
    assert sentence in str(raised.value)
    assert "Nothing was imported." in str(raised.value)
    assert line is None or f"line {line}" in str(raised.value)
    assert not Section.objects.exists()
    assert not Category.objects.exists()


def test_a_wrong_encoding_and_a_missing_file_are_named(files: dict[str, Path], tmp_path: Path) -> None:
    files["sections"].write_bytes(b"dev:\n  name: \xe9\n")
    with pytest.raises(StructureError, match=r"line 2: The file is not UTF-8"):
        read_structure(**files)
    with pytest.raises(StructureError, match="cannot be read"):
        read_structure(sections=tmp_path / "none.yml")


@pytest.mark.django_db
def test_what_vanishes_from_the_file_is_retired_and_comes_back_when_it_returns(files: dict[str, Path]) -> None:
    run(files)
    files["categories"].write_text("other:\n  name: Other\n  stage: create\n  direction:\n")
    assert run(files)["categories"]["retired"] == 1
    assert Category.objects.get(key="scm").retired_on is not None
    files["categories"].write_text(CATEGORIES)
    run(files)
    assert Category.objects.get(key="scm").retired_on is None


@pytest.mark.django_db
def test_an_edit_of_the_portal_stays_and_the_file_is_followed_where_there_is_none(files: dict[str, Path]) -> None:
    run(files)
    Stage.objects.update(name="Build", direction="/mine")
    files["stages"].write_text(STAGES.replace("/c", "/new").replace("[scm]", "[scm]\n        focus: GMAU"))
    report = run(files)
    stage = Stage.objects.get()
    assert (stage.name, stage.direction) == ("Build", "/mine")
    assert Group.objects.get().focus == "GMAU"
    assert [kept["field"] for kept in report["kept_edits"]] == ["direction"]
    assert stage.origin("direction") == "edited"
    assert run(files)["kept_edits"] == []


@pytest.mark.django_db
def test_a_page_that_was_there_before_the_structure_is_joined_by_name(files: dict[str, Path]) -> None:
    Stage.objects.create(key="the-create", name="create", in_structure=False)
    FormerKey.objects.create(kind="stage", key="old", target_key="the-create")
    keeper = a_user("keeper", "editor@stage:the-create")
    run(files)
    stage = Stage.objects.get()
    assert (stage.in_structure, stage.key) == (True, "create")
    assert dict(FormerKey.objects.values_list("key", "target_key")) == {"old": "create", "the-create": "create"}
    assert may_edit(User.objects.get(pk=keeper.pk), stage), "who could edit the page still can"


@pytest.mark.django_db
def test_people_are_contacts_and_a_removed_one_never_returns(files: dict[str, Path]) -> None:
    run(files)
    assert set(Contact.objects.values_list("name", flat=True)) == {"Ada", "Bea"}
    remove_contact(contact=Contact.objects.get(name="Ada"), on=date(2026, 11, 28))
    files["stages"].write_text(STAGES.replace("/c", "/new"))
    run(files)
    assert set(Contact.objects.values_list("name", flat=True)) == {"", "Bea"}
    assert list(Responsibility.objects.values_list("contact__name", flat=True)) == ["Bea"]
    assert "Ada" not in str(Stage.objects.values().get())


@pytest.mark.django_db
def test_a_dry_run_of_the_structure_tells_and_writes_nothing(files: dict[str, Path]) -> None:
    out = io.StringIO()
    call_command("import_structure", stdout=out, dry_run=True, **files)
    assert "Nothing was written" in out.getvalue()
    assert "category scm: created" in out.getvalue()
    assert not Section.objects.exists()
    run(files)
    files["stages"].write_text(STAGES.replace("/c", "/new").replace("em: [Bea, TBD]", "em: Cyd"))
    out = io.StringIO()
    call_command("import_structure", stdout=out, dry_run=True, **files)
    for told in ("stage create: updated", "direction: '/c' → '/new'", "Engineering manager: '' → 'Cyd'"):
        assert told in out.getvalue()
    assert Stage.objects.get().direction == "/c"
    assert not Contact.objects.filter(name="Cyd").exists()


@pytest.mark.django_db
def test_what_both_sides_changed_waits_for_a_decision(files: dict[str, Path], editor: User) -> None:
    run(files)
    Stage.objects.update(direction="/mine")
    files["stages"].write_text(STAGES.replace("/c", "/new"))
    run(files)
    conflict = FieldConflict.objects.get()
    assert (conflict.field, conflict.portal_value, conflict.file_value) == ("direction", "/mine", "/new")
    assert conflict.run is not None
    decide(conflict=conflict, take_source=True, actor=editor)
    assert Stage.objects.get().direction == "/new"
    decide(conflict=conflict, take_source=False, actor=editor)
    conflict.refresh_from_db()
    assert (conflict.state, conflict.decided_by) == ("source", editor)
    assert run(files)["kept_edits"] == []
    assert not FieldConflict.objects.filter(state="open").exists()


@pytest.mark.django_db
def test_a_name_in_dispute_is_taken_as_a_rename_and_refused_where_another_stage_has_it(
    files: dict[str, Path], editor: User
) -> None:
    run(files)
    stage = Stage.objects.get()
    rename(entry=stage, name="Make", key=None, actor=editor, on=today())
    files["stages"].write_text(STAGES.replace("display_name: Create", "display_name: Build"))
    run(files)
    other = a_stage("other", name="Build")
    conflict = FieldConflict.objects.get(field="name")
    page = f"/stages/disputes/{conflict.pk}/"
    refused = browser_of(editor).post(page, {"action": "source"}, follow=True).content.decode()
    assert "Nothing was changed: There is a stage Build already" in refused
    conflict.refresh_from_db()
    assert (conflict.state, Stage.objects.get(pk=stage.pk).name) == ("open", "Make")
    rename(entry=other, name="Other", key=None, actor=editor, on=today())
    browser_of(editor).post(page, {"action": "source"})
    assert Stage.objects.get(pk=stage.pk).name == "Build"
    assert Succession.objects.filter(how="renamed", from_name="Make", to_name="Build").exists()
    assert run(files)["kept_edits"] == []


@pytest.mark.django_db
def test_a_conflict_that_both_sides_settled_alike_is_gone(files: dict[str, Path]) -> None:
    run(files)
    Stage.objects.update(direction="/mine")
    files["stages"].write_text(STAGES.replace("/c", "/new"))
    run(files)
    files["stages"].write_text(STAGES.replace("/c", "/mine"))
    run(files)
    assert not FieldConflict.objects.exists()


@pytest.mark.django_db
def test_a_category_placed_in_the_portal_stays_where_it_was_put(files: dict[str, Path]) -> None:
    run(files)
    category = Category.objects.get()
    other = Group.objects.create(key="other", name="Other", stage=Stage.objects.get(), in_structure=False)
    category.groups.add(other)
    category.groups.remove(Group.objects.get(key="source_code"))
    text = STAGES + "      other:\n        name: Other\n        categories: []\n"
    files["stages"].write_text(text)
    run(files)
    assert list(category.groups.all()) == [other]
    files["stages"].write_text(text.replace("categories: [scm]", "categories: []"))
    run(files)
    files["stages"].write_text(text)
    run(files)
    assert {group.key for group in category.groups.all()} == {"source_code", "other"}


@pytest.mark.django_db
def test_an_entry_that_only_moves_in_the_file_is_unchanged(files: dict[str, Path]) -> None:
    run(files)
    files["categories"].write_text("new:\n  name: New\n  stage: create\n  direction:\n" + CATEGORIES)
    counts = run(files)["categories"]
    assert (counts["created"], counts["updated"], counts["unchanged"]) == (1, 0, 1)
    assert list(Category.objects.values_list("key", flat=True)) == ["new", "scm"]


@pytest.mark.django_db
def test_people_named_in_the_portal_stay_and_those_of_the_file_follow_it(files: dict[str, Path]) -> None:
    run(files)
    stage = Stage.objects.get()
    assert sorted((one.role, str(one.contact)) for one in stage.people.all()) == [("em", "Bea"), ("pm", "Ada")]
    name_people(owner=stage, people=[("pm", "Ada"), ("ux", "Cem")], actor=None)
    files["stages"].write_text(STAGES.replace("pm: Ada", "pm: Dan"))
    run(files)
    assert sorted((one.role, str(one.contact)) for one in stage.people.all()) == [("pm", "Dan"), ("ux", "Cem")]
    assert "Bea" not in json.dumps(Stage.objects.get().imported)
