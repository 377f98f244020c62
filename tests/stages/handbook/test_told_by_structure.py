"""An export shows what the page shows: what the structure files say too, which no import takes for typed content."""

from __future__ import annotations

import pytest

from portal.models import User
from stages.collaboration import confirm
from stages.contacts import name_people
from stages.content import BlockContent, Item
from stages.derived import derived_of
from stages.editing import content_of, find_block
from stages.handbook.documents import page_of
from stages.handbook.exporting import FORMS, export_document, export_markdown
from stages.handbook.importing import digest_of, import_page
from stages.handbook.report import HandbookReport
from stages.models import Block, BlockRevision, Stage
from tests.stages.builders import a_block, a_group, a_section, a_stage

pytestmark = pytest.mark.django_db
ENDING = {"markdown": "md", "json": "json", "yaml": "yaml"}


@pytest.fixture
def stage(editor: User) -> Stage:
    """A stage of which the structure files say much, and nobody anything else."""
    made = a_stage(
        "create", section=a_section("dev"), roadmap="https://x.example/roadmap", slack_channel="s_create",
        description="Makes things", body="# All of it\n\nand *more*",
    )  # fmt: skip
    a_group(made, "wiki", pi_gmau="https://x.example/gmau", focus="Wiki GMAU")
    name_people(owner=made, people=[("pm", "Ada")], actor=editor)
    return made


def bring(text: str, form: str = "markdown") -> HandbookReport:
    page = page_of(text, f"page.{ENDING[form]}")
    return import_page(page=page, source="page", digest=digest_of(text))


def test_readers_see_what_the_page_shows(stage: Stage) -> None:
    text = export_markdown()
    for said in (
        "_Makes things_", "[Roadmap](https://x.example/roadmap)", "**#s_create**", "* Ada\n_Product manager_",
        "[Wiki: GMAU](https://x.example/gmau)\n_Wiki GMAU_",
    ):  # fmt: skip
        assert said in text
    told = {one["kind"] for one in export_document()["stages"][0]["from_structure"]}
    assert told == {"description", "roadmap", "slack", "team", "indicators"} == {*derived_of([stage])[stage.pk]}


@pytest.mark.parametrize("form", FORMS)
def test_it_imports_again_without_becoming_content(stage: Stage, form: str) -> None:
    text = FORMS[form]()
    for _ in range(2):
        counts = bring(text, form).stages["Create"]
        assert (counts.created, counts.updated, counts.missing_from_source, counts.unrecognised) == (0, 0, 0, [])
    assert not BlockRevision.objects.exists()
    assert all(content_of(block).is_empty for block in Block.objects.all())
    assert FORMS[form]() == text or form != "markdown"


def test_it_may_be_laid_out_otherwise_and_what_is_changed_in_it_is_content(stage: Stage) -> None:
    text = export_markdown()
    bring(text.replace("_Product manager_", "*Product manager*").replace("\n", "\r\n").replace("* Ada", "- Ada"))
    assert not BlockRevision.objects.exists()
    bring(text.replace("x.example/roadmap", "x.example/other").replace("**#s_create**", "**#s_create**\n\n**#s_more**"))
    assert [item.url for item in content_of(find_block(stage, "roadmap")).items] == ["https://x.example/other"]
    assert [item.label for item in content_of(find_block(stage, "slack")).items] == ["#s_create", "#s_more"]
    assert set(BlockRevision.objects.values_list("block__kind", flat=True)) == {"roadmap", "slack"}
    assert "Otherwise" not in str([content_of(block) for block in Block.objects.all()])


def test_what_somebody_confirmed_is_exported_as_content(stage: Stage, editor: User) -> None:
    confirm(stage=stage, kind="roadmap", content=derived_of([stage])[stage.pk]["roadmap"], actor=editor)
    told = export_document()["stages"][0]
    assert "roadmap" not in {one["kind"] for one in told["from_structure"]}
    assert [one["items"][0]["label"] for one in told["blocks"] if one["kind"] == "roadmap"] == ["Roadmap"]


def test_what_the_template_asked_for_is_not_exported_beside_what_filled_it() -> None:
    page = "#### Create Stage\n##### Top dashboards\n[ex. Top dashboard 1]()\n\n[A](/a)\n"
    bring(page)
    assert "[ex. Top dashboard 1]()" in export_markdown(), "a page that nobody edited goes out as it came"
    a_block(Stage.objects.get(), "dashboards", Item(label="A", url="/a"), Item(label="B", url="/b"))
    text = export_markdown()
    assert ("ex. Top" in text, "[B](/b)" in text) == (False, True)
    counts = bring(text).stages["Create"]
    assert (counts.created, counts.updated) == (0, 0)
    a_block(Stage.objects.get(), "dashboards")
    assert content_of(find_block(Stage.objects.get(), "dashboards")) == BlockContent()
    assert "[Link to a dashboard]()" in export_markdown()
