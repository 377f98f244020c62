"""A page comes in three ways: twice without change, and never over an edit made in the portal."""

from __future__ import annotations

import io
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from stages.conflicts import decide_all
from stages.content import Item
from stages.editing import content_of, find_block, save_block
from stages.handbook.exporting import export_document, export_markdown, export_yaml
from stages.models import (
    Block,
    BlockRevision,
    ImportConflict,
    ImportRun,
    PageText,
    Placement,
    Resource,
    Stage,
    StartingPoint,
)
from stages.settling import Take
from stages.signals import structure_changed  # noqa: F401
from tests.builders import a_user

pytestmark = pytest.mark.django_db

PAGE = """\
### Dev Section

#### Create Stage
_Makes things._

##### Dashboards

[A](/a)
_Why A_

[B](/b)

##### Slack channels

**#s_create**
"""


def run(path: Path, **options: Any) -> dict[str, Any]:
    out = io.StringIO()
    call_command("import_handbook", str(path), json=True, stdout=out, **options)
    document: dict[str, Any] = json.loads(out.getvalue())
    return document


@pytest.fixture
def page(tmp_path: Path) -> Path:
    (tmp_path / "page.md").write_text(PAGE)
    return tmp_path / "page.md"


def dashboards() -> list[tuple[str, str, str]]:
    block = find_block(Stage.objects.get(key="create"), "dashboards")
    return [(item.label, item.url, item.description) for item in content_of(block).items]


def edit(**fields: Any) -> None:
    stage = Stage.objects.get(key="create")
    content = content_of(find_block(stage, "dashboards"))
    items = (replace(content.items[0], **fields), *content.items[1:])
    save_block(
        stage=stage, kind="dashboards", content=replace(content, items=items), base_version=None, actor=None, how="edit"
    )


def test_the_real_page_imports_to_the_counts_of_the_domain_page_and_then_changes_nothing(shared_data: Path) -> None:
    path = shared_data / "handbook" / "crash_course.md"
    first = run(path)
    kinds = {kind: (counts["real"], counts["placeholders"]) for kind, counts in first["kinds"].items()}
    assert kinds == {
        "description": (2, 8), "dashboards": (11, 21), "data_docs": (0, 26), "research": (4, 8), "roadmap": (2, 8),
        "okrs": (1, 8), "indicators": (1, 0), "key_pages": (3, 8), "slack": (3, 8), "team": (2, 8),
    }  # fmt: skip
    assert first["starting_points"]["created"] == 5
    assert not any(counts["unrecognised"] for counts in first["stages"].values())
    assert Placement.objects.count() == 27
    assert not Resource.objects.filter(url="", kind="dashboards").exists()
    revisions = BlockRevision.objects.count()
    second = run(path)
    assert all(not counts["created"] and not counts["updated"] for counts in second["stages"].values())
    assert (second["starting_points"]["created"], second["starting_points"]["unchanged"]) == (0, 5)
    assert (BlockRevision.objects.count(), ImportRun.objects.count()) == (revisions, 1)


def test_the_real_page_joins_the_structure_by_name_and_keeps_what_is_not_in_it(shared_data: Path) -> None:
    folder = shared_data / "handbook"
    files = {name: folder / f"{name}.yml" for name in ("sections", "stages", "categories")}
    call_command("import_structure", stdout=io.StringIO(), **files)
    report = run(folder / "crash_course.md")
    assert report["new_stages"] == ["Protect"]
    protect = Stage.objects.get(key="protect")
    assert (protect.in_structure, protect.section and protect.section.key) == (False, "sec")
    assert Stage.objects.count() == 21


def test_an_exported_page_imports_to_the_same_content(shared_data: Path, tmp_path: Path) -> None:
    run(shared_data / "handbook" / "crash_course.md")
    exported, document = export_markdown(), export_document()
    (tmp_path / "out.md").write_text(exported)
    report = run(tmp_path / "out.md")
    assert all(not counts["created"] and not counts["updated"] for counts in report["stages"].values())
    assert all(not counts["missing_from_source"] for counts in report["stages"].values())
    assert export_document() == document
    Placement.objects.all().delete()
    Block.objects.all().delete()
    Stage.objects.all().delete()
    StartingPoint.objects.all().delete()
    PageText.objects.all().delete()
    ImportRun.objects.all().delete()
    run(tmp_path / "out.md")
    assert export_markdown() == exported
    assert "heirarchy" not in exported
    assert export_yaml().startswith("title:")


def test_a_dry_run_tells_and_writes_nothing(page: Path) -> None:
    assert run(page, dry_run=True)["stages"]["Create"]["created"] == 4
    assert not Stage.objects.exists()
    assert not ImportRun.objects.exists()


def test_formatting_alone_changes_nothing(page: Path) -> None:
    run(page)
    page.write_text(
        "## Create Stage\r\nMakes things.\r\n\r\n### **Top dashboards**\r\n* [A](/a) - Why A\r\n* [B](</b>)\r\n"
        "### SLACK\r\n`#s_create`\r\n"
    )
    counts = run(page)["stages"]["Create"]
    assert (counts["created"], counts["updated"], counts["unchanged"]) == (0, 0, 4)


def test_an_edit_of_the_portal_is_not_overwritten(page: Path) -> None:
    run(page)
    edit(description="Better words")
    page.write_text(PAGE.replace("[B](/b)", "[B](/b)\n_New there_"))
    counts = run(page)["stages"]["Create"]
    assert dashboards() == [("A", "/a", "Better words"), ("B", "/b", "New there")]
    assert (counts["updated"], counts["unchanged"]) == (1, 3)
    assert not ImportConflict.objects.exists()


def test_what_both_sides_changed_waits_for_a_decision(page: Path) -> None:
    run(page)
    edit(description="Better words")
    page.write_text(PAGE.replace("Why A", "Why else"))
    assert run(page)["conflicts"] == [{"stage": "Create", "kind": "dashboards", "what": ["the description of “A”"]}]
    assert dashboards()[0][2] == "Better words"
    conflict = ImportConflict.objects.get()
    assert run(page)["conflicts"] == []
    decide_all(conflict=conflict, take=Take.SOURCE, actor=a_user("bea", "editor"))
    assert dashboards()[0][2] == "Why else"
    assert ImportConflict.objects.get().state == "source"


def test_what_vanished_from_the_source_is_marked_and_stays(page: Path) -> None:
    run(page)
    page.write_text(PAGE.replace("[B](/b)\n\n", "").replace("##### Slack channels\n\n**#s_create**\n", ""))
    for _ in range(2):
        assert run(page)["stages"]["Create"]["missing_from_source"] == 2
    assert Placement.objects.filter(missing_from_source=True).count() == 2
    page.write_text(PAGE)
    assert run(page)["stages"]["Create"]["missing_from_source"] == 0
    assert not Placement.objects.filter(missing_from_source=True).exists()


def test_a_stage_that_vanished_is_kept(page: Path) -> None:
    run(page)
    page.write_text("#### Plan Stage\n##### Slack\n**#s_plan**\n")
    assert run(page)["stages"]["Create"]["missing_from_source"] == 4
    assert Stage.objects.filter(key="create").exists()


def test_what_was_deleted_in_the_portal_does_not_come_back(page: Path) -> None:
    run(page)
    stage = Stage.objects.get()
    content = content_of(find_block(stage, "dashboards"))
    save_block(
        stage=stage, kind="dashboards", content=replace(content, items=content.items[:1]), base_version=None,
        actor=None, how="edit",
    )  # fmt: skip
    run(page)
    assert [label for label, _, _ in dashboards()] == ["A"]


def test_a_dashboard_of_two_stages_is_one_resource_and_each_keeps_its_words(page: Path) -> None:
    page.write_text(PAGE + "\n#### Plan Stage\n##### Dashboards\n[Our A](/a)\n_For planning_\n")
    run(page)
    resource = Resource.objects.get(url="/a")
    assert resource.placements.count() == 2
    edit(label="Renamed here")
    assert {str(placement) for placement in resource.placements.all()} == {"Renamed here", "Our A"}
    edit(url="/moved")
    assert Resource.objects.get(url="/a").placements.count() == 1


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"#### A Stage\n\xff", "line 2: the file is not UTF-8"),
        (b"a\x00b", "line 1: the file holds a NUL"),
        (b"no stage here", "there is no stage on this page"),
        (b"", "there is no stage on this page"),
    ],
)
def test_a_page_that_cannot_be_read_is_refused_with_its_place(tmp_path: Path, data: bytes, sentence: str) -> None:
    (tmp_path / "page.md").write_bytes(data)
    with pytest.raises(CommandError, match=sentence) as raised:
        run(tmp_path / "page.md")
    assert "Nothing was imported." in str(raised.value)
    with pytest.raises(CommandError, match="cannot be read"):
        run(tmp_path / "none.md")


def test_an_item_can_be_added_in_the_portal_and_stays_on_import(page: Path) -> None:
    run(page)
    stage = Stage.objects.get()
    content = content_of(find_block(stage, "dashboards"))
    items = (Item(label="Mine", url="/m"), *content.items)
    save_block(
        stage=stage, kind="dashboards", content=replace(content, items=items), base_version=1, actor=None, how="edit"
    )
    assert run(page)["stages"]["Create"]["missing_from_source"] == 0
    assert [label for label, _, _ in dashboards()] == ["Mine", "A", "B"]


LONG = "x" * 3000
ADDRESS = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=4000))


@pytest.mark.parametrize(
    "text",
    [
        f"##### Dashboards\n[{LONG}](/{ADDRESS})\n",
        f"##### Slack\n**#{LONG}**\n",
        f"##### {'y ' * 240}\nbody",
        f"##### OKRs\n_Not applicable: {LONG}_\n",
        f"##### SQL\n{LONG}:\n```{LONG}\nx\n```\n_{LONG}_\n",
    ],
)
def test_what_is_longer_than_anybody_expected_is_kept(tmp_path: Path, text: str) -> None:
    path = tmp_path / "page.md"
    path.write_text(f"---\ntitle: {LONG}\n---\n## Helpful places to start\n* [{LONG}](/{LONG})\n#### A Stage\n{text}")
    run(path)
    again = run(path)["stages"]["A"]
    assert (again["created"], again["updated"], again["missing_from_source"]) == (0, 0, 0)
    assert ImportRun.objects.count() == 1
