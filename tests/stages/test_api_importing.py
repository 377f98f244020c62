"""The API of what comes in whole: shown first, then exactly that; disputes are decided; records are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from stages.content import Item
from stages.models import FieldConflict, ImportRun, Section, Stage
from tests.builders import a_user
from tests.conftest import browser_of
from tests.stages.builders import a_block, a_section, a_stage

pytestmark = pytest.mark.django_db
JSON = "application/json"
IMPORT = "/api/v1/structure/import/"
SECTIONS = "dev:\n  name: Dev\n  direction: /dev\nops:\n  name: Ops\n  direction: /ops\n"
STAGES = """stages:
  create:
    display_name: Create
    section: dev
    marketing: true
    tw: true
    direction: /create
    pm: Ada
    groups:
      wiki:
        name: Wiki
        categories: []
"""


def send(client: Client, files: dict[str, Any], *, match: str = "", **more: Any) -> Any:
    headers = {"If-Match": match} if match else {}
    return client.post(IMPORT, {"files": files, **more}, content_type=JSON, headers=headers)


def test_structure_files_are_shown_entry_by_entry_then_imported(editor_client: Client) -> None:
    files = {"sections": SECTIONS, "stages": STAGES}
    shown = send(editor_client, files)
    assert (shown.status_code, shown.json()["applied"], Section.objects.count()) == (200, False, 0)
    told = {(one["kind"], one["key"]): one["how"] for one in shown.json()["entries"]}
    assert told == {
        ("section", "dev"): "created", ("section", "ops"): "created",
        ("stage", "create"): "created", ("group", "wiki"): "created",
    }  # fmt: skip
    done = send(editor_client, files, match=shown["ETag"], apply=True)
    assert (done.status_code, done.json()["applied"]) == (200, True)
    assert done.json()["entries"] == shown.json()["entries"]
    again = send(editor_client, files, apply=True).json()
    assert {one["how"] for one in again["entries"]} == {"unchanged"}
    assert again["counts"]["stages"]["unchanged"] == 1
    assert ImportRun.objects.count() == 1


def test_what_is_imported_is_what_was_shown(editor_client: Client) -> None:
    shown = send(editor_client, {"sections": SECTIONS})
    a_section("ops", name="Ops")
    late = send(editor_client, {"sections": SECTIONS}, match=shown["ETag"], apply=True)
    assert late.status_code == 412
    assert not Section.objects.filter(key="dev").exists()
    fresh = send(editor_client, {"sections": SECTIONS})
    assert send(editor_client, {"sections": SECTIONS}, match=fresh["ETag"], apply=True).status_code == 200


def test_both_sides_of_a_field_are_told_and_decided(editor_client: Client, viewer_client: Client) -> None:
    send(editor_client, {"sections": SECTIONS, "stages": STAGES}, apply=True)
    stage = "/api/v1/stages/create/"
    match = {"If-Match": editor_client.get(stage)["ETag"]}
    editor_client.patch(stage, {"direction": "/ours"}, content_type=JSON, headers=match)
    theirs = STAGES.replace("direction: /create", "direction: /theirs")
    told = send(editor_client, {"stages": theirs}, apply=True).json()
    (entry,) = [one for one in told["entries"] if one["conflicts"]]
    assert entry["conflicts"] == [{"field": "direction", "portal": "/ours", "file": "/theirs"}]
    assert (entry["key"], entry["how"]) == ("create", "unchanged")
    (row,) = viewer_client.get("/api/v1/field-conflicts/?state=open&kind=stage").json()["results"]
    assert (row["key"], row["field"], row["portal_value"], row["source_value"]) == (
        "create", "direction", "/ours", "/theirs",
    )  # fmt: skip
    assert "direction of Create" in row["sentence"]
    route = f"/api/v1/field-conflicts/{row['id']}/"
    decide = f"{route}decide/"
    other = browser_of(a_user("cem", "editor@stage:plan"))
    mine = browser_of(a_user("bea", "editor@stage:create"))
    for client, wanted in ((viewer_client, 403), (other, 403), (mine, 428)):
        assert client.post(decide, {"take": "source"}, content_type=JSON).status_code == wanted
    match = {"If-Match": mine.get(route)["ETag"]}
    assert mine.post(decide, {"take": "both"}, content_type=JSON, headers=match).status_code == 400
    done = mine.post(decide, {"take": "source"}, content_type=JSON, headers=match)
    assert (done.json()["state"], done.json()["decided_by"]) == ("source", "bea")
    assert Stage.objects.get().direction == "/theirs"
    assert mine.post(decide, {"take": "portal"}, content_type=JSON, headers=match).status_code == 412
    assert mine.post(decide, {"take": "portal"}, content_type=JSON, headers={"If-Match": "*"}).status_code == 409
    assert viewer_client.get("/api/v1/field-conflicts/?state=open").json()["count"] == 0


def test_a_dispute_of_what_is_no_more_is_listed_without_a_name(editor_client: Client) -> None:
    gone = FieldConflict.objects.create(kind="stage", entry=12345, field="direction", file_value="/x")
    (row,) = editor_client.get("/api/v1/field-conflicts/").json()["results"]
    assert (row["id"], row["name"]) == (gone.pk, "")
    decide = f"/api/v1/field-conflicts/{gone.pk}/decide/"
    answer = editor_client.post(decide, {"take": "source"}, content_type=JSON, headers={"If-Match": "*"})
    assert answer.status_code == 409


def test_files_of_a_form_are_taken_as_well(editor_client: Client) -> None:
    upload = SimpleUploadedFile("sections.yml", SECTIONS.encode())
    done = editor_client.post(IMPORT, {"sections": upload, "apply": "true", "source": "by hand"})
    assert (done.status_code, Section.objects.count()) == (200, 2)
    assert ImportRun.objects.get().source == "by hand"
    broken = SimpleUploadedFile("stages.yml", b"\xff\xfe")
    refused = editor_client.post(IMPORT, {"stages": broken})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "stages")
    page = SimpleUploadedFile("page.md", b"#### Create Stage\n##### Top dashboards\n[A](/a)\n")
    shown = editor_client.post("/api/v1/handbook/import/", {"file": page})
    assert shown.json()["stages"]["Create"]["created"] == 1
    nothing = editor_client.post("/api/v1/handbook/import/", {"file": SimpleUploadedFile("x.md", b"\xff")})
    assert (nothing.status_code, nothing.json()["errors"][0]["field"]) == (400, "file")


@pytest.mark.parametrize(
    ("files", "field"),
    [
        ({"stages": "stages: [\n"}, "files.stages"),
        ({"stages": "a: &a [*a]\n"}, "files.stages"),
        ({"sections": "dev: {name: Dev}\ndev: {name: Dev}\n"}, "files.sections"),
        ({"sections": "- just\n- a list\n"}, "files.sections"),
        ({"sections": ""}, "files.sections"),
        ({"sections": "x" * (2 * 2**20 + 1)}, "files.sections"),
        ({"sections": "a: !!python/object/apply:os.system ['true']\n"}, "files.sections"),
        ({"section": SECTIONS}, "files.section"),
        ({}, "files"),
    ],
)
def test_files_that_cannot_be_read_are_refused_by_name_and_nothing_is_written(
    editor_client: Client, files: dict[str, str], field: str
) -> None:
    answer = send(editor_client, files, apply=True)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    assert not ImportRun.objects.exists()


def test_only_an_editor_of_everything_imports(viewer_client: Client) -> None:
    scoped = browser_of(a_user("bea", "editor@section:dev"))
    for client in (viewer_client, scoped):
        assert send(client, {"sections": SECTIONS}).status_code == 403
        assert client.get("/api/v1/imports/").status_code == 200
        assert client.get("/api/v1/handbook/pull/").status_code == 403
        assert client.post("/api/v1/handbook/pull/").status_code == 403


def test_what_is_exported_imports_without_a_change(editor_client: Client, viewer_client: Client) -> None:
    send(editor_client, {"sections": SECTIONS, "stages": STAGES}, apply=True)
    files = viewer_client.get("/api/v1/structure/export/").json()
    told = send(editor_client, files).json()
    assert {one["how"] for one in told["entries"]} == {"unchanged"}
    assert viewer_client.get("/api/v1/structure/export/?file=stages").content.decode() == files["stages"]
    assert viewer_client.get("/api/v1/structure/export/?file=people").status_code == 400


def test_the_real_files_are_shown_as_they_are_on_the_page(editor_client: Client, shared_data: Path) -> None:
    folder = shared_data / "handbook"
    files = {name: (folder / f"{name}.yml").read_text() for name in ("sections", "stages", "categories")}
    told = send(editor_client, files).json()
    created = [one["kind"] for one in told["entries"] if one["how"] == "created"]
    assert {kind: created.count(kind) for kind in set(created)} == {
        "section": 10, "stage": 20, "group": 60, "category": 139,
    }  # fmt: skip
    assert told["irregularities"]


def test_an_import_leaves_a_record_with_its_report(editor_client: Client, editor: Any) -> None:
    send(editor_client, {"sections": SECTIONS}, apply=True)
    a_block(a_stage("create"), "dashboards", Item(label="A", url="/a"))
    page = {"text": "#### Create Stage\n##### Top dashboards\n[B](/b)\n", "apply": True}
    editor_client.post("/api/v1/handbook/import/", page, content_type=JSON)
    listed = editor_client.get("/api/v1/imports/").json()["results"]
    assert [(one["kind"], one["actor"], one["source"]) for one in listed] == [
        ("handbook", "editor", "API"), ("structure", "editor", "sections.yml"),
    ]  # fmt: skip
    assert "report" not in listed[0]
    (row,) = editor_client.get("/api/v1/imports/?kind=structure").json()["results"]
    one = editor_client.get(f"/api/v1/imports/{row['id']}/")
    assert one.json()["report"]["sections"]["created"] == 2
    assert editor_client.get(f"/api/v1/imports/{row['id']}/", headers={"If-None-Match": one["ETag"]}).status_code == 304


def test_a_part_of_the_page_says_nothing_of_what_it_lacks(editor_client: Client) -> None:
    route = "/api/v1/handbook/import/"
    whole = "#### Create Stage\n##### Top dashboards\n[A](/a)\n#### Plan Stage\n##### Top dashboards\n[B](/b)\n"
    editor_client.post(route, {"text": whole, "apply": True}, content_type=JSON)
    part = {"text": whole[: whole.index("#### Plan")]}
    lacking = editor_client.post(route, part, content_type=JSON).json()
    assert lacking["stages"]["Plan"]["missing_from_source"] == 1
    starts = {"text": f"## Helpful places to start\n\n* [Docs](/docs) tell how\n\n{whole}"}
    own = editor_client.post(route, starts, content_type=JSON).json()["own_texts"]
    assert [(one["where"], one["differences"][0]["after"]) for one in own] == [
        ("Starting points", "[Docs](/docs) tell how"),
    ]  # fmt: skip
    told = editor_client.post(route, {**part, "partial": True}, content_type=JSON)
    assert "Plan" not in told.json()["stages"]
    a_block(Stage.objects.get(key="create"), "dashboards", Item(label="C", url="/c"))
    changed = {"text": whole.replace("[A]", "[Aa]"), "apply": True}
    late = editor_client.post(route, changed, content_type=JSON, headers={"If-Match": told["ETag"]})
    assert late.status_code == 412


def test_the_pull_is_told_and_asked_for(editor_client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr("stages.api.importing.wake", lambda queue, task: asked.append((queue, task)))
    assert "No source" in editor_client.get("/api/v1/handbook/pull/").json()["sentence"]
    monkeypatch.setenv("STAGES_PULL_SOURCE", "/srv/handbook")
    told = editor_client.post("/api/v1/handbook/pull/")
    assert (told.status_code, told.json()["source"]) == (202, "/srv/handbook")
    assert asked == [("catalog", "stages.tasks.pull_sources")]


@pytest.mark.parametrize("route", ["field-conflicts", "imports", "import-conflicts"])
def test_the_number_of_queries_does_not_grow_with_the_list(editor_client: Client, queries: Any, route: str) -> None:
    def fill(number: int) -> None:
        for at in range(number):
            stage = a_stage(f"s{route[:6]}{Stage.objects.count()}{at}", section=a_section())
            FieldConflict.objects.create(kind="stage", entry=stage.pk, field="direction", file_value="/x")
            run = ImportRun.objects.create(kind="structure", source="x", digest="", report={"a": 1})
            a_block(stage, "dashboards", Item(label="A", url="/a")).block.conflicts.create(source_content={}, run=run)

    numbers = []
    for more in (1, 6):
        fill(more)
        with queries() as ran:
            assert editor_client.get(f"/api/v1/{route}/").json()["count"] >= more
        numbers.append(len(ran))
    assert numbers[0] == numbers[1] <= 8


def test_a_structure_file_may_be_as_large_as_on_the_page(editor_client: Client) -> None:
    large = SimpleUploadedFile("stages.yml", b"stages:\n  create: {name: Create}\n" + b"#" * 2 * 2**20)
    answer = editor_client.post("/api/v1/structure/import/", {"stages": large})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "stages")
    assert "larger than 2 MB" in answer.content.decode()
