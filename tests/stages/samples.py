"""Pages of the catalog with arguments, for the walks over all pages."""

from __future__ import annotations

from collections.abc import Callable

from stages.content import BlockContent, Item, to_json
from stages.models import Block, Category, ImportConflict, Stage, Suggestion
from tests.stages.builders import a_block, a_group, a_section, a_stage

LONG = "A name that is far longer than anybody would like to read in a narrow column of a page"


def filled() -> Stage:
    """A stage with every kind of block."""
    found = Stage.objects.filter(key="sample").first()
    if found is not None:
        return found
    stage = a_stage(
        "sample", name="Sample", section=a_section("sample"), description="Does samples.", slack_channel="s_sample",
        related_keys=["other-sample"], usage_driver_score=3,
    )  # fmt: skip
    a_stage("other-sample", name="Other sample", section=stage.section)
    group = a_group(stage, "sampling", focus="Sampling GMAU")
    group.categories.add(Category.objects.create(key="sample_category", name="Samples", stage=stage, maturity="viable"))
    a_block(stage, "description", note="Does samples for everyone.", body="Read [the page](/handbook/) first.")
    a_block(
        stage, "dashboards", Item(label="Usage", url="https://x.example/usage", description="Sample:Sampling use it"),
        Item(label=LONG, url="javascript:alert(1)", description=LONG),
    )  # fmt: skip
    query = "SELECT count(DISTINCT user_id)\nFROM events -- all of them\nWHERE stage = 'sample'"
    a_block(
        stage, "data_docs", Item(text=query, dialect="sql", doc_label="smau"),
        Item(text="Use `fct_ping`, **one row** per ping.", dialect="prose"),
    )  # fmt: skip
    a_block(stage, "other", heading="Rituals", body="* Mondays\n* Fridays")
    return stage


def stage() -> str:
    return filled().get_absolute_url()


def empty_stage() -> str:
    filled()
    return "/stages/other-sample/"


def group() -> str:
    return filled().groups.get().get_absolute_url()


def section() -> str:
    found = filled().section
    return found.get_absolute_url() if found else ""


def category() -> str:
    filled()
    return "/categories/sample_category/"


def edit_links() -> str:
    return f"{filled().get_absolute_url()}edit/dashboards/"


def edit_queries() -> str:
    return f"{filled().get_absolute_url()}edit/data_docs/"


def edit_own_block() -> str:
    return f"{filled().get_absolute_url()}edit/other/"


def history() -> str:
    return f"{filled().get_absolute_url()}history/"


def suggestion() -> str:
    made = Suggestion.objects.create(
        stage=filled(), kind="slack", content=to_json(BlockContent(items=(Item(label="#s_sample"),)))
    )
    return f"/stages/suggestions/{made.pk}/"


def suggestions() -> str:
    return f"{filled().get_absolute_url()}suggestions/"


def conflict() -> str:
    block = Block.objects.get(stage=filled(), kind="dashboards")
    told = [{"what": "the link of “Usage”", "base": "a", "portal": "b", "source": "c"}]
    made, _ = ImportConflict.objects.get_or_create(
        block=block, state="open", defaults={"source_content": {}, "fields": told}
    )
    return f"/stages/conflicts/{made.pk}/"


def resource() -> str:
    placement = Block.objects.get(stage=filled(), kind="dashboards").placements.first()
    return f"/stages/resources/{placement.resource_id}/" if placement else ""


def restructure() -> str:
    return f"{filled().get_absolute_url()}restructure/"


def compared() -> str:
    filled()
    return "/stages/compare/?a=sample&b=other-sample"


SAMPLES: tuple[Callable[[], str], ...] = (
    stage, empty_stage, group, section, category, edit_links, edit_queries, edit_own_block, history, suggestion,
    suggestions, conflict, resource, restructure, compared,
)  # fmt: skip
