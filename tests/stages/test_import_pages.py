"""Importing in the browser: nothing is written that was not shown first, and what was shown is what is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from portal.models import Job, User
from stages.content import BlockContent
from stages.contributions import attention, health
from stages.disputes import dispute
from stages.editing import content_of, find_block, save_block
from stages.models import (
    Block,
    Category,
    FieldConflict,
    ImportPreview,
    ImportRun,
    PageText,
    Section,
    Stage,
    StartingPoint,
)
from stages.own_texts import take_away
from stages.pull import pull
from stages.tasks import pull_sources
from tests.stages.test_structure import CATEGORIES, SECTIONS, STAGES

pytestmark = pytest.mark.django_db
PARTS = ("description", "dashboards", "data-docs", "okrs")
PAGE = "#### Create Stage\n_Makes._\n##### Slack\n**#s_create**\n"


def files(**texts: str) -> dict[str, SimpleUploadedFile]:
    return {name: SimpleUploadedFile(f"{name}.yml", text.encode()) for name, text in texts.items()}


def test_a_page_is_shown_before_it_is_imported_and_just_that_is_imported(editor_client: Client) -> None:
    shown = editor_client.post("/stages/import/", {"text": PAGE}).content.decode()
    assert "Added “#s_create”." in shown
    assert "new stage" in shown
    assert not Stage.objects.exists()
    preview = ImportPreview.objects.get()
    editor_client.post("/stages/import/", {"preview": preview.pk, "action": "import", "text": "#### Other Stage"})
    assert Stage.objects.get().name == "Create"
    assert not ImportPreview.objects.exists()
    again = editor_client.post("/stages/import/", {"text": PAGE.replace("_Makes._", "*Makes.*\n")}).content.decode()
    assert "Formatting does not count." in again


def test_what_was_not_shown_is_not_imported(editor_client: Client, administrator_client: Client) -> None:
    assert editor_client.post("/stages/import/", {"text": PAGE, "action": "import"}).status_code == 404
    editor_client.post("/stages/import/", {"text": PAGE})
    data = {"preview": ImportPreview.objects.get().pk, "action": "import"}
    assert administrator_client.post("/stages/import/", data).status_code == 404
    assert editor_client.post("/stages/import/structure/", data).status_code == 404
    assert not Stage.objects.exists()


def test_a_preview_is_kept_for_a_day(editor_client: Client) -> None:
    editor_client.post("/stages/import/", {"text": PAGE})
    ImportPreview.objects.update(at=timezone.now() - timedelta(days=2))
    editor_client.post("/stages/import/", {"text": PAGE})
    assert ImportPreview.objects.count() == 1


def test_a_page_of_five_megabytes_is_shown_and_imported(editor_client: Client) -> None:
    lines = f"We meet on Mondays{', and not on Fridays' * 4}.\n" * 1900
    text = PAGE + "".join(f"##### Ritual number {number}\n{lines}" for number in range(28))
    assert len(text) > 5_000_000
    upload = SimpleUploadedFile("page.md", text.encode())
    assert "page.md would change" in editor_client.post("/stages/import/", {"file": upload}).content.decode()
    data = {"preview": ImportPreview.objects.get().pk, "action": "import"}
    assert editor_client.post("/stages/import/", data).status_code == 302
    assert sum(len(block.body) for block in Stage.objects.get().blocks.filter(kind="other")) > 5_000_000


def test_more_than_can_be_pasted_is_refused_whole_and_not_cut_short(editor_client: Client) -> None:
    assert 'maxlength="2000000"' not in editor_client.get("/stages/import/").content.decode()
    answer = editor_client.post("/stages/import/", {"text": PAGE + "x" * 2_000_000})
    assert answer.status_code == 422
    assert "2,000,000 fit. Hand longer pages in as a file." in answer.content.decode()


def test_what_an_import_changed_and_left_to_decide_is_counted_where_it_is_said(editor_client: Client) -> None:
    okrs = "#### Create Stage\n\n##### OKRs\n\n[O](https://o.example/)\n_said_\n"
    page = f"## Helpful places to start\n\n* [A](https://a.example/)\n\n{okrs}"
    import_shown(editor_client, page)
    stage = Stage.objects.get()
    theirs = content_of(find_block(stage, "okrs"))
    ours = replace(theirs, items=(replace(theirs.items[0], description="ours"),))
    save_block(stage=stage, kind="okrs", content=ours, base_version=1, actor=None, how="edit")
    page = page.replace("_said_", "_theirs_").replace("[A]", "[B]").replace("a.example", "b.example")
    assert "1 to decide" in editor_client.post("/stages/import/", {"text": page}).content.decode()
    told = import_shown(editor_client, page)
    assert "Imported: 1 created, 0 updated." in told
    assert "1 change waits for a decision below" in told
    assert ">Create: OKRs</a>" in told
    assert "</a>: OKRs <" in editor_client.get("/").content.decode()


def test_a_page_that_waits_for_a_decision_is_not_said_to_be_what_the_portal_says(editor_client: Client) -> None:
    page = "#### Create Stage\n\n##### OKRs\n\n[O](https://o.example/)\n_said_\n"
    import_shown(editor_client, page)
    stage = Stage.objects.get()
    theirs = content_of(find_block(stage, "okrs"))
    ours = replace(theirs, items=(replace(theirs.items[0], description="ours"),))
    save_block(stage=stage, kind="okrs", content=ours, base_version=1, actor=None, how="edit")
    page = page.replace("_said_", "_theirs_")
    assert "1 change waits for a decision below" in import_shown(editor_client, page)
    again = editor_client.post("/stages/import/", {"text": page}).content.decode()
    assert "Nothing new: the portal says all of this already, or an earlier import brought it." in again


def test_a_page_that_has_a_stage_twice_is_refused_with_the_lines_of_both(editor_client: Client) -> None:
    answer = editor_client.post("/stages/import/", {"text": f"{PAGE}\n#### create stage\n_Other._\n"})
    assert answer.status_code == 422
    assert "The stage Create is there twice (lines 1 and 6)." in answer.content.decode()
    assert not Stage.objects.exists()


def test_what_is_gone_from_the_source_is_marked_once_and_what_was_added_here_is_not(editor_client: Client) -> None:
    page = "#### Create Stage\n_Makes._\n\n##### Dashboards\n\n[D](https://d.example/)\n\n##### OKRs\n\n[]()\n"
    import_shown(editor_client, page + "\n##### Important data documentation\n\n``` sql\nSELECT 1\n```\n")
    editor_client.post("/stages/create/edit/dashboards/", {"action": "quick", "paste": "https://own.example/here"})
    import_shown(editor_client, "#### Create Stage\n_Makes._\n")
    shown = editor_client.get("/stages/create/").content.decode()
    marks = {part: shown[shown.index(f'id="{part}"') :].split("</section>")[0] for part in PARTS}
    counted = {part: text.count(">no longer in the source<") for part, text in marks.items()}
    assert counted == {"description": 0, "dashboards": 1, "data-docs": 1, "okrs": 0}


def import_shown(client: Client, page: str) -> str:
    client.post("/stages/import/", {"text": page})
    data = {"preview": ImportPreview.objects.latest("pk").pk, "action": "import"}
    return client.post("/stages/import/", data, follow=True).content.decode()


@pytest.mark.parametrize(
    ("text", "sentence"), [("nothing", "There is no stage on this page"), ("#### A Stage\n\x00", "no stage")]
)
def test_a_page_without_a_stage_is_refused_with_a_sentence(editor_client: Client, text: str, sentence: str) -> None:
    answer = editor_client.post("/stages/import/", {"text": text})
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert "Nothing was imported." in answer.content.decode()


def test_the_structure_files_are_shown_per_stage_and_then_imported(editor_client: Client) -> None:
    page = "/stages/import/structure/"
    shown = editor_client.post(page, files(sections=SECTIONS, stages=STAGES, categories=CATEGORIES)).content.decode()
    for text in ("Source Code", "SCM", "Nothing is written yet", "Nobody yet", "irregularities"):
        assert text in shown.replace("nobody yet", "Nobody yet")
    assert not Section.objects.exists()
    editor_client.post(page, {"preview": ImportPreview.objects.get().pk, "action": "import"})
    assert (Section.objects.count(), Stage.objects.count(), Category.objects.count()) == (1, 1, 1)
    again = editor_client.post(page, files(stages=STAGES)).content.decode()
    assert "the portal says all of this already" in again
    changed = editor_client.post(page, files(stages=STAGES.replace("/c", "/new"))).content.decode()
    assert '<p class="diff-before">/c</p><p class="diff-after">/new</p>' in changed


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ({}, "Choose at least one"),
        ({"stages": "stages: ["}, "not valid YAML"),
        ({"sections": "a: \x00"}, "NUL"),
        ({"sections": "a" * (2 * 2**20 + 1)}, "larger than 2 MB"),
    ],
)
def test_broken_structure_files_are_refused_with_a_sentence(
    editor_client: Client, texts: dict[str, str], sentence: str
) -> None:
    answer = editor_client.post("/stages/import/structure/", files(**texts))
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Section.objects.exists()


def test_viewers_import_nothing(viewer_client: Client) -> None:
    for page in ("/stages/import/", "/stages/import/structure/"):
        assert viewer_client.get(page).status_code == 403
    assert viewer_client.post("/stages/import/pull/").status_code == 403


def test_a_structure_conflict_is_found_and_decided(editor: User, editor_client: Client, viewer_client: Client) -> None:
    page = "/stages/import/structure/"
    for text in (STAGES, STAGES.replace("/c", "/new")):
        editor_client.post(page, files(stages=text))
        editor_client.post(page, {"preview": ImportPreview.objects.get().pk, "action": "import"})
        Stage.objects.update(direction="/mine")
    conflict = FieldConflict.objects.get()
    address = f"/stages/disputes/{conflict.pk}/"
    assert address in editor_client.get(page).content.decode()
    assert ("The last import and an edit disagree about the direction of Create.", address) in attention(editor)
    assert "1 import conflicts to decide" in health().sentence
    assert "/mine" in viewer_client.get(address).content.decode()
    assert viewer_client.post(address, {"action": "source"}).status_code == 403
    assert editor_client.post(address, {"action": "source"})["Location"] == "/stages/create/"
    assert Stage.objects.get().direction == "/new"


def test_what_is_no_more_waits_for_no_decision_and_what_is_retired_for_no_review(editor: User) -> None:
    stage = Stage.objects.create(key="create", name="Create")
    text = PageText.objects.create(place="top", heading="Objectives", body="Ours")
    dispute(text, "body", kept="Ours", source_says="Theirs")
    assert "1 import conflicts to decide" in health().sentence
    take_away(model=PageText, pk=text.pk, version=1, actor=editor)
    assert "to decide" not in health().sentence
    block = save_block(
        stage=stage, kind="description", content=BlockContent(note="Old"), base_version=0, actor=None, how="edit"
    ).block
    Block.objects.filter(pk=block.pk).update(owner=editor, reviewed_on=date(2020, 1, 1))
    assert attention(editor) == [("Your part Description of Create is due for review.", "/stages/create/")]
    Stage.objects.update(retired_on=date(2026, 11, 1))
    assert attention(editor) == []


def test_a_failed_pull_is_said_on_the_page_and_in_the_health(
    editor_client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No source is set" in editor_client.get("/stages/import/").content.decode()
    monkeypatch.setenv("STAGES_PULL_SOURCE", str(tmp_path / "none"))
    assert "not looked at yet" in editor_client.get("/stages/import/").content.decode()
    Stage.objects.create(key="create", name="Create")
    pull_sources()
    page = editor_client.get("/stages/import/").content.decode()
    assert "is not a folder" in page
    assert "it is tried again until it works" in page
    assert "the last pull failed" in health().sentence
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "crash_course.md").write_text(PAGE)
    pull_sources()
    assert "Imported the handbook page." in editor_client.get("/stages/import/").content.decode()
    assert "failed" not in health().sentence
    assert Job.objects.count() == 2


def test_a_pull_can_be_asked_for(editor_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr("stages.pages.importing.wake", lambda *names: asked.append(names))
    assert editor_client.post("/stages/import/pull/").status_code == 302
    assert asked == [("catalog", "stages.tasks.pull_sources")]


STARTS = "## Helpful places to start\n\n* [Docs](https://docs.example/) tell how\n* Ask around\n\n"
AIMS = "## Objectives\n\nFirst.\n\nSecond.\n\nThird.\n\n"


def test_the_preview_shows_what_becomes_of_places_to_start_and_of_the_page_s_texts(editor_client: Client) -> None:
    page = f"---\ntitle: Page\n---\n\n{AIMS}{STARTS}{PAGE}"
    shown = editor_client.post("/stages/import/", {"text": page}).content.decode()
    for told in ("Added the line.", "Ask around", "Added the heading.", "Objectives"):
        assert told in shown
    editor_client.post("/stages/import/", {"preview": ImportPreview.objects.get().pk, "action": "import"})
    start = StartingPoint.objects.get(label="Docs")
    mine = {"pk": start.pk, "version": "1", "text": "[Docs](https://docs.example/) say"}
    editor_client.post("/stages/starting-points/", mine)
    newer = page.replace("tell how", "explain").replace("* Ask around\n", "").replace("Second.", "Next.")
    shown = editor_client.post("/stages/import/", {"text": newer}).content.decode()
    preview = shown[shown.index('id="preview"') :]
    for told in (
        "Both sides changed the line",  # Edited here and there.
        "It is no longer in the source. It stays here, and is marked.",
        '<p class="diff-before">Second.</p><p class="diff-after">Next.</p>',  # Only the line that differs.
    ):
        assert told in preview, told
    assert start in StartingPoint.objects.filter(text__contains="say")


def test_the_history_says_that_the_structure_files_said_so_and_who_ran_the_import(
    editor_client: Client, viewer_client: Client
) -> None:
    texts = {"sections": SECTIONS, "stages": STAGES, "categories": CATEGORIES}
    edits: list[dict[str, str]] = [{}, {"stages": STAGES.replace("direction: /c", "direction: /new")}]
    for changes in edits:
        editor_client.post("/stages/import/structure/", files(**{**texts, **changes}))
        data = {"preview": ImportPreview.objects.get().pk, "action": "import"}
        editor_client.post("/stages/import/structure/", data)
    run = ImportRun.objects.first()
    assert run is not None
    stage = Stage.objects.get(direction="/new")
    told = viewer_client.get(f"/stages/{stage.key}/history/").content.decode()
    assert "Editor · the structure files said so" in told
    assert f"/stages/import/runs/{run.pk}/" in told
    page = viewer_client.get(f"/stages/import/runs/{run.pk}/").content.decode()
    for part in ("stages.yml", "Editor", "Stages"):
        assert part in page


def test_the_history_names_the_scheduled_pull(tmp_path: Path, viewer_client: Client) -> None:
    for name, text in (("sections", SECTIONS), ("stages", STAGES), ("categories", CATEGORIES)):
        (tmp_path / f"{name}.yml").write_text(text)
    (tmp_path / "page.md").write_text(PAGE)
    pull(source=str(tmp_path), page="page.md")
    (tmp_path / "stages.yml").write_text(STAGES.replace("direction: /c", "direction: /new"))
    pull(source=str(tmp_path), page="page.md")
    stage = Stage.objects.get(direction="/new")
    told = viewer_client.get(f"/stages/{stage.key}/history/").content.decode()
    assert "the scheduled pull · the structure files said so" in told
    assert "the scheduled pull · the handbook page said so" in told
    assert "the system" not in told


def test_a_source_with_a_nul_character_is_no_fault(editor_client: Client) -> None:
    text = "## Create Stage\n\n### Dashboards\n\n* [A](/a)\n"
    assert editor_client.post("/stages/import/", {"text": text, "source": "a\x00b"}).status_code == 200
