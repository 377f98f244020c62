"""What is exported imports to the same: Markdown, JSON and YAML, whole and per stage, whatever people wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stages.content import BlockContent, Item
from stages.editing import content_of
from stages.handbook.documents import page_of
from stages.handbook.exporting import FORMS, export_document
from stages.handbook.importing import digest_of, import_page
from stages.handbook.parsing import Start, Text, parse_page
from stages.handbook.reading import HandbookError
from stages.handbook.rendering import WrittenPage, WrittenStage, render_page
from stages.handbook.report import HandbookReport
from stages.handbook.template import is_placeholder_sql, is_prompt
from stages.models import (
    Block,
    BlockRevision,
    FieldConflict,
    ImportRun,
    PageText,
    Placement,
    Resource,
    Section,
    Stage,
    StartingPoint,
)
from tests.stages.builders import a_block, a_section, a_stage
from tests.stages.handbook.test_parsing import LINES

plain = st.text(alphabet="abc[]()<>_*#`\\~-+=. 1:!|/&é", max_size=14).map(lambda text: " ".join(text.split()))
filled = plain.filter(bool)
prose = st.lists(st.one_of(LINES, plain), max_size=5).map("\n".join).map(lambda text: text.strip("\n \t"))
described = plain.filter(lambda text: not is_prompt(text))
links = st.builds(Item, label=plain, url=filled, description=described)
channels = st.builds(Item, label=st.from_regex(r"#[a-z]\w{0,9}", fullmatch=True), description=described)
names = st.builds(Item, label=st.from_regex(r"[A-Z][a-z]{1,9}( [A-Z][a-z]{1,9})?", fullmatch=True))
queries = (
    st.lists(plain, min_size=1, max_size=4)
    .map("\n".join)
    .filter(lambda text: text.strip() and not is_placeholder_sql(text))
)
docs = st.builds(
    Item, text=queries, dialect=st.sampled_from(["sql", "snowflake"]), doc_label=st.sampled_from(["", "smau", "gmau"])
)
headings = st.from_regex(r"[A-Z][a-z]{2,8} of [a-z]{3,8} and [a-z]{3,8}", fullmatch=True)
starts = st.builds(Start, text=st.from_regex(r"[A-Z][a-z ]{2,20}[a-z]", fullmatch=True))


def block(kind: str) -> st.SearchStrategy[tuple[str, BlockContent]]:
    """A block of a kind with anything in it."""
    items = {"data_docs": docs, "slack": channels, "team": st.one_of(links, names)}.get(kind, links)
    content = st.builds(BlockContent, items=st.lists(items, max_size=3, unique_by=lambda one: one.label or one.text))
    return st.tuples(st.just(kind), content.map(lambda one: BlockContent(items=tuple(one.items))))


others = st.tuples(
    st.just("other"), st.builds(BlockContent, heading=headings, body=prose.filter(lambda text: "\n\n\n" not in text))
)
KINDS = ("dashboards", "data_docs", "research", "roadmap", "okrs", "key_pages", "slack", "team")
stages = st.builds(
    WrittenStage,
    name=st.sampled_from(["Create", "Plan", "Package"]),
    section=st.sampled_from(["Dev", "Ops", ""]),
    blocks=st.tuples(*(block(kind) for kind in KINDS), others),
    derived=st.dictionaries(
        st.sampled_from(["description", "roadmap", "indicators", "key_pages", "slack", "team"]),
        st.builds(BlockContent, note=plain, body=prose, items=st.lists(links, min_size=1, max_size=2).map(tuple)),
    ),
)
texts = st.lists(
    st.builds(Text, heading=headings, body=prose, place=st.sampled_from(["top", "start", "end"])),
    max_size=3,
    unique_by=lambda one: one.heading,
)
pages = st.builds(
    WrittenPage,
    title=headings,
    front=st.sampled_from(["", "layout: handbook-page-toc", "# note\nlayout: x"]),
    starts=st.lists(starts, min_size=1, max_size=3, unique_by=lambda one: one.text),
    texts=texts,
    stages=st.lists(stages, min_size=1, max_size=3, unique_by=lambda one: one.name).map(
        lambda found: sorted(found, key=lambda one: one.section)
    ),
)


def said(page: WrittenPage) -> Any:
    """What a written page says."""
    by_place = {place: [(one.heading, one.body) for one in page.texts if one.place == place] for place in PLACES}
    return page.title, page.front, [one.text for one in page.starts], by_place, [told(stage) for stage in page.stages]


PLACES = ("top", "start", "section", "end")


def told(stage: WrittenStage) -> Any:
    return stage.name, stage.section, {(kind, one.heading): one for kind, one in stage.blocks if not one.is_empty}


def read(text: str) -> Any:
    """What the parser makes of a text, told in the same way."""
    page = parse_page(text)
    by_place = {place: [(one.heading, one.body) for one in page.texts if one.place == place] for place in PLACES}
    found = [
        told(WrittenStage(name=one.name, section=one.section, blocks=[(b.kind, b.content) for b in one.blocks]))
        for one in page.stages
    ]
    return page.title, page.front, [one.text for one in page.starting_points], by_place, found


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(pages)
@example(
    WrittenPage(title="T of a", stages=[WrittenStage(name="Create", section="", blocks=[])], starts=[Start(text="A")])
)
def test_a_page_reads_back_to_what_was_written(page: WrittenPage) -> None:
    assert read(render_page(page)) == said(page)


@contextmanager
def undone() -> Iterator[None]:
    """Whatever is written within is taken back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def bring_in(text: str, name: str = "page.md") -> HandbookReport:
    return import_page(page=page_of(text, name), source=name, digest=digest_of(text))


def empty_the_catalog() -> None:
    for model in (Placement, Resource, BlockRevision, Block, PageText, StartingPoint, ImportRun, Stage, Section):
        model._default_manager.all().delete()


FILES = {"markdown": "page.md", "json": "page.json", "yaml": "page.yml"}


@pytest.mark.django_db
@settings(max_examples=12, suppress_health_check=list(HealthCheck), deadline=None)
@given(pages)
def test_every_export_imports_without_change_and_into_an_empty_catalog_to_the_same(page: WrittenPage) -> None:
    with undone():
        bring_in(render_page(page))
        whole = export_document()
        for form, name in FILES.items():
            exported = FORMS[form]()
            assert not bring_in(exported, name).wrote, exported
            with undone():
                empty_the_catalog()
                bring_in(exported, name)
                assert export_document() == whole, exported


@pytest.mark.django_db
@pytest.mark.parametrize("order", [("Plan", "Create"), ("Create", "Plan")])
def test_a_link_that_only_one_of_two_stages_names_has_that_name_in_whatever_order_they_come(
    order: tuple[str, str],
) -> None:
    links = {"Plan": "* [](/shared)", "Create": "* [Shared](/shared)"}
    text = "".join(f"#### {name} Stage\n##### Dashboards\n{links[name]}\n" for name in order)
    bring_in(text)
    assert not bring_in(text).wrote
    names = {block.stage.name: content_of(block).items[0].label for block in Block.objects.filter(kind="dashboards")}
    assert names == {"Plan": "Shared", "Create": "Shared"}
    exported = FORMS["markdown"]()
    bring_in(exported)
    assert not bring_in(exported).wrote
    whole = export_document()
    empty_the_catalog()
    bring_in(exported)
    assert export_document() == whole


def edited_catalog() -> None:
    """A catalog that was not imported but written here."""
    stage = a_stage("create", section=a_section("dev", name="Dev"))
    a_block(stage, "dashboards", Item(label="A", url="/a", description="Why"), actor=None)
    a_block(stage, "team", Item(label="Ada Lovelace"), Item(label="The team", url="/t"))
    a_block(stage, "other", heading="Rituals", body="We meet\n\n* on Mondays\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    a_block(stage, "indicators", not_applicable="It has OKRs")
    a_block(a_stage("plan"), "slack", Item(label="#s_plan"))
    StartingPoint.objects.create(text="Start  [here](/x), not there", label="here", url="/x")
    PageText.objects.create(place="front", heading="A title", body="layout: x")
    PageText.objects.create(place="top", heading="Objectives for this page", body="To **know**.\n\n# Not a heading")
    PageText.objects.create(place="section", section=Section.objects.get(), heading="", body="All of Dev.")
    PageText.objects.create(place="end", heading="Thanks to all of you", body="")


def filled_part() -> dict[str, Any]:
    """All content; what is still the template's counts for nothing."""
    document = export_document()
    for stage in document["stages"]:
        words = ("note", "body", "not_applicable", "items")
        stage["blocks"] = [{**one, "placeholders": []} for one in stage["blocks"] if any(one[word] for word in words)]
    return document


@pytest.mark.django_db
@pytest.mark.parametrize("form", FILES)
def test_what_was_written_here_imports_without_change(form: str) -> None:
    edited_catalog()
    whole, revisions = filled_part(), BlockRevision.objects.count()
    report = bring_in(FORMS[form](), FILES[form])
    assert not report.changes
    counts = report.all_counts.values()
    assert not any(one.created or one.updated or one.missing_from_source for one in counts)
    assert (filled_part(), BlockRevision.objects.count()) == (whole, revisions)
    assert not FieldConflict.objects.exists()
    empty_the_catalog()
    bring_in(json.dumps(whole), "page.json")
    assert filled_part() == whole


@pytest.mark.django_db
@pytest.mark.parametrize("form", FILES)
def test_the_export_of_one_stage_says_nothing_of_the_others(form: str) -> None:
    edited_catalog()
    bring_in(FORMS["markdown"]())
    exported = FORMS[form]([Stage.objects.get(key="create")])
    assert "#s_plan" not in exported
    assert not bring_in(exported, FILES[form]).wrote
    assert not Block.objects.filter(missing_from_source=True).exists()
    assert not StartingPoint.objects.filter(missing_from_source=True).exists()
    assert PageText.objects.get(place="front").heading == "A title"


@pytest.mark.django_db
def test_the_real_page_keeps_its_objectives(shared_data: Any) -> None:
    bring_in((shared_data / "handbook" / "crash_course.md").read_text())
    assert list(PageText.objects.values_list("place", "heading")) == [
        ("front", "Crash Course for Product Stage Resources"),
        ("top", "Objectives for this page"),
        ("start", "Learn about analytics relevant product stage topics grouped by section."),
    ]
    exported = FORMS["markdown"]()
    assert "without needing to do a scavenger hunt search across dozens of handbook pages" in exported
    assert not bring_in(exported).wrote


PAGE = "## Why we do this\nOld\n\n## Helpful places to start\n* [A](/a) old\n\n#### Create Stage\n##### Slack\n**#a**\n"


@pytest.mark.django_db
def test_texts_follow_the_source_and_an_edit_made_here_waits_for_a_decision() -> None:
    bring_in(PAGE)
    bring_in(PAGE.replace("Old", "New").replace(" old", " new"))
    text, start = PageText.objects.get(), StartingPoint.objects.get()
    assert (text.body, start.text, start.label) == ("New", "[A](/a) new", "A")
    PageText.objects.update(body="Mine")
    StartingPoint.objects.update(text="Mine")
    report = bring_in(PAGE.replace("Old", "Newer").replace(" old", " newer"))
    assert (report.page_texts.updated, report.starting_points.updated) == (0, 0)
    conflicts = set(FieldConflict.objects.values_list("kind", "field", "portal_value", "file_value"))
    assert conflicts == {("text", "body", "Mine", "Newer"), ("start", "text", "Mine", "[A](/a) newer")}
    assert PageText.objects.get().body == "Mine"


@pytest.mark.django_db
def test_what_was_taken_away_here_does_not_return_and_what_vanishes_there_is_marked() -> None:
    bring_in(PAGE)
    StartingPoint.objects.all().delete()
    PageText.objects.all().delete()
    assert not bring_in(PAGE).wrote
    assert not StartingPoint.objects.exists()
    bring_in(PAGE.replace("Why we do this", "What we do here"))
    assert PageText.objects.get().heading == "What we do here"
    report = bring_in(PAGE[PAGE.index("####") :])
    assert report.page_texts.missing_from_source == 1
    assert PageText.objects.get().missing_from_source


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.json", "{", "line 1: this is not valid JSON"),
        ("a.json", "[" * 100_000, "cannot be read"),
        ("a.json", "[]", "Expected a mapping"),
        ("a.yml", "stages: [", "not valid YAML"),
        ("a.yml", "stages: a", "Expected a list"),
        ("a.yml", "stages: [{name: A, blocks: [{kind: b}]}]", "stages.0.blocks.0: The kind 'b' is none of"),
        ("a.yml", "stages: [{name: [a]}]", "Expected text"),
        ("a.yml", "stages: [{section: a}]", "The stage has no name"),
        ("a.json", '{"stages": [{"name": "a\\u0000"}]}', "NUL"),
    ],
)
def test_a_broken_document_is_refused_with_its_place(name: str, text: str, sentence: str) -> None:
    with pytest.raises(HandbookError, match="a\\.") as raised:
        page_of(text, name)
    assert sentence in str(raised.value)
