"""Search over all content."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client

from stages.content import Item
from stages.models import Stage
from stages.search import index, search
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


def test_what_was_just_saved_is_found_and_what_was_removed_is_not() -> None:
    stage = a_stage("plan")
    a_block(stage, "dashboards", Item(label="Roadmap burnup", url="/c"))
    assert "Roadmap burnup" in titles("burnup")
    a_block(stage, "dashboards", Item(label="Other", url="/d"))
    assert "Roadmap burnup" not in titles("burnup")
    assert index() is index()


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
