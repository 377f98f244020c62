"""Search over all content."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from stages.content import Item
from stages.models import Block, Group, PageText, Placement, Resource, Stage, StartingPoint
from stages.search import freshness, index, search, snippet
from stages.search.words import Document, Index
from tests.live.world import define
from tests.stages.builders import a_block, a_stage

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _content(db: None) -> None:
    package = a_stage("package", description="Registries")
    a_block(package, "dashboards", Item(label="User Adoption", url="/a", description="Usage data of all registries"))
    a_block(package, "data_docs", Item(text="SELECT * FROM package_events", dialect="sql", doc_label="smau"))
    a_block(a_stage("create"), "dashboards", Item(label="Code Review MAU", url="/b"))


def titles(query: str) -> list[str]:
    return [hit.title for hit in search(query, AnonymousUser(), 20)]


def test_a_question_finds_dashboards_that_use_package_data() -> None:
    assert titles("which dashboards use package data?")[0] == "User Adoption"


@pytest.mark.parametrize("query", ["adoptoin", "adption", "Adoption", "adopt"])
def test_typing_errors_are_tolerated(query: str) -> None:
    assert "User Adoption" in titles(query)


def test_a_query_is_found_by_its_table_and_carries_kind_and_stage() -> None:
    hit = next(hit for hit in search("package_events", AnonymousUser(), 20) if hit.kind == "Query")
    assert hit.facets == (("stage", "Package"),)
    assert "package_events" in hit.snippet


def test_snippets_are_cut_between_words() -> None:
    text = " ".join(f"longword{number}" for number in range(60))
    piece = snippet(text, "longword30")
    assert piece.startswith("… ")
    assert piece.endswith(" …")
    assert "longword30" in piece
    assert set(piece.strip("… ").split()) <= set(text.split())
    assert snippet("x" * 500, "xxx").startswith("xxx")


@pytest.mark.django_db(transaction=True)
def test_what_was_just_saved_is_found_and_what_was_removed_is_not() -> None:
    stage = a_stage("plan")
    a_block(stage, "dashboards", Item(label="Roadmap burnup", url="/c"))
    assert "Roadmap burnup" in titles("burnup")
    a_block(stage, "dashboards", Item(label="Other", url="/d"))
    assert "Roadmap burnup" not in titles("burnup")
    assert index() is index()


def test_what_is_called_as_was_typed_comes_first(viewer_client: Client) -> None:
    define([], [f"counts.write_{number}" for number in range(60)])
    write = a_stage("write", description="Where texts are made")
    Group.objects.create(key="write", name="Write", stage=a_stage("secure"))
    a_block(write, "dashboards", Item(label="Write", url="/w"), Item(label="Write speed: write, write", url="/s"))
    a_block(write, "okrs", body="Write more. Write better.")
    for query in ("write", "Write ", "writ"):
        page = viewer_client.get("/search/", {"q": query}).content.decode()
        shown = re.findall(r'search-title" href="([^"]+)">.*?</a><span class="badge[^>]*>([^<]+)', page)
        assert shown[0] == ("/stages/write/", "Stage")
        assert shown[1] == ("/groups/write/", "Group")
        kinds = [kind for _, kind in shown]
        assert kinds.index("Metric") > 3


def test_a_question_is_answered_with_dashboards_that_mention_it_and_can_be_narrowed(viewer_client: Client) -> None:
    page = viewer_client.get("/search/?q=which dashboards use package data?").content.decode()
    first = page.split('class="search-title"')[1]
    assert "Adoption</a>" in first
    assert ">Dashboard<" in first
    # Links and a form, so it works without a script too.
    only = viewer_client.get("/search/?q=package&kind=Query&narrow=stage: Package").content.decode()
    assert only.count('class="search-title"') == 1
    assert "<mark>package</mark>_events" in only


@pytest.mark.django_db(transaction=True)
def test_what_was_not_touched_is_not_read_again(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    before = index()
    with django_assert_num_queries(1):
        assert titles("adoption")
    create = Stage.objects.get(key="create")
    a_block(create, "dashboards", Item(label="Code Review MAU of today", url="/b"))
    with django_assert_num_queries(4):
        assert "Code Review MAU of today" in titles("today")
    old = {id(document) for document in before.documents.values()}
    new = [document for document in index().documents.values() if id(document) not in old]
    assert [document.title for document in new] == ["Code Review MAU of today"]
    assert "Code Review MAU" in {document.title for document in before.documents.values()}


def state_of(known: Index) -> set[tuple[Document, str, float]]:
    """All that an index knows, whatever the numbers of its documents."""
    return {
        (known.documents[number], word, worth)
        for word, places in known.places.items()
        for number, worth in places.items()
    }


@pytest.mark.django_db(transaction=True)
def test_an_index_kept_up_to_date_is_as_one_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    package, create = Stage.objects.get(key="package"), Stage.objects.get(key="create")
    shared = Resource.objects.get(url="/a")

    def other_name() -> None:
        Stage.objects.filter(pk=package.pk).update(name="Parcels")

    def moved() -> None:
        Block.objects.filter(stage=package, kind="dashboards").update(stage=create, kind="okrs")

    def gone() -> None:
        Block.objects.filter(stage=package, kind="data_docs").delete()

    def placed_elsewhere() -> None:
        placement = Placement.objects.filter(block__stage=package).exclude(block__kind="data_docs")[0]
        placement.block = Block.objects.get(stage=create, kind="dashboards")
        placement.save()

    def one_for_another() -> None:
        a_block(package, "slack", body="Come and go")
        index()
        with transaction.atomic():
            Block.objects.filter(stage=package, kind="slack").delete()
            a_block(package, "okrs", body="In its place")

    def all_anew() -> None:
        """What a restored backup does: other rows, whatever their numbers."""
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE stages_startingpoint, stages_startingpointevent RESTART IDENTITY CASCADE")
        StartingPoint.objects.create(text="Restored")

    changes = [
        lambda: a_block(create, "indicators", Item(label="User Adoption", url="/a"), body="A note on adoption"),
        placed_elsewhere,
        lambda: Resource.objects.filter(pk=shared.pk).update(label="Use of it"),
        lambda: Group.objects.create(key="g", name="Gate", stage=package),
        lambda: PageText.objects.create(place=PageText.Place.TOP, heading="Objectives", body="A briefing"),
        lambda: Placement.objects.filter(resource=shared).earliest("pk").delete(),
        lambda: StartingPoint.objects.create(text="Ask around"),
        one_for_another, all_anew, lambda: StartingPoint.objects.get().delete(),
        other_name, gone, lambda: Group.objects.all().delete(), moved,
    ]  # fmt: skip
    index()
    seen = []
    for change in changes:
        change()
        kept = index()
        with monkeypatch.context() as patched:
            patched.setattr(freshness, "_kept", None)
            assert state_of(kept) == state_of(index())
        assert set(kept.places) == {word for _, word, _ in state_of(kept)}
        seen.append(len(kept.documents))
    assert len(set(seen)) > 3


@pytest.mark.django_db(transaction=True)
def test_what_was_written_earlier_but_committed_later_is_found() -> None:
    """Its event has a lower number than one that was seen already."""
    resource, other = Resource.objects.get(url="/a"), Resource.objects.get(url="/b")
    slow = connection.copy()
    try:
        slow.set_autocommit(False)
        with slow.cursor() as cursor:
            cursor.execute("UPDATE stages_resource SET label = 'Laggard' WHERE id = %s", [resource.pk])
        other.label = "Quick one"
        other.save()
        assert "Quick one" in titles("quick")
        assert "Laggard" not in titles("laggard")
        a_block(a_stage("plan"), "dashboards", Item(label="Quicker one", url="/q"))
        assert "Quicker one" in titles("quicker")
        slow.commit()
    finally:
        slow.close()
    assert "Laggard" in titles("laggard")


@pytest.mark.django_db(transaction=True)
def test_what_is_not_committed_is_found_by_its_own_transaction_alone() -> None:
    stage, other = a_stage("plan"), Resource.objects.get(url="/b")
    index()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        a_block(stage, "dashboards", Item(label="Taken back", url="/t"))
        assert "Taken back" in titles("taken")
        raise ZeroDivisionError
    other.label = "Quick one"
    other.save()
    assert "Quick one" in titles("quick")
    assert "Taken back" not in titles("taken")


def test_nothing_is_found_for_nothing() -> None:
    assert titles("") == titles("?!") == titles("zzzzqqqq") == []


def test_facets_count_what_the_other_leaves_and_a_misspelt_word_is_marked(viewer_client: Client) -> None:
    page = viewer_client.get("/search/?q=adoptoin").content.decode()
    assert "User <mark>Adoption</mark>" in page
    a_block(
        Stage.objects.get(key="package"), "dashboards",
        Item(label="User Adoption", url="/a"), Item(label="Package costs", url="/c"),
    )  # fmt: skip
    everything = viewer_client.get("/search/?q=package").content.decode()
    assert "Dashboard 2</a>" in everything
    assert "Query 1</a>" in everything
    a_block(a_stage("plan"), "dashboards", Item(label="Package board of Plan", url="/p"))
    narrowed = viewer_client.get("/search/?q=package&narrow=stage: Plan").content.decode()
    assert "Dashboard 1</a>" in narrowed
    assert "Query" not in narrowed.split("search-facets")[1].split("</nav>")[0]
    of_kind = viewer_client.get("/search/?q=package&kind=Query").content.decode()
    assert "stage: Package (1)" in of_kind
    assert "stage: Plan" not in of_kind


def test_marks_of_markdown_are_no_part_of_what_is_found(viewer_client: Client) -> None:
    StartingPoint.objects.create(text="[Zebra docs](https://zebra.example/a), the **striped <b>zebra</b>** ones, first")
    PageText.objects.create(place="top", body="## About zebras\n\n* See [the herd](/herd) & `zebra_count`")
    a_block(Stage.objects.get(key="package"), "okrs", Item(label="Grow", url="/g", description="**Zebra** [a](/b)"))
    a_block(Stage.objects.get(key="package"), "data_docs", Item(text="SELECT zebra *\nFROM _a_ b", dialect="sql"))
    hits = {hit.kind: hit for hit in search("zebra", AnonymousUser(), 20)}
    assert hits["Starting point"].snippet == "Zebra docs, the striped <b>zebra</b> ones, first"
    assert (hits["Text"].title, hits["Text"].snippet) == (
        "About zebras See the herd & zebra_count", "About zebras See the herd & zebra_count",
    )  # fmt: skip
    assert hits["Resource"].snippet == "Zebra a"
    assert hits["Query"].snippet == "SELECT zebra * FROM _a_ b"
    page = viewer_client.get("/search/?q=zebra").content.decode()
    assert "<mark>Zebra</mark> docs, the striped &lt;b&gt;<mark>zebra</mark>&lt;/b&gt; ones, first" in page
    assert "Zebra docs, the striped" in str(viewer_client.get("/api/v1/search/?q=zebra").json())
    assert next(hit.kind for hit in search("zebra.example", AnonymousUser(), 20)) == "Starting point", "by its address"


def test_what_is_retired_says_so_and_comes_after_what_is_in_use() -> None:
    old, new = a_stage("old", name="Old"), a_stage("new", name="New")
    for stage in (old, new):
        a_block(stage, "dashboards", Item(label="Zebra counts", url=f"/{stage.key}"))
    Stage.objects.filter(pk=old.pk).update(retired_on=date(2026, 1, 1))
    found = index().search("zebra", 5)
    assert [document.stage for _, document in found] == ["New", "Old (retired)"]
    assert index().search("old", 5)[0][1].title == "Old (retired)"
