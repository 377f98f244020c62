"""Pages of the catalog for the walk in the browser: one full, one empty, with names that are long."""

from __future__ import annotations

from stages.content import Item
from stages.models import Category, Group, ImportRun, PageText, Section
from tests.stages.builders import a_block, a_group, a_section, a_stage

LONG = "Software Supply Chain Security and Everything That Belongs to It"


def a_full_stage() -> str:
    section = Section.objects.filter(key="walk").first() or a_section("walk", name="Walked")
    stage = a_stage("walked", name=LONG, section=section)
    group = a_group(stage, "walked_group")
    Category.objects.create(key="walked-category", name="Dependency scanning").groups.add(group)
    a_block(
        stage,
        "dashboards",
        Item(label="Weekly numbers", url="https://example.com/" + "x" * 120, description="Up to date."),
    )
    a_block(
        stage,
        "data_docs",
        Item(text="SELECT 1\n" + "  , counts.very_long_name_of_a_column" * 8, dialect="sql"),
    )
    return stage.get_absolute_url()


def an_empty_stage() -> str:
    return a_stage("walked-empty").get_absolute_url()


def its_group() -> str:
    return Group.objects.get(key="walked_group").get_absolute_url()


def its_section() -> str:
    return Section.objects.get(key="walk").get_absolute_url()


def its_category() -> str:
    return Category.objects.get(key="walked-category").get_absolute_url()


def a_text_of_the_page() -> str:
    text = PageText.objects.create(place="top", heading=LONG, body="What this page is for.\n\n" + "x" * 120)
    return f"/stages/texts/{text.pk}/"


def a_new_text_of_the_page() -> str:
    return "/stages/texts/new/?place=top"


def a_run_of_an_import() -> str:
    counts = {"total": 20, "created": 1, "updated": 12000, "unchanged": 7, "retired": 0}
    run = ImportRun.objects.create(kind="structure", source="x" * 200, digest="1", report={"stages": counts})
    return f"/stages/import/runs/{run.pk}/"


SAMPLES = [
    a_run_of_an_import,
    a_full_stage,
    an_empty_stage,
    its_group,
    its_section,
    its_category,
    a_text_of_the_page,
    a_new_text_of_the_page,
]
